import {
  type ApiCall,
  addUsage,
  type Location,
  type Message,
  mainModel,
  type Part,
  plural,
  type Session,
  type Uncounted,
} from '@opensync/core/plugin';
import { contentOf, type OwnPart } from './content.js';
import {
  type MessageRecord,
  messageOf,
  type OpencodeRecord,
  partOf,
  type SessionRecord,
  sessionOf,
  type TokensRecord,
} from './records.js';
import { hasTokens, usageOf } from './usage.js';

interface LocatedPart extends OwnPart {
  location: Location;
}

/** A message while its parts are read. */
interface Draft {
  id: string;
  record: MessageRecord;
  location: Location;
  /** An older session's, by the time of its making. */
  copied: boolean;
  parts: LocatedPart[];
}

interface State {
  session: Session;
  info: SessionRecord;
  draft: Draft | undefined;
  /** Vendor of each model, as first recorded. */
  providers: Map<string, string>;
}

/** The session; a subagent is a session of its own. Rules and their evidence: docs/formats/opencode.md. */
export function transform(records: Iterable<OpencodeRecord>, raw: { id: string }): Session[] {
  const state: State = {
    session: { id: raw.id, messages: [], calls: [], uncounted: [], problems: [] },
    info: sessionOf(undefined),
    draft: undefined,
    providers: new Map(),
  };
  for (const record of records) addRecord(state, record);
  addDraft(state);
  return [finish(state)];
}

function addRecord(state: State, record: OpencodeRecord): void {
  const location = { file: record.file, line: record.line };
  if (record.kind === 'session') addSession(state, record, location);
  else if (record.kind === 'message') beginMessage(state, record, location);
  else addPart(state, record, location);
}

