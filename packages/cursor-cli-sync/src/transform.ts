import type { ApiCall, Location, Message, Part, Session } from '@opensync/core/plugin';
import {
  answerParts,
  blocksOf,
  filePart,
  resultText,
  textOf,
  timestampOf,
  transcriptContent,
  typedText,
  withoutBytes,
  workspaceOf,
} from './content.js';
import {
  type Block,
  type CursorRecord,
  type FileMeta,
  type Generation,
  MessageRecord,
  type StoreMeta,
  TranscriptLine,
  type Turn,
} from './records.js';

/** A session while its records are read. */
interface Draft {
  session: Session;
  meta?: StoreMeta;
  file?: FileMeta;
  tracked: { title?: string | undefined; model?: string | undefined };
  startedAt?: number | undefined;
  turns: Turn[];
  generations: Generation[];
  /** As the client tells it to the model; `meta.json` is the better source. */
  workspace?: string | undefined;
  /** Where a call stands whose result is still to come, by tool call id. */
  toolCalls: Map<string, { message: Message; call: Part }>;
}

/** The session. A subagent is a session of its own. Rules and their evidence: docs/formats/cursor.md. */
export function transform(records: Iterable<CursorRecord>, raw: { id: string }): Session[] {
  const draft: Draft = {
    session: { id: raw.id, messages: [], calls: [], uncounted: [], problems: [] },
    tracked: {},
    turns: [],
    generations: [],
    toolCalls: new Map(),
  };
  for (const record of records) addRecord(draft, record);
  return [finish(draft)];
}

function addRecord(draft: Draft, record: CursorRecord): void {
  switch (record.kind) {
    case 'chat':
      draft.meta = record.meta;
      assign(draft.session, 'parentId', record.meta.subagentInfo?.parentAgentId);
      return;
    case 'file':
      draft.file = record.file;
      return;
    case 'state':
      addState(draft, record);
      return;
    case 'message':
      addMessage(draft, record.id, record.value, record.location);
      return;
    case 'transcript':
      draft.session.parentId ??= record.parentId;
      assign(draft.session, 'projectName', record.project);
      return;
    case 'line':
      addLine(draft, record);
      return;
    case 'tracked':
      draft.tracked = record;
      return;
    case 'usage':
      draft.generations.push(record.generation);
  }
}

function addState(
  draft: Draft,
  { startedAt, turns, contextTokens, location }: CursorRecord & { kind: 'state' },
) {
  draft.startedAt = startedAt;
  draft.turns = turns;
  if (contextTokens === undefined) return;
  const reason = `${contextTokens} tokens is how full the context was, not what was billed`;
  draft.session.uncounted.push({ reason, location });
}

/** Lines without a role say how a turn ended. */
function addLine(draft: Draft, { value, file, line }: CursorRecord & { kind: 'line' }): void {
  const parsed = TranscriptLine.safeParse(value);
  if (!parsed.success) return;
  const { role, message } = parsed.data;
  const content = transcriptContent(message.content);
  addMessage(draft, `line-${line}`, { role, content }, { file, line });
}

function addMessage(draft: Draft, id: string, value: unknown, location: Location): void {
  const parsed = MessageRecord.safeParse(value);
  if (!parsed.success) {
    draft.session.problems.push({ message: 'A message of an unknown kind was left out.', location });
    return;
  }
  const record = parsed.data;
  const blocks = blocksOf(record.content);
  if (record.role === 'assistant') addAnswer(draft, id, record, blocks, location);
  else if (record.role === 'tool') addResults(draft, id, blocks);
  // What a compaction made of older messages: those are all here.
  else if (record.role === 'user' && record.providerOptions?.cursor?.isSummary !== true)
    addPrompt(draft, id, blocks);
}

function addPrompt(draft: Draft, id: string, blocks: readonly Block[]): void {
  const text = textOf(blocks);
  draft.workspace ??= workspaceOf(text);
  const typed = typedText(text);
  const parts: Part[] = typed === '' ? [] : [{ type: 'text', text: typed }];
  parts.push(...blocks.flatMap((block) => filePart(block) ?? []));
  if (parts.length === 0) return;
  const message: Message = { id, role: 'user', parts };
  assign(message, 'createdAt', timestampOf(text));
  draft.session.messages.push(message);
}

