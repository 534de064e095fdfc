import type { Located, Message, Part, Session } from '@opensync/core/plugin';
import { NOTHING, tokenCountOf } from './accounting.js';
import {
  addCompaction,
  addTokenCount,
  addUnknownCalls,
  addUsageRecord,
  noteWebSearches,
  tierOf,
} from './billing.js';
import { imageOf, partsOf, resultText, textOf, toolCallOf, toolNames } from './content.js';
import {
  type Fields,
  fieldsOf,
  type Line,
  lineOf,
  type Meta,
  metaOf,
  nameOf,
  stringOf,
  TURNS_SINCE,
} from './records.js';
import {
  closeResponse,
  lineId,
  nameModel,
  newFile,
  newState,
  place,
  type Response,
  type Shown,
  type State,
  setModel,
} from './state.js';

/** What `read.ts` hands out: lines, and what other files say about them. */
export type CodexRecord =
  | (Located<unknown> & { kind: 'line' })
  /** A file of the thread begins. `segment` is undefined for the first, and part of the ids of all others. */
  | { kind: 'file'; segment: string | undefined }
  /** The name a person or the client gave the thread. */
  | { kind: 'name'; name: string }
  /** Models and running totals of the history that the file goes on from; absent when it is lost. */
  | { kind: 'base'; lines: unknown[] }
  /** Lines up to this one stand in the parent's file as well. */
  | { kind: 'copied'; until: number };

/**
 * One thread. Rules and their evidence: docs/formats/codex.md.
 */
export function transform(records: Iterable<CodexRecord>, raw: { id: string }): Session[] {
  const state = newState(raw.id);
  for (const record of records) addRecord(state, record);
  return state.exists ? [finish(state)] : [];
}

function addRecord(state: State, record: CodexRecord): void {
  switch (record.kind) {
    case 'line':
      addLine(state, record);
      return;
    case 'file':
      endReplay(state);
      state.file = newFile(record.segment);
      state.exists = true;
      return;
    case 'base':
      addBase(state, record.lines);
      return;
    case 'name':
      state.name = record.name;
      return;
    case 'copied':
      state.file.copiedUntil = record.until;
  }
}

function addBase(state: State, lines: readonly unknown[]): void {
  state.file.hasBase = true;
  state.total = NOTHING;
  for (const value of lines) {
    const payload = lineOf(value)?.payload;
    state.model = stringOf(payload?.model) ?? state.model;
    state.total = tokenCountOf(payload?.info)?.total ?? state.total;
  }
}

function addLine(state: State, at: Located<unknown>): void {
  const line = lineOf(at.value);
  if (line === undefined) {
    state.session.problems.push({ message: 'A line that is no record was left out.', location: place(at) });
    return;
  }
  if (isReplayOver(state, line, at)) endReplay(state);
  const { payload } = line;
  switch (line.type) {
    case 'session_meta':
      addMeta(state, line);
      break;
    case 'turn_context':
      closeResponse(state);
      nameModel(state, stringOf(payload.model));
      break;
    case 'response_item':
      addItem(state, payload, line, at);
      break;
    case 'event_msg':
      addEvent(state, payload, line, at);
      break;
    case 'token_usage_record':
      addUsageRecord(state, payload, line, at);
      break;
    case 'compacted':
      addCompaction(state, payload, at);
      break;
    case 'state':
      closeResponse(state);
      break;
    case 'world_state':
    case 'inter_agent_communication_metadata':
      break;
    default:
      noteUnknown(state, line.type, at);
  }
}

function noteUnknown(state: State, type: string, at: Located<unknown>): void {
  if (state.unknownTypes.has(type)) return;
  state.unknownTypes.add(type);
  const message = `Records of type "${type}" are not known and were left out.`;
  state.session.problems.push({ message, location: place(at) });
}

// Whose lines these are

