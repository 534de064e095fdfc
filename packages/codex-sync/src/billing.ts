import { type ApiCall, type Located, type Message, plural } from '@opensync/core/plugin';
import { billedSince, tokenCountOf, usageOf } from './accounting.js';
import {
  type Fields,
  fieldsOf,
  type Line,
  nameOf,
  RECORDS_SINCE,
  stringOf,
  type Tokens,
  tokensOf,
} from './records.js';
import { closeResponse, lineId, place, type Response, type State, setModel } from './state.js';

export function addUsageRecord(state: State, record: Fields, line: Line, at: Located<unknown>): void {
  const id = nameOf(record.response_id) ?? lineId(state, at);
  const owner = stringOf(record.thread_id) ?? state.session.id;
  if (owner !== state.session.id || state.replay !== undefined) {
    notCounted(state, `made by ${otherOf(state, owner)} and copied here`, at, id);
  } else if (state.responseIds.has(id)) {
    notCounted(state, `repeats the usage of ${id}, counted once`, at, id);
  } else {
    state.responseIds.add(id);
    state.recorded = true;
    addCall(state, id, tokensOf(record.usage), line, at);
  }
  closeResponse(state);
}

export function addTokenCount(state: State, event: Fields, line: Line, at: Located<unknown>): void {
  const count = tokenCountOf(event.info);
  // Without numbers it still stands behind a response.
  if (count === undefined) {
    closeResponse(state);
    return;
  }
  const billed = billedSince(state.total, count);
  const reason = reasonAgainst(state, billed);
  if (billed !== undefined) state.recorded = false;
  state.total = count.total;
  if (reason !== undefined) notCounted(state, reason, at);
  const answered = state.response !== undefined && state.response.call === undefined;
  const call =
    billed && reason === undefined ? addCall(state, lineId(state, at), billed, line, at) : undefined;
  closeResponse(state);
  if (!answered) state.callAhead = call;
}

/** Why a running total is not counted; undefined when it is. */
function reasonAgainst(state: State, billed: Tokens | undefined): string | undefined {
  if (state.replay !== undefined) return `made by ${otherOf(state, state.session.id)} and copied here`;
  if ((state.file.meta?.version ?? 0) >= RECORDS_SINCE)
    return 'a running total: each response has its own record';
  if (billed === undefined) return 'repeats the running total before it';
  return state.recorded ? 'a running total of responses that have their own records' : undefined;
}

function otherOf({ session, meta }: State, owner: string): string {
  if (owner !== session.id) return owner;
  return session.forkedFrom ?? meta?.forkedFrom ?? session.parentId ?? 'another thread';
}

/** `latest_token_usage_record` is there a second time; the response itself is counted where it ended. */
export function addCompaction(state: State, compacted: Fields, at: Located<unknown>): void {
  closeResponse(state);
  const copy = fieldsOf(compacted.latest_token_usage_record);
  if (copy === undefined) return;
  const id = stringOf(copy.response_id);
  notCounted(state, `repeats the usage of ${id ?? 'a response'} inside a compaction`, at, id);
}

function notCounted(state: State, reason: string, at: Located<unknown>, id?: string): void {
  state.session.uncounted.push({ ...(id !== undefined && { id }), reason, location: place(at) });
}

function addCall(
  state: State,
  id: string,
  tokens: Tokens | undefined,
  line: Line,
  at: Located<unknown>,
): ApiCall {
  const call: ApiCall = { id, location: place(at) };
  if (line.at !== undefined) call.createdAt = line.at;
  if (tokens !== undefined) call.usage = usageOf(tokens);
  if (state.tier !== undefined) call.tier = state.tier;
  setModel(state, call);
  state.session.calls.push(call);
  const { response } = state;
  if (response !== undefined && response.call === undefined) {
    response.call = call;
    if (call.usage !== undefined) response.message.usage = call.usage;
    noteWebSearches(response);
  }
  return call;
}

/** Only searches are billed, not the pages that a model opens. */
export function noteWebSearches({ call, webSearches }: Response): void {
  if (call !== undefined && webSearches > 0) call.webSearches = webSearches;
}

export function tierOf(tier: unknown): string | undefined {
  return tier === 'default' || tier === 'auto' ? undefined : nameOf(tier);
}

/** Responses that left something behind but no token counts. */
export function addUnknownCalls(state: State): void {
  const { session } = state;
  const uncounted = state.responses.filter((response) => response.call === undefined);
  if (session.calls.length === 0) {
    for (const { message } of uncounted) session.calls.push(unknownCall(message));
    // Nothing of the thread could be read: what it cost is not known, and not 0.
    if (state.meta === undefined && uncounted.length === 0) session.calls.push({ id: 'unread' });
    return;
  }
  // The last one may still be going on.
  const cut = uncounted.filter((response) => response !== state.response).length;
  if (cut > 0) {
    const message = `${plural(cut, 'response')} ended before the client was told any tokens: more was billed.`;
    session.problems.push({ message });
  }
}

function unknownCall({ id, createdAt, model }: Message): ApiCall {
  return { id, ...(createdAt !== undefined && { createdAt }), ...(model !== undefined && { model }) };
}
