import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import {
  type Env,
  errorMessage,
  type FilePattern,
  type FoundFile,
  filesVersion,
  isOpenSyncError,
  jsonl,
  type Need,
  type Problem,
  type RawSession,
} from '@opensync/core/plugin';
import { filterFor } from './filter.js';
import { baseLines, copiedUntil, type Rollout, type Threads } from './lineage.js';
import { canRead, linesOf } from './lines.js';
import { IndexEntry, lineOf, type Meta, metaOf, TURNS_SINCE } from './records.js';
import type { CodexRecord } from './transform.js';

const INDEX = 'session_index.jsonl';
const ROLLOUT = 'rollout-*.{jsonl,jsonl.zst}';

/** `$CODEX_HOME`, by default `~/.codex`. */
export function codexHome({ home, vars }: Env): string {
  return vars.CODEX_HOME ? resolve(vars.CODEX_HOME) : join(home, '.codex');
}

export function files(env: Env): FilePattern[] {
  const folder = codexHome(env);
  return [{ folder, include: [`sessions/**/${ROLLOUT}`, `archived_sessions/**/${ROLLOUT}`, INDEX] }];
}

/** One raw session for each thread: its files, wherever they lie, and the index that names it. */
export function sessions(found: readonly FoundFile[]): RawSession<CodexRecord>[] {
  const threads = groupByThread(found.flatMap((file) => rolloutOf(file) ?? []));
  const names = readNames(found.filter(({ path }) => basename(path) === INDEX));
  return [...threads].map(([id, rollouts]) => rawSession(id, rollouts, threads, names));
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const NAME = new RegExp(`^rollout-.*?-(${UUID})(?:_(${UUID}))?\\.jsonl(?:\\.zst)?$`);

function rolloutOf(file: FoundFile): Rollout | undefined {
  const [, threadId, segment] = NAME.exec(basename(file.path)) ?? [];
  return threadId === undefined ? undefined : { ...file, threadId, segment };
}

function groupByThread(rollouts: readonly Rollout[]): Threads {
  const threads = new Map<string, Rollout[]>();
  for (const rollout of withoutDoubles(rollouts)) {
    const files = threads.get(rollout.threadId);
    if (files === undefined) threads.set(rollout.threadId, [rollout]);
    else files.push(rollout);
  }
  for (const files of threads.values()) {
    files.sort((a, b) => compare(a.segment ?? '', b.segment ?? '') || compare(a.path, b.path));
    // A second first file, out of a backup say, must not give ids that the first one gives.
    for (const file of files.slice(1)) file.segment ??= basename(file.path);
  }
  return threads;
}

/** A file that is being archived or compressed is there twice; the plain and then the longer one is whole. */
function withoutDoubles(rollouts: readonly Rollout[]): Rollout[] {
  const byName = new Map<string, Rollout>();
  const order = (a: Rollout, b: Rollout) => Number(isPlain(b)) - Number(isPlain(a)) || b.size - a.size;
  for (const rollout of [...rollouts].sort((a, b) => order(a, b) || compare(a.path, b.path))) {
    const name = basename(rollout.path).replace(/\.zst$/, '');
    if (!byName.has(name)) byName.set(name, rollout);
  }
  return [...byName.values()];
}

const isPlain = ({ path }: Rollout) => path.endsWith('.jsonl');
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

interface Names {
  file: string | undefined;
  /** By thread id. */
  names: ReadonlyMap<string, string>;
  problems: readonly Problem[];
}

/** Small, and part of every thread's version, so it is read each time. The last name of a thread holds. */
function readNames([index]: readonly FoundFile[]): Names {
  const names = new Map<string, string>();
  const problems: Problem[] = [];
  if (index === undefined) return { file: undefined, names, problems };
  try {
    for (const { value } of jsonl(index.path, { report: (problem) => problems.push(problem) })) {
      const entry = IndexEntry.safeParse(value).data;
      if (entry !== undefined && entry.thread_name.trim() !== '')
        names.set(entry.id, entry.thread_name.trim());
    }
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    problems.push({ message: `Names of threads are not known: ${errorMessage(error)}` });
  }
  return { file: index.path, names, problems };
}

function rawSession(
  id: string,
  rollouts: readonly Rollout[],
  threads: Threads,
  { file: index, names, problems }: Names,
): RawSession<CodexRecord> {
  const name = names.get(id);
  const paths = rollouts.map(({ path }) => path);
  const parts = [filesVersion(rollouts)];
  if (name !== undefined) parts.push(createHash('sha256').update(name).digest('base64url').slice(0, 16));
  // Another Node.js may be able to.
  if (!paths.every(canRead)) parts.push('unread');
  return {
    id,
    files: name === undefined || index === undefined ? paths : [...paths, index],
    version: parts.join(','),
    changedAt: rollouts.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
    *load(need, report) {
      problems.forEach(report);
      if (name !== undefined) yield { kind: 'name', name };
      for (const rollout of rollouts) yield* fileRecords(rollout, threads, need, report);
    },
  };
}

function* fileRecords(
  rollout: Rollout,
  threads: Threads,
  need: Need,
  report: (problem: Problem) => void,
): Generator<CodexRecord> {
  const { path: file, segment } = rollout;
  yield { kind: 'file', segment };
  if (rollout.size === 0)
    report({ message: 'The file is empty: the client never wrote to it.', location: { file, line: 0 } });
  let own: Meta | undefined;
  for (const record of linesOf(file, { keep: filterFor(need), report })) {
    const meta = metaOf(lineOf(record.value));
    if (meta !== undefined && own === undefined) {
      own = meta;
      const lines = meta.base && baseLines(threads, meta.base, rollout, report);
      if (lines !== undefined) yield { kind: 'base', lines };
    } else if (meta?.id !== undefined && isUnmarkedCopy(meta, own, rollout)) {
      yield { kind: 'copied', until: copiedUntil(threads, rollout, meta.id, report) };
    }
    yield { kind: 'line', ...record };
  }
}

/** The first line of a copied history, of a client that does not tell where it ends. */
function isUnmarkedCopy(meta: Meta, own: Meta | undefined, { threadId }: Rollout): boolean {
  return own !== undefined && (own.version ?? TURNS_SINCE) < TURNS_SINCE && meta.id !== threadId;
}
