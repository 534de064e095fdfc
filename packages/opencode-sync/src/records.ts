/*
 * What OpenCode stores, as loose as reality: unknown fields and types pass, and a field of another
 * type than expected is unknown, never the end of its whole record. Checked by hand: a history has a
 * million parts, and a schema would take longer than everything else together. The database and the
 * JSON files hold the same objects; docs/formats/opencode.md says which client writes what.
 */

import { countOf, type Fields, isFields, listOf } from '@opensync/core/plugin';

/** What the readers hand out: the session, then each message with its parts behind it. */
export type OpencodeRecord = { value: unknown; file: string; line: number } & (
  | { kind: 'session'; forkedFrom?: string }
  | { kind: 'message'; id: string }
  | { kind: 'part'; id: string }
);

export interface SessionRecord {
  parentId: string | undefined;
  title: string | undefined;
  directory: string | undefined;
  /** Of the client that began the session. */
  version: string | undefined;
  /** Milliseconds since the Unix epoch. Messages that are older were copied into the session. */
  createdAt: number | undefined;
  /** The client's own sum, where the database has one. */
  tokens: TokensRecord | undefined;
}

export interface MessageRecord {
  role: string | undefined;
  /** Milliseconds since the Unix epoch. */
  createdAt: number | undefined;
  cwd: string | undefined;
  model: string | undefined;
  provider: string | undefined;
  cost: number | undefined;
  tokens: TokensRecord | undefined;
  error: ErrorRecord | undefined;
}

interface ErrorRecord {
  name: string | undefined;
  message: string | undefined;
}

export interface PartRecord {
  type: string | undefined;
  /** Of text and reasoning. */
  text: string | undefined;
  /** Text that the client put there. */
  synthetic: boolean;
  /** Of a file. */
  mime: string | undefined;
  url: string | undefined;
  /** Of a tool call: its name, id and state. */
  tool: string | undefined;
  callId: string | undefined;
  state: ToolState | undefined;
  /** Of a finished step. */
  cost: number | undefined;
  tokens: TokensRecord | undefined;
}

interface ToolState {
  status: string | undefined;
  input: unknown;
  output: string | undefined;
  error: string | undefined;
  attachments: PartRecord[];
}

/** As the client wrote them; `usage.ts` knows what they mean in which version. */
export interface TokensRecord {
  total: number | undefined;
  input: number | undefined;
  output: number | undefined;
  reasoning: number | undefined;
  cacheRead: number | undefined;
  cacheWrite: number | undefined;
}

export const fieldsOf = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const amount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** All fields are unknown for a value that is no record. */
export function sessionOf(value: unknown): SessionRecord {
  const session = fieldsOf(value) ?? {};
  return {
    parentId: textOf(session.parentID),
    title: textOf(session.title),
    directory: textOf(session.directory),
    version: textOf(session.version),
    createdAt: countOf(fieldsOf(session.time)?.created),
    tokens: tokensOf(session.tokens),
  };
}

/** Undefined for a value that is no record. */
export function messageOf(value: unknown): MessageRecord | undefined {
  const message = fieldsOf(value);
  if (message === undefined) return undefined;
  return {
    role: textOf(message.role),
    createdAt: countOf(fieldsOf(message.time)?.created),
    cwd: textOf(fieldsOf(message.path)?.cwd),
    model: textOf(message.modelID),
    provider: textOf(message.providerID),
    cost: amount(message.cost),
    tokens: tokensOf(message.tokens),
    error: errorOf(fieldsOf(message.error)),
  };
}

function errorOf(error: Fields | undefined): ErrorRecord | undefined {
  if (error === undefined) return undefined;
  const message = textOf(fieldsOf(error.data)?.message) ?? textOf(error.message);
  return { name: textOf(error.name) ?? textOf(error.type), message };
}

/** Undefined for a value that is no record. */
export function partOf(value: unknown): PartRecord | undefined {
  const part = fieldsOf(value);
  if (part === undefined) return undefined;
  return {
    type: textOf(part.type),
    text: textOf(part.text),
    synthetic: part.synthetic === true,
    mime: textOf(part.mime),
    url: textOf(part.url),
    tool: textOf(part.tool),
    callId: textOf(part.callID),
    state: stateOf(fieldsOf(part.state)),
    cost: amount(part.cost),
    tokens: tokensOf(part.tokens),
  };
}

function stateOf(state: Fields | undefined): ToolState | undefined {
  if (state === undefined) return undefined;
  return {
    status: textOf(state.status),
    input: state.input,
    output: textOf(state.output),
    error: textOf(state.error),
    attachments: listOf(state.attachments).flatMap((value) => partOf(value) ?? []),
  };
}

function tokensOf(value: unknown): TokensRecord | undefined {
  const tokens = fieldsOf(value);
  if (tokens === undefined) return undefined;
  const cache = fieldsOf(tokens.cache);
  return {
    total: countOf(tokens.total),
    input: countOf(tokens.input),
    output: countOf(tokens.output),
    reasoning: countOf(tokens.reasoning),
    cacheRead: countOf(cache?.read),
    cacheWrite: countOf(cache?.write),
  };
}