function addMeta(state: State, line: Line): void {
  const meta = metaOf(line);
  if (meta === undefined) return;
  if (state.file.meta === undefined) {
    state.file.meta = meta;
    if (state.meta === undefined) addThread(state, meta);
    if (meta.base !== undefined && !state.file.hasBase) state.total = undefined;
    if (meta.ownFrom !== undefined) state.replay = { until: 'ordinal', value: meta.ownFrom };
  } else if (meta.id !== state.session.id) {
    if (state.meta?.isAgent === false) state.session.forkedFrom ??= meta.id;
    const hasTurns = (state.file.meta.version ?? TURNS_SINCE) >= TURNS_SINCE;
    state.replay ??= hasTurns ? { until: 'turn' } : { until: 'line', value: state.file.copiedUntil };
  }
}

function addThread(state: State, meta: Meta): void {
  const { session } = state;
  state.meta = meta;
  session.projectPath = meta.cwd;
  session.projectName = meta.cwd?.split(/[/\\]/).findLast((name) => name !== '');
  session.gitBranch = meta.branch;
  session.provider = meta.provider;
  session.parentId = meta.parentId;
  // A subagent that was given its parent's context is no fork.
  if (!meta.isAgent) session.forkedFrom = meta.forkedFrom;
}

function isReplayOver({ replay, session, file }: State, line: Line, at: Located<unknown>): boolean {
  if (replay === undefined || line.type === 'session_meta') return false;
  if (replay.until === 'line') return at.line > replay.value;
  if (replay.until === 'ordinal') return (line.ordinal ?? replay.value) >= replay.value;
  if (line.payload.type !== 'task_started') return false;
  const [turn, thread] = [timeInId(stringOf(line.payload.turn_id)), timeInId(session.id)];
  return turn === undefined ? false : turn >= (thread ?? file.meta?.createdAt ?? 0);
}

/** Of a UUIDv7, milliseconds since the Unix epoch. */
function timeInId(id: string | undefined): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(id ?? '') ?? [];
  return high === undefined ? undefined : Number.parseInt(`${high}${low}`, 16);
}

function endReplay(state: State): void {
  closeResponse(state);
  state.replay = undefined;
  state.shown = [];
  state.echoes = 0;
}

// Messages

function newMessage(
  state: State,
  role: Message['role'],
  parts: Part[],
  line: Line,
  at: Located<unknown>,
): Message {
  const own = nameOf(line.payload.id);
  const id = own === undefined || state.messageIds.has(own) ? lineId(state, at) : own;
  const message: Message = { id, role, parts };
  if (line.at !== undefined) message.createdAt = line.at;
  if (state.replay !== undefined) message.copied = true;
  state.messageIds.add(id);
  state.session.messages.push(message);
  return message;
}

function addItem(state: State, item: Fields, line: Line, at: Located<unknown>): void {
  const type = stringOf(item.type) ?? '';
  if (type === 'message') {
    if (item.role === 'assistant') addAnswer(state, item, line, at);
    else if (item.role === 'user') addUserItem(state, item, line, at);
  } else if (type === 'reasoning') {
    addParts(state, thinkingOf(item), line, at);
  } else if (type === 'agent_message') {
    addNotice(state, item, line, at);
  } else if (type.endsWith('_call')) {
    addToolCall(state, item, line, at);
  } else if (type.endsWith('_output')) {
    addToolResult(state, item);
  } else if (!['additional_tools', 'compaction', 'ghost_snapshot', 'other'].includes(type)) {
    noteUnknown(state, type, at);
  }
}

function thinkingOf({ summary, content }: Fields): Part[] {
  return [...partsOf(summary), ...partsOf(content)].flatMap((part) =>
    part.type === 'text' ? [{ type: 'thinking', text: part.text }] : [],
  );
}

/** Kinds of text that the client puts before the model with the prompts of a person. */
const CONTEXT = ['environments.environment_context', 'agents_md.instructions'];
/** The same in clients up to 0.29, which do not say so. */
const BARE_CONTEXT = /^<(?:environment_context|user_instructions)>/;

