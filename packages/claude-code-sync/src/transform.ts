import {
  type ApiCall,
  type Located,
  type Message,
  type Part,
  plural,
  type Session,
  type Usage,
} from '@opensync/core/plugin';
import { blocksOf, promptOf, resultText, textOf } from './content.js';
import {
  type AgentMeta,
  agentMetaOf,
  type Line,
  lineOf,
  markedOrigin,
  SYNTHETIC,
  timeOf,
  type UsageRecord,
} from './records.js';

/** What `read.ts` hands out: lines, and what the files around a transcript say about it. */
export type ClaudeRecord =
  | (Located<unknown> & { kind: 'line'; agentId?: string })
  | { kind: 'agent'; agentId: string; meta: unknown }
  | { kind: 'title'; title: string }
  /** Begins a main transcript. `uuids`: its lines that an older session wrote; no mark in the line need say so. */
  | {
      kind: 'transcript';
      file: string;
      empty: boolean;
      uuids: ReadonlySet<string>;
      origin: string | undefined;
    };

/** The transcript of a session or of one of its subagents, while it is read. */
interface Thread {
  session: Session;
  agentId: string | undefined;
  uuids: Set<string>;
  /** By API message id. */
  calls: Map<string, CallDraft>;
  /** By tool call id: the message and part that made the call. */
  toolCalls: Map<string, { message: Message; call: Part }>;
  /** Messages before this index are copies of another session's. */
  copied: number;
  /** Time of the first prompt that the process took from its input; copies are older. */
  startedAt: string | undefined;
  /** Common timestamp of the lines that a 1.0 client copied on resume. */
  resumedAt: string | undefined;
  firstTimestamp: string | undefined;
  customTitle: string | undefined;
  aiTitle: string | undefined;
}

interface CallDraft {
  call: ApiCall;
  message: Message;
  usage: UsageMaximum | undefined;
  finished: boolean;
  /** Set when the call is another thread's or session's. */
  foreign: string | undefined;
}

interface State {
  sessionId: string;
  main: Thread;
  /** By agent id, in order of appearance. */
  agents: Map<string, Thread>;
  metas: Map<string, AgentMeta>;
  /** Root of each sidechain line, by uuid: 1.0 clients write subagents into the main transcript. */
  sidechains: Map<string, string>;
  /** Which thread made a call first. */
  owners: Map<string, Thread>;
  copies: { uuids: ReadonlySet<string>; origin: string | undefined };
  /** The first file of the main transcript. */
  transcript: { file: string; empty: boolean } | undefined;
  /** The main transcript holds lines of a conversation. */
  hasConversation: boolean;
}

/**
 * The session and its subagents. Rules and their evidence: docs/formats/claude-code.md.
 */
export function transform(records: Iterable<ClaudeRecord>, raw: { id: string }): Session[] {
  const state: State = {
    sessionId: raw.id,
    main: newThread(raw.id, undefined),
    agents: new Map(),
    metas: new Map(),
    sidechains: new Map(),
    owners: new Map(),
    copies: { uuids: new Set(), origin: undefined },
    transcript: undefined,
    hasConversation: false,
  };
  for (const record of records) addRecord(state, record);
  return finish(state);
}

function newThread(id: string, agentId: string | undefined): Thread {
  return {
    session: { id, provider: 'anthropic', messages: [], calls: [], uncounted: [], problems: [] },
    agentId,
    uuids: new Set(),
    calls: new Map(),
    toolCalls: new Map(),
    copied: 0,
    startedAt: undefined,
    resumedAt: undefined,
    firstTimestamp: undefined,
    customTitle: undefined,
    aiTitle: undefined,
  };
}

function addRecord(state: State, record: ClaudeRecord): void {
  switch (record.kind) {
    case 'line':
      addLine(state, record);
      return;
    case 'agent':
      state.metas.set(record.agentId, agentMetaOf(record.meta));
      return;
    case 'title':
      state.main.customTitle = record.title;
      return;
    case 'transcript':
      state.copies = record;
      state.transcript ??= record;
  }
}

function addLine(state: State, record: Located<unknown> & { agentId?: string }): void {
  const line = lineOf(record.value);
  const thread = record.agentId === undefined ? state.main : agentThread(state, record.agentId);
  if (line === undefined) {
    thread.session.problems.push({
      message: 'A line that is no record was left out.',
      location: place(record),
    });
    return;
  }
  addToThread(state, thread, line, record);
}

function agentThread(state: State, agentId: string): Thread {
  let thread = state.agents.get(agentId);
  if (thread === undefined) {
    thread = newThread(`${state.sessionId}/agent-${agentId}`, agentId);
    thread.session.parentId = state.sessionId;
    state.agents.set(agentId, thread);
  }
  return thread;
}