/** "New session - 2026-11-22T08:16:48.039Z" stands for a title until there is one. */
const NO_TITLE = /^(New|Child) session - \d{4}-\d\d-\d\dT[\d:.]+Z( \(fork #\d+\))?$/;

function addSession(state: State, record: OpencodeRecord & { kind: 'session' }, location: Location): void {
  const { session } = state;
  const info = sessionOf(record.value);
  state.info = info;
  if (info.title && !NO_TITLE.test(info.title)) session.title = info.title;
  if (info.directory) session.projectPath = info.directory;
  if (info.parentId) session.parentId = info.parentId;
  if (record.forkedFrom !== undefined) session.forkedFrom = record.forkedFrom;
  if (hasTokens(info.tokens)) {
    session.uncounted.push({ reason: "the client's own total of the session's calls", location });
  }
}

function beginMessage(state: State, { id, value }: { id: string; value: unknown }, location: Location): void {
  addDraft(state);
  const record = messageOf(value);
  if (record === undefined) {
    state.session.problems.push({ message: 'A message that is no record was left out.', location });
    return;
  }
  const { createdAt } = state.info;
  const copied = createdAt !== undefined && record.createdAt !== undefined && record.createdAt < createdAt;
  state.draft = { id, record, location, copied, parts: [] };
}

function addPart(
  { session, draft }: State,
  { id, value }: { id: string; value: unknown },
  location: Location,
) {
  const part = partOf(value);
  if (part !== undefined) draft?.parts.push({ id, part, location });
  else session.problems.push({ message: 'A part that is no record was left out.', location });
}

function addDraft(state: State): void {
  const { draft } = state;
  state.draft = undefined;
  if (draft === undefined) return;
  if (draft.record.role === 'assistant') addAnswer(state, draft);
  else addPrompt(state, draft);
}

/** Files and notices that the client put into a prompt become a message of their own. */
function addPrompt({ session }: State, draft: Draft): void {
  const isPrompt = ({ part }: LocatedPart) => draft.record.role === 'user' && !part.synthetic;
  const prompt = draft.parts.filter(isPrompt).flatMap(contentOf);
  const context = draft.parts.filter((part) => !isPrompt(part)).flatMap(contentOf);
  // A subagent's prompt is the task that a model gave it.
  if (prompt.length > 0) push(session, draft, 'user', prompt, session.parentId !== undefined);
  if (context.length > 0) push(session, draft, 'system', context, true, ':context');
}

function push(
  session: Session,
  { id, record, copied }: Draft,
  role: Message['role'],
  parts: Part[],
  injected: boolean,
  suffix = '',
): Message {
  const message: Message = { id: `${id}${suffix}`, role, parts };
  if (record.createdAt !== undefined) message.createdAt = record.createdAt;
  if (copied) message.copied = true;
  if (injected) message.injected = true;
  session.messages.push(message);
  return message;
}

function addAnswer(state: State, draft: Draft): void {
  const { session } = state;
  const { id, record, location } = draft;
  if (record.cwd) session.projectPath ??= record.cwd;
  const steps = stepsOf(draft.parts);
  const calls = callsOf(state, draft, steps);
  const parts = steps.filter(({ isBroken }) => !isBroken).flatMap((step) => step.parts.flatMap(contentOf));
  if (calls.length > 0) {
    const usage = addUsage(calls);
    const message = push(session, draft, 'assistant', parts, false);
    if (record.model !== undefined) message.model = record.model;
    if (usage !== null && !draft.copied) message.usage = usage;
  } else if (parts.length > 0) {
    // A command that a person ran in the client, which stores it as an answer.
    push(session, draft, 'assistant', parts, true);
  }
  addCalls(state, draft, calls);
  for (const { start, isBroken } of steps) {
    if (isBroken && start !== undefined)
      leaveOut(session, { ...start, reason: 'a broken attempt, tried again' });
  }
  if (calls.length === 0) leaveOut(session, { id, location, reason: noCallReason(record, parts) });
  if (record.error !== undefined) {
    const { name, message } = record.error;
    const text = [name, message].filter(Boolean).join(': ');
    push(session, draft, 'system', [{ type: 'text', text }], true, ':error');
  }
}

function noCallReason({ error }: MessageRecord, parts: readonly Part[]): string {
  if (error !== undefined) return `ended by ${error.name ?? 'an error'} before an answer began`;
  return parts.length > 0 ? 'a command that a person ran: no request' : 'no answer was recorded';
}

function leaveOut({ uncounted }: Session, { id, reason, location }: Required<Uncounted>): void {
  uncounted.push({ id, reason, location });
}

/** What one request to the model left in a message: up to 0.5 there are many in one, later one. */
interface Step {
  start: LocatedPart | undefined;
  finish: LocatedPart | undefined;
  parts: LocatedPart[];
  /** Its answer broke off, and the client asked again. */
  isBroken: boolean;
}

function stepsOf(parts: readonly LocatedPart[]): Step[] {
  const newStep = (start?: LocatedPart): Step => ({ start, finish: undefined, parts: [], isBroken: false });
  let step = newStep();
  const steps = [step];
  for (const part of parts) {
    if (part.part.type === 'step-start') {
      step.isBroken = step.start !== undefined && step.finish === undefined;
      step = newStep(part);
      steps.push(step);
    } else if (part.part.type === 'step-finish') {
      step.finish = part;
      step = newStep();
      steps.push(step);
    } else {
      step.parts.push(part);
    }
  }
  return steps;
}

/** One for each step; the tokens of one that never ended are not known, and it was billed all the same. */
function callsOf(state: State, draft: Draft, steps: readonly Step[]): ApiCall[] {
  const { record } = draft;
  const finished = steps.flatMap(({ finish }) => (finish === undefined ? [] : [finish]));
  const calls = finished.map(({ id, part, location }) => newCall(state, draft, { id, location, ...part }));
  const last = steps.findLast(({ start, finish, parts }) => (start ?? finish ?? parts[0]) !== undefined);
  const isOpen = last?.start !== undefined && last.finish === undefined;
  if (finished.length === 0 && hasTokens(record.tokens))
    return [newCall(state, draft, { ...draft, ...record })];
  if (isOpen) calls.push(newCall(state, draft, { ...draft, tokens: undefined, cost: undefined }));
  return calls;
}

interface Bill {
  id: string;
  location: Location;
  tokens: TokensRecord | undefined;
  cost: number | undefined;
}

function newCall({ info }: State, { record }: Draft, { id, location, tokens, cost }: Bill): ApiCall {
  const { model, provider, createdAt } = record;
  const usage = usageOf(tokens, { version: info.version, provider, model });
  return {
    id,
    location,
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider }),
    ...(createdAt !== undefined && { createdAt }),
    ...(usage !== undefined && { usage }),
    // The client stores 0 when it has no price.
    ...(cost !== undefined && cost > 0 && { toolCost: cost }),
  };
}

function addCalls({ session, providers }: State, draft: Draft, calls: readonly ApiCall[]): void {
  const { id, record, location, copied } = draft;
  const { model, provider, tokens } = record;
  if (model !== undefined && provider !== undefined && !providers.has(model)) providers.set(model, provider);
  if (copied) {
    const reason = `made by ${session.forkedFrom ?? 'another session'} and copied here`;
    for (const call of calls) leaveOut(session, { location, ...call, reason });
    return;
  }
  session.calls.push(...calls);
  const isCounted = calls.some((call) => call.id === id);
  if (hasTokens(tokens) && !isCounted)
    leaveOut(session, { id, location, reason: 'repeats the tokens of its steps' });
}

function finish({ session, providers }: State): Session {
  const { messages, calls, problems, projectPath } = session;
  const own = messages.filter(({ copied }) => copied !== true);
  const times = own.flatMap(({ createdAt }) => createdAt ?? []).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)];
  if (first !== undefined) session.createdAt = first;
  if (last !== undefined) session.updatedAt = last;
  const name = projectPath?.split(/[/\\]/).findLast((part) => part !== '');
  if (name !== undefined) session.projectName = name;
  const model = mainModel(calls);
  const provider = model === undefined ? undefined : providers.get(model);
  if (provider !== undefined) session.provider = provider;
  const unknown = calls.filter(({ usage }) => usage === undefined).length;
  if (unknown > 0) {
    const message = `${plural(unknown, 'answer')} ended before OpenCode noted any tokens, so the session's sum is not known.`;
    problems.push({ message });
  }
  return session;
}
