import type { ApiCall, Located, Message, Part, Session, Usage } from '@opensync/core';
import { blocksOf, promptOf, resultText, textOf } from './content.js';
import { AgentMeta, Line, type UsageRecord } from './records.js';

/** What `read.ts` hands out: lines, and what the files around a transcript say about it. */
export type ClaudeRecord =
  | (Located<unknown> & { kind: 'line'; agentId?: string })
  | { kind: 'agent'; agentId: string; meta: unknown }
  | { kind: 'title'; title: string }
  /** Lines of this transcript that an older session wrote; no mark in the line need say so. */
  | { kind: 'copies'; uuids: ReadonlySet<string>; origin: string | undefined }
  | { kind: 'empty'; file: string };

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
  startedAt: number | undefined;
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
  hasMain: boolean;
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
    hasMain: false,
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
      return addLine(state, record);
    case 'agent': {
      const meta = AgentMeta.safeParse(record.meta);
      if (meta.success) state.metas.set(record.agentId, meta.data);
      return;
    }
    case 'title':
      state.main.customTitle = record.title;
      return;
    case 'copies':
      state.copies = record;
      return;
    case 'empty':
      state.hasMain = true;
      state.main.session.problems.push({
        message: 'The transcript is empty: the client never wrote to it.',
        location: { file: record.file, line: 0 },
      });
  }
}

function addLine(state: State, record: Located<unknown> & { agentId?: string }): void {
  const parsed = Line.safeParse(record.value);
  const thread = record.agentId === undefined ? state.main : agentThread(state, record.agentId);
  if (!parsed.success) {
    thread.session.problems.push({ message: 'A line that is no record was left out.', location: place(record) });
    return;
  }
  const line = parsed.data;
  const target = thread === state.main && line.isSidechain === true ? sidechainThread(state, line) : thread;
  addToThread(state, target, line, record);
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
  const uuid = line.uuid ?? '';
  const root = state.sidechains.get(line.parentUuid ?? '') ?? uuid;
  state.sidechains.set(uuid, root);
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
      if (thread.firstTimestamp === undefined) thread.startedAt ??= time(line);
      return;
    case 'user':
    case 'assistant':
    case 'system':
    case 'attachment':
      return addConversationLine(state, thread, line, at);
  }
}

function addConversationLine(state: State, thread: Thread, line: Line, at: Located<unknown>): void {
  if (thread === state.main) state.hasMain = true;
  // An automatic compaction writes the pending line twice (2.1.197).
  if (line.uuid !== undefined) {
    if (thread.uuids.has(line.uuid)) return;
    thread.uuids.add(line.uuid);
  }
  const origin = copyOrigin(state, thread, line);
  thread.firstTimestamp ??= line.timestamp;
  noteContext(thread.session, line, origin !== undefined);
  if (line.type === 'assistant') addAssistantLine(state, thread, line, at);
  else if (line.type === 'user') addUserLine(thread, line, at);
  else if (line.type === 'system') addSystemLine(thread, line, at);
  else addAttachment(thread, line, at);
  if (origin !== undefined) {
    // A fork begins with one block of copies, so whatever stands before a copy is one as well.
    thread.copied = thread.session.messages.length;
    if (origin !== '') thread.session.forkedFrom ??= origin;
  }
}

/** The session a line was copied from, "" when the line does not say which; undefined for an own line. */
function copyOrigin(state: State, thread: Thread, line: Line): string | undefined {
  if (thread !== state.main) return undefined;
  if (line.forkedFrom?.sessionId !== undefined) return line.forkedFrom.sessionId;
  if (line.requestSessionId !== undefined && line.requestSessionId !== state.sessionId) {
    return line.requestSessionId;
  }
  if (line.sessionId !== undefined && line.sessionId !== state.sessionId) return line.sessionId;
  const origin = state.copies.origin ?? '';
  if (line.uuid !== undefined && state.copies.uuids.has(line.uuid)) return origin;
  const at = time(line);
  if (thread.startedAt !== undefined && at !== undefined && at < thread.startedAt) return origin;
  return copiedOnResume(thread, line) ? origin : undefined;
}

/**
 * A 1.0 client resumes into a new file: new uuids, the request id dropped, one timestamp for all. An
 * answer never has the timestamp of the prompt before it, so the first such answer gives them away.
 */
function copiedOnResume(thread: Thread, line: Line): boolean {
  if (line.timestamp === undefined || line.timestamp !== thread.firstTimestamp) return false;
  if (line.type === 'assistant' && line.requestId === undefined && line.message?.model !== '<synthetic>') {
    thread.resumedAt = line.timestamp;
  }
  return thread.resumedAt === line.timestamp;
}

function noteContext(session: Session, line: Line, copied: boolean): void {
  session.projectPath ??= line.cwd;
  if (line.gitBranch !== undefined && line.gitBranch !== '' && !copied) session.gitBranch = line.gitBranch;
}

function addAssistantLine(state: State, thread: Thread, line: Line, at: Located<unknown>): void {
  const model = line.message?.model;
  if (model === '<synthetic>') return addSyntheticLine(thread, line, at);
  const id = line.message?.id ?? messageId(line, at);
  const draft = thread.calls.get(id) ?? newCall(state, thread, id, line, at);
  addBlocks(thread, draft.message, line);
  addUsage(thread, draft, line, at);
}

function newCall(state: State, thread: Thread, id: string, line: Line, at: Located<unknown>): CallDraft {
  const message: Message = { id, role: 'assistant', parts: [] };
  const call: ApiCall = { id, location: place(at) };
  const createdAt = time(line);
  if (createdAt !== undefined) message.createdAt = call.createdAt = createdAt;
  if (line.message?.model !== undefined) message.model = call.model = line.message.model;
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
  const role = line.isApiErrorMessage === true ? 'system' : 'assistant';
  messages.push(newMessage(line, at, role, [{ type: 'text', text }], true));
}

