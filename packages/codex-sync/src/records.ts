import * as z from 'zod/mini';

/*
 * Lines of a Codex rollout, as loose as reality: unknown fields and types pass, and a field of another
 * type than expected is unknown, never the end of its whole line. docs/formats/codex.md says which
 * client writes what.
 */

export type Fields = Record<string, unknown>;

export const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
export const stringOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
/** A text that says something. */
export const nameOf = (value: unknown): string | undefined => stringOf(value)?.trim() || undefined;
const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

/** Any line. */
export interface Line {
  type: string;
  /** Milliseconds since the Unix epoch. */
  at: number | undefined;
  /** Counts the lines of a paginated thread. A fork goes on with its parent's numbers. */
  ordinal: number | undefined;
  payload: Fields;
  /** Without an envelope, as clients up to 0.29 write: no time, no events beside the items. */
  bare: boolean;
  /** What a model wrote to compact the context, where the client marks it. */
  isSummary: boolean;
}

/** Undefined for a value that is no record. */
export function lineOf(value: unknown): Line | undefined {
  const line = fieldsOf(value);
  if (line === undefined) return undefined;
  const payload = fieldsOf(line.payload);
  const type = stringOf(line.type);
  if (payload === undefined) return bareLineOf(line);
  if (type === undefined) return undefined;
  return {
    type,
    at: timeOf(line.timestamp),
    ordinal: countOf(line.ordinal),
    payload,
    bare: false,
    isSummary: fieldsOf(line.metadata)?.compaction_output === true,
  };
}

function bareLineOf(line: Fields): Line | undefined {
  const bare = { at: undefined, ordinal: undefined, payload: line, bare: true, isSummary: false };
  if (stringOf(line.record_type) !== undefined) return { type: 'state', ...bare };
  const isItem = stringOf(line.type) !== undefined;
  if (isItem) return line.timestamp === undefined ? { type: 'response_item', ...bare } : undefined;
  return stringOf(line.id) === undefined ? undefined : { type: 'session_meta', ...bare };
}

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** `session_meta`. A file that begins with a copy of another thread's history has that thread's as well. */
export interface Meta {
  id: string | undefined;
  createdAt: number | undefined;
  /** Of the client that created the thread, whoever resumes it: 0.153.1 is 153. */
  version: number | undefined;
  cwd: string | undefined;
  branch: string | undefined;
  provider: string | undefined;
  /** Started by another thread, not by a person. */
  isAgent: boolean;
  parentId: string | undefined;
  forkedFrom: string | undefined;
  /** Lines with a smaller ordinal are a copy of the parent's. */
  ownFrom: number | undefined;
  /** The history that this file goes on from without a copy of it. */
  base: HistoryBase | undefined;
}

export interface HistoryBase {
  threadId: string;
  endOrdinal: number;
}

const text = z.catch(z.optional(z.string()), undefined);
const count = z.catch(z.optional(z.number()), undefined);
/** An object whose fields are unknown when it is something else. */
const part = <T extends z.core.$ZodLooseShape>(shape: T) => z.catch(z.optional(z.object(shape)), undefined);

const MetaPayload = z.object({
  id: text,
  session_id: text,
  timestamp: text,
  cwd: text,
  cli_version: text,
  model_provider: text,
  thread_source: text,
  git: part({ branch: text }),
  source: part({ subagent: z.optional(z.unknown()) }),
  parent_thread_id: text,
  forked_from_id: text,
  subagent_history_start_ordinal: count,
  history_base: part({ thread_id: text, end_ordinal_exclusive: count }),
});
const Spawn = z.object({ thread_spawn: z.object({ parent_thread_id: z.string() }) });

/** Undefined for a line of another type. */
export function metaOf(line: Line | undefined): Meta | undefined {
  if (line?.type !== 'session_meta') return undefined;
  const meta = MetaPayload.parse(line.payload);
  const subagent = meta.source?.subagent;
  const isAgent = (subagent ?? undefined) !== undefined || meta.thread_source === 'subagent';
  // Reviews and guardians of some versions name only the root of their tree.
  const root = isAgent && meta.session_id !== meta.id ? meta.session_id : undefined;
  const spawnedBy = Spawn.safeParse(subagent).data?.thread_spawn.parent_thread_id;
  return {
    id: meta.id,
    createdAt: timeOf(meta.timestamp),
    version: versionOf(meta.cli_version),
    cwd: meta.cwd,
    branch: meta.git?.branch,
    provider: meta.model_provider,
    isAgent,
    parentId: meta.parent_thread_id ?? spawnedBy ?? root,
    forkedFrom: meta.forked_from_id,
    ownFrom: meta.subagent_history_start_ordinal,
    base: baseOf(meta.history_base),
  };
}

function baseOf(
  base: { thread_id?: string | undefined; end_ordinal_exclusive?: number | undefined } | undefined,
): HistoryBase | undefined {
  if (base?.thread_id === undefined || base.end_ordinal_exclusive === undefined) return undefined;
  return { threadId: base.thread_id, endOrdinal: base.end_ordinal_exclusive };
}

function versionOf(version: string | undefined): number | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major === undefined ? undefined : Number(major) * 1000 + Number(minor);
}

/** From this version on each response has a `token_usage_record`. */
export const RECORDS_SINCE = 153;
/** From this version on `task_started` names its turn with the time in it. */
export const TURNS_SINCE = 110;

/** Tokens as the vendor's API counts them: `input` includes `cached` and `cacheWrite`, `output` includes `reasoning`. */
export interface Tokens {
  input: number;
  cached: number;
  cacheWrite: number;
  output: number;
  reasoning: number | undefined;
}

export function tokensOf(value: unknown): Tokens | undefined {
  const usage = fieldsOf(value);
  const input = countOf(usage?.input_tokens);
  const output = countOf(usage?.output_tokens);
  if (usage === undefined || input === undefined || output === undefined) return undefined;
  return {
    input,
    cached: countOf(usage.cached_input_tokens) ?? 0,
    cacheWrite: countOf(usage.cache_write_input_tokens) ?? 0,
    output,
    reasoning: countOf(usage.reasoning_output_tokens),
  };
}

/** A line of `session_index.jsonl`. */
export const IndexEntry = z.object({ id: z.string(), thread_name: z.string() });