/** No file tells the tokens of an answer, so each has a call without usage: see `countTurns`. */
function addAnswer(
  draft: Draft,
  id: string,
  record: MessageRecord,
  blocks: readonly Block[],
  location: Location,
): void {
  const message: Message = { id, role: 'assistant', parts: [] };
  const call: ApiCall = { id, location };
  const options = [record.providerOptions, ...blocks.map((block) => block.providerOptions)];
  const model = options.find((option) => option?.cursor?.modelName !== undefined)?.cursor?.modelName;
  if (model !== undefined) message.model = call.model = model;
  for (const block of blocks) {
    const parts = partsOf(block, `${id}-${message.parts.length}`);
    message.parts.push(...parts);
    for (const part of parts) {
      if (part.type === 'tool-call') draft.toolCalls.set(part.id, { message, call: part });
    }
  }
  draft.session.messages.push(message);
  draft.session.calls.push(call);
}

/** `id` is for a tool call of a transcript, which has none. */
function partsOf(block: Block, id: string): Part[] {
  const { type, text = '' } = block;
  if (type === 'text') return answerParts(text);
  if (type === 'reasoning') return text === '' ? [] : [{ type: 'thinking', text }];
  if (type === 'tool-call' || type === 'tool_use') {
    const name = block.toolName ?? block.name ?? 'unknown';
    const args = withoutBytes(block.args ?? block.input ?? {});
    return [{ type: 'tool-call', id: block.toolCallId ?? id, name, args }];
  }
  const file = filePart(block);
  return file === undefined ? [] : [file];
}

/** Puts each result behind its call; what belongs to no call is shown, and counted as nothing. */
function addResults(draft: Draft, id: string, blocks: readonly Block[]): void {
  const stray: Part[] = [];
  for (const block of blocks) {
    if (block.type !== 'tool-result') continue;
    const made = draft.toolCalls.get(block.toolCallId ?? '');
    if (made?.call.type !== 'tool-call') {
      stray.push({ type: 'text', text: resultText(block) });
      continue;
    }
    const { id: callId, name } = made.call;
    const result: Part = { type: 'tool-result', id: callId, name, result: resultText(block) };
    if (block.isError === true) result.isError = true;
    const { parts } = made.message;
    const index = parts.indexOf(made.call) + 1;
    // A repeated result replaces the earlier one.
    parts.splice(index, parts[index]?.type === 'tool-result' ? 1 : 0, result);
  }
  if (stray.length > 0) {
    draft.session.messages.push({ id, role: 'unknown', parts: stray, injected: true });
  }
}

function finish(draft: Draft): Session {
  const { session, meta, file } = draft;
  const isSubagent = session.parentId !== undefined || file?.isSubagent === true;
  const prompts = session.messages.filter(({ role }) => role === 'user');
  const turns = turnsOf(session.messages, draft.turns);
  addTimes(draft, turns);
  // What a subagent is asked was written by the model of its parent.
  if (isSubagent) for (const prompt of prompts) prompt.injected = true;
  const path = file?.cwd ?? draft.workspace;
  assign(session, 'projectPath', path);
  assign(
    session,
    'projectName',
    path?.split(/[/\\]/).findLast((name) => name !== ''),
  );
  assign(session, 'title', titleOf(draft, prompts));
  countTurns(draft, turns);
  // Something was asked, and what became of it cannot be read: its tokens are unknown, not none.
  const wasAsked = file?.hasConversation === true || draft.generations.length > 0;
  const isKnown = session.calls.every(({ usage }) => usage !== undefined);
  if (prompts.length === 0 && wasAsked && isKnown) session.calls.push({ id: 'unknown' });
  addModel(session.calls, meta?.lastUsedModel || draft.tracked.model);
  return session;
}

/** The client's word for a model that was not chosen. */
const AUTO = 'default';

/** The chat's newest model may not be the one that a recorded turn was billed for. */
function addModel(calls: readonly ApiCall[], model: string | undefined): void {
  if (!model) return;
  for (const call of calls) if (call.usage === undefined || model === AUTO) call.model ??= model;
}

/**
 * A turn that was recorded is one call, in place of those of its answers; any other keeps at least one
 * call without usage. What was recorded of turns that are no longer there was billed as well.
 */