/** The client has no id for such a subagent; the uuid of its first line stands in. */
function sidechainThread(state: State, line: Line): Thread {
  const parent = line.parentUuid === undefined ? undefined : state.sidechains.get(line.parentUuid);
  const root = parent ?? line.uuid ?? 'unknown';
  if (line.uuid !== undefined) state.sidechains.set(line.uuid, root);
  return agentThread(state, root);
}

function addToThread(state: State, thread: Thread, line: Line, at: Located<unknown>): void {
  switch (line.type) {
    case 'custom-title':
      thread.customTitle = line.customTitle ?? thread.customTitle;
      return;
    case 'ai-title':
      thread.aiTitle = line.aiTitle ?? thread.aiTitle;
      return;
    case 'queue-operation':
      if (thread.firstTimestamp === undefined) thread.startedAt ??= line.timestamp;
      return;
    case 'user':
    case 'assistant':
    case 'system':
    case 'attachment':
      addConversationLine(state, thread, line, at);
  }
}

function addConversationLine(state: State, file: Thread, line: Line, at: Located<unknown>): void {
  const thread = file === state.main && line.isSidechain ? sidechainThread(state, line) : file;
  if (thread === state.main) state.hasConversation = true;
  // An automatic compaction writes the pending line twice (2.1.197).
  if (line.uuid !== undefined) {
    if (thread.uuids.has(line.uuid)) return;
    thread.uuids.add(line.uuid);
  }
  const origin = copyOrigin(state, thread, line);
  if (line.type !== 'attachment') thread.firstTimestamp ??= line.timestamp;
  noteContext(thread.session, line, origin !== undefined);
  if (line.type === 'assistant') addAssistantLine(state, thread, line, at);
  else if (line.type === 'user') addUserLine(thread, line, at);
  else if (line.type === 'system') addSystemLine(thread, line, at);
  else addAttachment(thread, line, at);
  if (origin !== undefined) {
    // A fork begins with one block of copies, so whatever stands before a copy is one as well.
    thread.copied = thread.session.messages.length;
    // In a fork of a fork the parent's own lines stand behind those that it had copied itself.
    if (origin !== '') thread.session.forkedFrom = origin;
  }
}

/** The session a line was copied from, "" when nothing says which; undefined for an own line. */
function copyOrigin(state: State, thread: Thread, line: Line): string | undefined {
  if (thread !== state.main) return undefined;
  const marked = markedOrigin(line, state.sessionId);
  if (marked !== undefined) return marked;
  const { uuids, origin = '' } = state.copies;
  if (line.uuid !== undefined && uuids.has(line.uuid)) return origin;
  if (line.type !== 'user' && line.type !== 'assistant') return undefined;
  if (isBefore(line.timestamp, thread.startedAt)) return origin;
  return isEmptied(line.message?.usage) || copiedOnResume(thread, line) ? origin : undefined;
}

/** Of two times as the client writes them, which sort as texts do. */
function isBefore(timestamp: string | undefined, other: string | undefined): boolean {
  return (
    timestamp?.length === other?.length && timestamp !== undefined && other !== undefined && timestamp < other
  );
}

/** A fork of a compacted session sets the usage of what it preserves to 0, and forgets the split of the cache. */
function isEmptied(usage: UsageRecord | undefined): boolean {
  return usage?.cacheWrite === 0 && (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0) > 0;
}

/**
 * A 1.0 client resumes into a new file: new uuids, the request id dropped, one timestamp for all. An
 * answer never has the timestamp of the prompt before it, so the first such answer gives them away.
 */
function copiedOnResume(thread: Thread, line: Line): boolean {
  if (line.timestamp === undefined || line.timestamp !== thread.firstTimestamp) return false;
  if (line.type === 'assistant' && line.requestId === undefined && line.message?.model !== SYNTHETIC) {
    thread.resumedAt = line.timestamp;
  }
  return thread.resumedAt === line.timestamp;
}

function noteContext(session: Session, line: Line, copied: boolean): void {
  session.projectPath ??= line.cwd;
  // Not from tool output and attachments, which a summary leaves out.
  if (line.type === 'attachment' || (line.type === 'user' && session.gitBranch !== undefined)) return;
  if (line.gitBranch !== undefined && line.gitBranch !== '' && !copied) session.gitBranch = line.gitBranch;
}