function addUserItem(state: State, item: Fields, line: Line, at: Located<unknown>): void {
  if (line.bare) {
    if (!BARE_CONTEXT.test(textOf(item.content))) addPrompt(state, partsOf(item.content), line, at);
    return;
  }
  const kinds = kindsOf(item);
  // Without kinds only the event says what was typed.
  if (kinds === undefined) return;
  const isTyped = (index: number) => (kinds[index] ?? 'user.').startsWith('user.');
  if (kinds.some((_, index) => isTyped(index))) {
    addPrompt(state, partsOf(item.content, isTyped), line, at);
    state.echoes++;
  } else if (!kinds.every((kind) => CONTEXT.includes(kind))) {
    addNotice(state, item, line, at);
  }
}

function kindsOf(item: Fields): string[] | undefined {
  const kinds = fieldsOf(item.internal_chat_message_metadata_passthrough)?.content_item_kinds;
  return Array.isArray(kinds) ? kinds.map(String) : undefined;
}

function addPrompt(state: State, parts: Part[], line: Line, at: Located<unknown>): void {
  closeResponse(state);
  state.review = undefined;
  if (parts.length === 0) return;
  const message = newMessage(state, 'user', parts, line, at);
  if (state.meta?.isAgent === true) message.injected = true;
}

/** What the client or another agent told the model. */
function addNotice(state: State, item: Fields, line: Line, at: Located<unknown>): void {
  closeResponse(state);
  const parts = partsOf(item.content);
  if (parts.length > 0) newMessage(state, 'system', parts, line, at).injected = true;
}

/** The item of an answer. It stands behind the event with which it was shown, but for what the client wrote itself. */
function addAnswer(state: State, item: Fields, line: Line, at: Located<unknown>): void {
  if (line.isSummary) return;
  const answer = { id: stringOf(item.id), text: textOf(item.content) };
  const index = state.shown.findIndex((shown) => isSame(shown, answer));
  const parts = partsOf(item.content);
  // A paginated replay copies items alone.
  if (index === -1 && !line.bare && state.replay?.until !== 'ordinal') {
    state.held = { shown: answer, parts, line, at };
    return;
  }
  if (index !== -1) state.shown.splice(index, 1);
  addParts(state, parts, line, at);
}

function addShown(state: State, shown: Shown): void {
  const { held } = state;
  if (held === undefined || !isSame(held.shown, shown)) {
    state.shown.push(shown);
    return;
  }
  state.held = undefined;
  if (state.review !== 'over') addParts(state, held.parts, held.line, held.at);
  // The findings of a review, written out by the client: the model's answer is in the review's own thread.
  else newMessage(state, 'assistant', held.parts, held.line, held.at).injected = true;
}

function isSame(a: Shown, b: Shown): boolean {
  return (a.id !== undefined && a.id === b.id) || a.text === b.text;
}

/** Adds to the message of the response that is being read. */
function addParts(state: State, parts: Part[], line: Line, at: Located<unknown>): Response | undefined {
  if (parts.length === 0) return undefined;
  state.response ??= newResponse(state, line, at);
  state.response.message.parts.push(...parts);
  return state.response;
}

function newResponse(state: State, line: Line, at: Located<unknown>): Response {
  const message = newMessage(state, 'assistant', [], line, at);
  setModel(state, message);
  const response: Response = { message, call: state.callAhead, webSearches: 0 };
  if (response.call?.usage !== undefined) message.usage = response.call.usage;
  state.callAhead = undefined;
  if (state.replay === undefined) state.responses.push(response);
  return response;
}

function addToolCall(state: State, item: Fields, line: Line, at: Located<unknown>): void {
  const call = toolCallOf(item, lineId(state, at));
  const parts: Part[] = [call];
  // The picture stands where a result would.
  if (typeof item.result === 'string')
    parts.push(imageOf(`data:image/${stringOf(item.output_format) ?? 'png'};base64,${item.result}`));
  const response = addParts(state, parts, line, at);
  if (response === undefined) return;
  state.toolCalls.set(call.id, { message: response.message, call });
  if (item.type !== 'web_search_call' || fieldsOf(item.action)?.type !== 'search') return;
  response.webSearches++;
  noteWebSearches(response);
}