function countTurns({ session, turns, generations }: Draft, located: readonly LocatedTurn[]): void {
  const { messages } = session;
  const recorded = new Map(generations.map((generation) => [generation.id, callOf(generation)]));
  const isCertain = located.length === turns.length && haveOwnRequests(turns);
  const callOfAnswer = new Map<string, ApiCall>();
  const unanswered: ApiCall[] = [];
  const stretches = stretchesOf(messages, located);
  stretches.forEach(({ turn, begin }, index) => {
    const end = stretches[index + 1]?.begin ?? messages.length;
    const answers = messages.slice(begin, end).filter(({ role }) => role === 'assistant');
    const call = isCertain ? recorded.get(turn?.requestId ?? '') : undefined;
    if (call !== undefined) for (const { id } of answers) callOfAnswer.set(id, call);
    else if (answers.length === 0) unanswered.push({ id: messages[begin]?.id ?? '' });
  });
  const calls = session.calls.map((call) => callOfAnswer.get(call.id) ?? call);
  session.calls = [...new Set([...calls, ...unanswered, ...recorded.values()])];
}

/** What is asked behind the last turn may have been typed meanwhile, or begin a turn that is not listed yet. */
function stretchesOf(
  messages: readonly Message[],
  located: readonly LocatedTurn[],
): { turn?: Turn; begin: number }[] {
  const last = located.at(-1)?.begin ?? -1;
  const begin = messages.findIndex(({ role }, index) => index > last && role === 'user');
  return begin === -1 ? [...located] : [...located, { begin }];
}

function callOf({ id, model, endedAt, usage, location }: Generation): ApiCall {
  const call: ApiCall = { id, createdAt: endedAt, usage, summed: true, location };
  assign(call, 'model', model);
  return call;
}

/** A request that two turns share tells the tokens of one of them, or of both: nobody knows. */
function haveOwnRequests(turns: readonly Turn[]): boolean {
  const ids = turns.flatMap(({ requestId }) => requestId ?? []);
  return new Set(ids).size === ids.length;
}

/** The client's default for a chat that was not named yet. */
const UNNAMED = 'New Agent';

function titleOf({ meta, file, tracked }: Draft, prompts: readonly Message[]): string | undefined {
  const names = [meta?.name, file?.title, tracked.title].map((name) => name?.trim());
  const [first] = prompts.map(textIn).filter((text) => text !== '');
  return names.find((name) => name && name !== UNNAMED) ?? first;
}

/** Messages carry no times, but turns do: a turn begins with its prompt and ends with its last answer. */
function addTimes({ session, meta, file, startedAt }: Draft, turns: readonly LocatedTurn[]): void {
  const { messages } = session;
  turns.forEach(({ turn, begin }, index) => {
    const [prompt, answer] = [messages[begin], messages[(turns[index + 1]?.begin ?? messages.length) - 1]];
    if (prompt === undefined || turn.startedAt === undefined) return;
    prompt.createdAt = turn.startedAt;
    const isEnd = answer?.role === 'assistant' && turn.durationMs !== undefined;
    if (isEnd) answer.createdAt = turn.startedAt + (turn.durationMs ?? 0);
  });
  const times = messages.flatMap(({ createdAt }) => createdAt ?? []);
  assign(session, 'createdAt', meta?.createdAt ?? file?.createdAtMs ?? startedAt ?? times[0]);
  const last = Math.max(
    file?.updatedAtMs ?? 0,
    times.reduce((a, b) => Math.max(a, b), 0),
  );
  if (last > 0) session.updatedAt = last;
}

/** A turn, and the index of the message that it begins with. */
interface LocatedTurn {
  turn: Turn;
  begin: number;
}

/** Turns and where they begin. By their text: a prompt typed while the model is busy begins none. */
function turnsOf(messages: readonly Message[], turns: readonly Turn[]): LocatedTurn[] {
  let from = 0;
  return turns.flatMap((turn) => {
    const text = turn.prompt?.trim();
    const begin = messages.findIndex(
      (message, index) => index >= from && message.role === 'user' && textIn(message) === text,
    );
    if (begin === -1) return [];
    from = begin + 1;
    return [{ turn, begin }];
  });
}

function textIn({ parts }: Message): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

function assign<T, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value;
}