function addAssistantLine(state: State, thread: Thread, line: Line, at: Located<unknown>): void {
  if (line.message === undefined) {
    thread.session.problems.push({
      message: 'An answer without a message was left out.',
      location: place(at),
    });
    return;
  }
  if (line.message.model === SYNTHETIC) {
    addSyntheticLine(thread, line, at);
    return;
  }
  const id = line.message.id ?? line.requestId ?? messageId(line, at);
  const draft = thread.calls.get(id) ?? newCall(state, thread, id, line, at);
  const { model } = line.message;
  if (model !== undefined && draft.call.model === undefined) draft.message.model = draft.call.model = model;
  addBlocks(thread, draft.message, line);
  addUsage(thread, draft, line, at);
}

function newCall(state: State, thread: Thread, id: string, line: Line, at: Located<unknown>): CallDraft {
  const message: Message = { id, role: 'assistant', parts: [] };
  const call: ApiCall = { id, location: place(at) };
  const createdAt = timeOf(line);
  if (createdAt !== undefined) message.createdAt = call.createdAt = createdAt;
  const owner = state.owners.get(id);
  const foreign = owner === undefined ? undefined : `made by ${owner.session.id} and copied here`;
  if (owner === undefined) state.owners.set(id, thread);
  else message.copied = true;
  const draft: CallDraft = { call, message, usage: undefined, finished: false, foreign };
  thread.session.messages.push(message);
  thread.calls.set(id, draft);
  return draft;
}

/** Written by the client in the model's name: an API error, a filler, or what it had of an interrupted answer. */
function addSyntheticLine(thread: Thread, line: Line, at: Located<unknown>): void {
  const text = textOf(line.message?.content);
  const { uncounted, messages } = thread.session;
  uncounted.push({ reason: 'written by the client, not by a model', location: place(at) });
  if (text === '' || text === 'No response requested.') return;
  const role = line.isApiErrorMessage ? 'system' : 'assistant';
  messages.push(newMessage(line, at, role, [{ type: 'text', text }], true));
}

function addBlocks(thread: Thread, message: Message, line: Line): void {
  for (const block of blocksOf(line.message?.content)) {
    if (block.type === 'text' && typeof block.text === 'string') {
      if (block.text !== '') message.parts.push({ type: 'text', text: block.text });
    } else if (block.type === 'thinking' && typeof block.thinking === 'string') {
      if (block.thinking !== '') message.parts.push({ type: 'thinking', text: block.thinking });
    } else if (block.type.endsWith('tool_use')) {
      addToolCall(thread, message, block);
    } else if (typeof block.tool_use_id === 'string') {
      addToolResult(thread, block.tool_use_id, block);
    }
  }
}

function addToolCall(thread: Thread, message: Message, block: Record<string, unknown>): void {
  const id = string(block.id) ?? `${message.id}:${thread.toolCalls.size}`;
  if (thread.toolCalls.has(id)) return;
  const call: Part = {
    type: 'tool-call',
    id,
    name: string(block.name) ?? 'unknown',
    args: block.input ?? {},
  };
  message.parts.push(call);
  thread.toolCalls.set(id, { message, call });
}

/** Puts a result directly behind its call. False when the transcript does not hold the call. */
function addToolResult(thread: Thread, callId: string, block: Record<string, unknown>): boolean {
  const made = thread.toolCalls.get(callId);
  if (made === undefined || made.call.type !== 'tool-call') return false;
  const result: Part = {
    type: 'tool-result',
    id: callId,
    name: made.call.name,
    result: resultText(block.content),
  };
  if (block.is_error === true) result.isError = true;
  const { parts } = made.message;
  const index = parts.indexOf(made.call) + 1;
  const next = parts[index];
  // A repeated result replaces the earlier one: the client rewrote it.
  const repeated = next?.type === 'tool-result' && next.id === callId;
  parts.splice(index, repeated ? 1 : 0, result);
  return true;
}

function addUserLine(thread: Thread, line: Line, at: Located<unknown>): void {
  const content = line.message?.content;
  const stray: Part[] = [];
  let hasResults = false;
  for (const block of blocksOf(content)) {
    if (block.type !== 'tool_result' || typeof block.tool_use_id !== 'string') continue;
    hasResults = true;
    if (!addToolResult(thread, block.tool_use_id, block)) {
      stray.push({ type: 'text', text: resultText(block.content) });
    }
  }
  const { messages } = thread.session;
  if (stray.length > 0)
    messages.push({ ...newMessage(line, at, 'tool', stray, true), id: `${messageId(line, at)}:results` });
  if (line.isMeta) return;
  const prompt = promptOf(content);
  // A picture beside a result is the tool's.
  if (prompt.parts.length === 0 || (hasResults && prompt.parts.every(({ type }) => type === 'file'))) return;
  if (line.isCompactSummary || (line.originKind ?? 'human') !== 'human') prompt.typed = false;
  const byPerson = prompt.typed && thread.agentId === undefined;
  const role = prompt.typed ? 'user' : 'system';
  messages.push(newMessage(line, at, role, prompt.parts, !byPerson));
}