/** Puts a result directly behind its call. */
function addToolResult(state: State, item: Fields): void {
  const id = stringOf(item.call_id) ?? '';
  const made = state.toolCalls.get(id);
  if (made?.call.type !== 'tool-call') return;
  const { parts } = made.message;
  const index = parts.indexOf(made.call) + 1;
  const next = parts[index];
  // A call that was waited for again has one more output.
  if (next?.type === 'tool-result' && next.id === id) return;
  const result: Part = {
    type: 'tool-result',
    id,
    name: made.call.name,
    result: item.output === undefined ? toolNames(item.tools) : resultText(item.output),
  };
  if (state.failedCalls.has(id) || fieldsOf(item.output)?.success === false) result.isError = true;
  parts.splice(index, 0, result);
}

function addEvent(state: State, event: Fields, line: Line, at: Located<unknown>): void {
  switch (event.type) {
    case 'user_message':
      addPromptEvent(state, promptOf(event), line, at);
      break;
    case 'agent_message':
      addShown(state, { id: undefined, text: stringOf(event.message) ?? '' });
      break;
    case 'item_completed':
      addCompletedItem(state, event, line, at);
      break;
    case 'token_count':
      addTokenCount(state, event, line, at);
      break;
    case 'thread_settings_applied':
      state.tier = tierOf(fieldsOf(event.thread_settings)?.service_tier);
      break;
    case 'entered_review_mode':
      state.review = 'running';
      break;
    case 'exited_review_mode':
      state.review = 'over';
  }
}

function promptOf({ message, images, local_images: localImages }: Fields): Part[] {
  const files = [images, localImages].flatMap((list) => (Array.isArray(list) ? list : []));
  const parts: Part[] = files.map((image) => imageOf(String(image)));
  const text = stringOf(message) ?? '';
  return text === '' ? parts : [...parts, { type: 'text', text }];
}

/** Says again what an item of kind `user.…` has said; older clients say it here alone. */
function addPromptEvent(state: State, parts: Part[], line: Line, at: Located<unknown>): void {
  if (state.review === 'running') return;
  if (state.echoes > 0) state.echoes--;
  else addPrompt(state, parts, line, at);
}

function addCompletedItem(state: State, event: Fields, line: Line, at: Located<unknown>): void {
  // A review's items are mirrored into the thread that asked for it.
  if ((stringOf(event.thread_id) ?? state.session.id) !== state.session.id) return;
  const item = fieldsOf(event.item) ?? {};
  const id = stringOf(item.id);
  if (item.type === 'UserMessage') addPromptEvent(state, partsOf(item.content), line, at);
  else if (item.type === 'AgentMessage') addShown(state, { id, text: textOf(item.content) });
  else if (item.type === 'EnteredReviewMode') state.review = 'running';
  else if (item.type === 'ExitedReviewMode') state.review = 'over';
  else if (item.status === 'failed' && id !== undefined) state.failedCalls.add(id);
}

function finish(state: State): Session {
  const { session, meta } = state;
  addUnknownCalls(state);
  const own = session.messages.filter(({ copied }) => copied !== true);
  const times = own.flatMap(({ createdAt }) => createdAt ?? []);
  if (times.length > 0) {
    session.createdAt = times.reduce((a, b) => Math.min(a, b));
    session.updatedAt = times.reduce((a, b) => Math.max(a, b));
  } else if (own.length > 0) {
    // Clients up to 0.29 record no other time.
    session.createdAt = meta?.createdAt;
  } else {
    // A copy that nobody has gone on with: the time at which someone does is the one that a server keeps.
    session.messages = [];
  }
  session.title = state.name ?? firstPrompt(own);
  return session;
}

function firstPrompt(messages: readonly Message[]): string | undefined {
  for (const { role, injected, parts } of messages) {
    if (role !== 'user' || injected === true) continue;
    const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
    if (text.trim() !== '') return text.trim();
  }
  return undefined;
}