function addBlocks(thread: Thread, message: Message, line: Line): void {
  for (const block of blocksOf(line.message?.content)) {
    if (block.type === 'text' && typeof block.text === 'string') {
      if (block.text !== '') message.parts.push({ type: 'text', text: block.text });
    } else if (block.type === 'thinking' && typeof block.thinking === 'string') {
      if (block.thinking !== '') message.parts.push({ type: 'thinking', text: block.thinking });
    } else if (block.type === 'tool_use' || block.type === 'server_tool_use') {
      addToolCall(thread, message, block);
    } else if (typeof block.tool_use_id === 'string') {
      addToolResult(thread, block.tool_use_id, block);
    }
  }
}

function addToolCall(thread: Thread, message: Message, block: Record<string, unknown>): void {
  const id = String(block.id ?? '');
  if (thread.toolCalls.has(id)) return;
  const call: Part = { type: 'tool-call', id, name: String(block.name ?? 'unknown'), args: block.input ?? {} };
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
  const rest: Part[] = [];
  for (const block of blocksOf(content)) {
    if (block.type !== 'tool_result' || typeof block.tool_use_id !== 'string') continue;
    if (!addToolResult(thread, block.tool_use_id, block)) {
      rest.push({ type: 'text', text: resultText(block.content) });
    }
  }
  if (rest.length > 0) thread.session.messages.push(newMessage(line, at, 'tool', rest, true));
  if (line.isMeta === true) return;
  const prompt = promptOf(content);
  if (prompt.parts.length === 0) return;
  if (line.isCompactSummary === true || (line.origin?.kind ?? 'human') !== 'human') prompt.typed = false;
  const byPerson = prompt.typed && thread.agentId === undefined;
  const role = prompt.typed ? 'user' : 'system';
  thread.session.messages.push(newMessage(line, at, role, prompt.parts, !byPerson));
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
  if (prompt.parts.length === 0) return;
  thread.session.messages.push(newMessage(line, at, 'user', prompt.parts, thread.agentId !== undefined));
}

function newMessage(
  line: Line,
  at: Located<unknown>,
  role: Message['role'],
  parts: Part[],
  injected: boolean,
): Message {
  const message: Message = { id: messageId(line, at), role, parts };
  const createdAt = time(line);
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

function time(line: Line): number | undefined {
  const at = Date.parse(line.timestamp ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Per API message the largest value of each field over its lines: earlier lines may hold a first count. */
interface UsageMaximum {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  reasoning: number | null;
}

function addUsage(thread: Thread, draft: CallDraft, line: Line, at: Located<unknown>): void {
  draft.finished ||= line.message?.stop_reason !== undefined;
  const record = line.message?.usage;
  if (record === undefined) return;
  if (draft.usage !== undefined) {
    const reason = `repeats the usage of ${draft.call.id}, counted once`;
    thread.session.uncounted.push({ id: draft.call.id, reason, location: place(at) });
  }
  draft.usage = maximum(draft.usage, record);
  const tier = record.speed === 'fast' ? 'fast' : record.service_tier;
  if (tier !== undefined && tier !== 'standard') draft.call.tier = tier;
  const searches = record.server_tool_use?.web_search_requests ?? 0;
  if (searches > 0) draft.call.webSearches = Math.max(searches, draft.call.webSearches ?? 0);
}

function maximum(before: UsageMaximum | undefined, record: UsageRecord): UsageMaximum {
  const larger = (field: keyof UsageMaximum, value: number | undefined) =>
    Math.max(before?.[field] ?? 0, value ?? 0);
  const thinking = record.output_tokens_details?.thinking_tokens;
  return {
    input: larger('input', record.input_tokens),
    output: larger('output', record.output_tokens),
    cacheRead: larger('cacheRead', record.cache_read_input_tokens),
    cacheWrite: larger('cacheWrite', record.cache_creation_input_tokens),
    cacheWrite5m: larger('cacheWrite5m', record.cache_creation?.ephemeral_5m_input_tokens),
    cacheWrite1h: larger('cacheWrite1h', record.cache_creation?.ephemeral_1h_input_tokens),
    reasoning: thinking === undefined ? (before?.reasoning ?? null) : larger('reasoning', thinking),
  };
}

/** Without a split of the cache writes they are 5-minute ones, the vendor's default. */
function usageOf(most: UsageMaximum): Usage {
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning } = most;
  const cacheWrite5m = Math.max(most.cacheWrite5m, cacheWrite - cacheWrite1h);
  return { input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning };
}

function finish(state: State): Session[] {
  const tasks = tasksOf(state);
  const sessions = state.hasMain ? [finishThread(state.main)] : [];
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

function finishThread(thread: Thread): Session {
  const { session } = thread;
  session.messages.forEach((message, index) => {
    if (index < thread.copied) message.copied = true;
  });
  const unfinished = finishCalls(thread);
  if (unfinished > 0) {
    session.problems.push({
      message: `${unfinished} API message(s) hold only the first count of their output tokens, since the client wrote no final one: more was billed.`,
    });
  }
  const own = session.messages.filter((message) => message.copied !== true);
  const times = own.flatMap((message) => (message.createdAt === undefined ? [] : [message.createdAt]));
  if (times.length > 0) {
    session.createdAt = times.reduce((a, b) => Math.min(a, b));
    session.updatedAt = times.reduce((a, b) => Math.max(a, b));
  }
  session.projectName = nameOf(session.projectPath);
  const title = thread.customTitle ?? thread.aiTitle ?? firstPrompt(own);
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