/** A local slash command is a system line in recent clients; a failed attempt at a request always was. */
function addSystemLine(thread: Thread, line: Line, at: Located<unknown>): void {
  if (line.subtype === 'api_error') {
    thread.session.uncounted.push({ reason: 'a failed request, tried again', location: place(at) });
  }
  if (line.subtype !== 'local_command' || typeof line.content !== 'string') return;
  const prompt = promptOf(line.content);
  if (prompt.parts.length === 0) return;
  const role = prompt.typed ? 'user' : 'system';
  thread.session.messages.push(newMessage(line, at, role, prompt.parts, !prompt.typed));
}

/** What a person typed while the model was busy has no user line of its own. */
function addAttachment(thread: Thread, line: Line, at: Located<unknown>): void {
  if (line.attachment?.type !== 'queued_command' || line.attachment.commandMode !== 'prompt') return;
  const prompt = promptOf(line.attachment.prompt);
  if (prompt.parts.length === 0 || line.isMeta) return;
  const role = (line.originKind ?? 'human') === 'human' ? 'user' : 'system';
  const byPerson = role === 'user' && thread.agentId === undefined;
  thread.session.messages.push(newMessage(line, at, role, prompt.parts, !byPerson));
}

function newMessage(
  line: Line,
  at: Located<unknown>,
  role: Message['role'],
  parts: Part[],
  injected: boolean,
): Message {
  const message: Message = { id: messageId(line, at), role, parts };
  const createdAt = timeOf(line);
  if (createdAt !== undefined) message.createdAt = createdAt;
  if (injected) message.injected = true;
  return message;
}

function messageId(line: Line, at: Located<unknown>): string {
  return line.uuid ?? `line-${at.line}`;
}

function place(at: { file: string; line: number }): { file: string; line: number } {
  return { file: at.file, line: at.line };
}

/** Per API message the largest value of each field over its lines: earlier lines may hold a first count. */
interface UsageMaximum {
  input: number;
  output: number;
  cacheRead: number;
  /** Both kinds together; -1 where no line says so. */
  cacheWrite: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  /** -1 where no line tells it apart. */
  reasoning: number;
}

function addUsage(thread: Thread, draft: CallDraft, line: Line, at: Located<unknown>): void {
  draft.finished ||= line.message?.stopReason !== undefined;
  const record = line.message?.usage;
  if (record === undefined || (record.input ?? record.output) === undefined) return;
  if (draft.usage !== undefined) {
    const reason = `repeats the usage of ${draft.call.id}, counted once`;
    thread.session.uncounted.push({ id: draft.call.id, reason, location: place(at) });
  }
  draft.usage = maximum(draft.usage, record);
  const tier = record.speed === 'fast' ? 'fast' : record.serviceTier;
  if (tier !== undefined && tier !== 'standard') draft.call.tier = tier;
  const searches = record.webSearches ?? 0;
  if (searches > 0) draft.call.webSearches = Math.max(searches, draft.call.webSearches ?? 0);
}

function maximum(before: UsageMaximum | undefined, record: UsageRecord): UsageMaximum {
  const larger = (field: keyof UsageMaximum, value: number | undefined, unknown = 0) =>
    Math.max(before?.[field] ?? unknown, value ?? unknown);
  return {
    input: larger('input', record.input),
    output: larger('output', record.output),
    cacheRead: larger('cacheRead', record.cacheRead),
    cacheWrite: larger('cacheWrite', record.cacheWrite, -1),
    cacheWrite5m: larger('cacheWrite5m', record.cacheWrite5m),
    cacheWrite1h: larger('cacheWrite1h', record.cacheWrite1h),
    reasoning: larger('reasoning', record.thinking, -1),
  };
}

/** Cache writes that the split does not tell apart are 5-minute ones, the vendor's default. */
function usageOf(most: UsageMaximum): Usage {
  const { input, output, cacheRead, cacheWrite } = most;
  const cacheWrite1h = cacheWrite === -1 ? most.cacheWrite1h : Math.min(most.cacheWrite1h, cacheWrite);
  const cacheWrite5m = cacheWrite === -1 ? most.cacheWrite5m : cacheWrite - cacheWrite1h;
  const reasoning = most.reasoning === -1 ? null : most.reasoning;
  return { input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning };
}

function finish(state: State): Session[] {
  const tasks = tasksOf(state);
  const sessions = finishMain(state);
  for (const [agentId, thread] of state.agents) {
    const session = finishThread(thread);
    const title = agentTitle(thread, state.metas.get(agentId), tasks);
    if (title !== undefined) session.title = title;
    session.projectPath ??= state.main.session.projectPath;
    session.projectName = nameOf(session.projectPath);
    sessions.push(session);
  }
  return sessions;
}

/** Nothing for a copy that nobody has gone on with yet: it has no time of its own. */
function finishMain({ main, transcript, hasConversation, agents }: State): Session[] {
  const session = finishThread(main);
  if (hasConversation) {
    const isBegun = session.messages.length === 0 || session.messages.some(({ copied }) => copied !== true);
    return isBegun ? [session] : [];
  }
  if (transcript === undefined || !(transcript.empty || agents.size > 0)) return [];
  const message = transcript.empty
    ? 'The transcript is empty: the client wrote nothing to it.'
    : 'The transcript holds no conversation, only its subagents do.';
  session.problems.push({ message, location: { file: transcript.file, line: 0 } });
  return [session];
}

function finishThread(thread: Thread): Session {
  const { session } = thread;
  session.messages.forEach((message, index) => {
    if (index < thread.copied) message.copied = true;
  });
  const unfinished = finishCalls(thread);
  if (unfinished > 0) {
    session.problems.push({
      message: `Of ${plural(unfinished, 'API message')} only the first count of output tokens is recorded, since the client wrote no final one: more was billed.`,
    });
  }
  const own = session.messages.filter((message) => message.copied !== true);
  const times = own.flatMap((message) => (message.createdAt === undefined ? [] : [message.createdAt]));
  if (times.length > 0) {
    session.createdAt = times.reduce((a, b) => Math.min(a, b));
    session.updatedAt = times.reduce((a, b) => Math.max(a, b));
  }
  session.projectName = nameOf(session.projectPath);
  const title = thread.customTitle?.trim() || thread.aiTitle?.trim() || firstPrompt(own);
  if (title !== undefined) session.title = title;
  return session;
}

/** Splits calls into those this session made and copies. Returns how many have no final output count. */
function finishCalls(thread: Thread): number {
  const { session } = thread;
  let unfinished = 0;
  for (const draft of thread.calls.values()) {
    const { call, message } = draft;
    if (message.copied === true) {
      const origin = session.forkedFrom ?? 'another session';
      const reason = draft.foreign ?? `made by ${origin} and copied here`;
      session.uncounted.push({ id: call.id, reason, ...(call.location && { location: call.location }) });
      continue;
    }
    if (draft.usage !== undefined) {
      call.usage = usageOf(draft.usage);
      message.usage = call.usage;
      if (!draft.finished) unfinished++;
    }
    session.calls.push(call);
  }
  return unfinished;
}

function nameOf(path: string | undefined): string | undefined {
  return path?.split(/[/\\]/).findLast((name) => name !== '');
}

function firstPrompt(messages: readonly Message[]): string | undefined {
  const prompts = messages.filter((message) => message.role === 'user' && message.injected !== true);
  const texts = prompts.map(messageText).filter((text) => text !== '');
  // A session that /clear began has that command as its first line.
  return texts.find((text) => text !== '/clear') ?? texts[0];
}

function messageText(message: Message): string {
  return message.parts
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n')
    .trim();
}

interface Task {
  type: string | undefined;
  description: string | undefined;
}

/** What the parents asked of their subagents, by prompt: old clients name the task nowhere else. */
function tasksOf(state: State): Map<string, Task> {
  const tasks = new Map<string, Task>();
  for (const thread of [state.main, ...state.agents.values()]) {
    for (const { call } of thread.toolCalls.values()) {
      if (call.type !== 'tool-call' || typeof call.args !== 'object' || call.args === null) continue;
      const args = call.args as Record<string, unknown>;
      if (typeof args.prompt !== 'string') continue;
      tasks.set(args.prompt, { type: string(args.subagent_type), description: string(args.description) });
    }
  }
  return tasks;
}

function agentTitle(
  thread: Thread,
  meta: AgentMeta | undefined,
  tasks: Map<string, Task>,
): string | undefined {
  const first = thread.session.messages.find((message) => message.role === 'user');
  const prompt = first === undefined ? '' : messageText(first);
  const task = tasks.get(prompt);
  const type = meta?.agentType ?? task?.type;
  const description = meta?.description ?? task?.description ?? prompt;
  const title = [type, description].filter((part) => part !== undefined && part !== '').join(': ');
  return title === '' ? undefined : title;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
