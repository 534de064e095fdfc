import {
  errorMessage,
  type FoundFile,
  isOpenSyncError,
  type Located,
  type Problem,
} from '@opensync/core/plugin';
import { isAccounting } from './filter.js';
import { linesOf } from './lines.js';
import { fieldsOf, type HistoryBase, lineOf, metaOf } from './records.js';

/** A file of a thread. */
export interface Rollout extends FoundFile {
  threadId: string;
  /** Undefined for the thread's first file; each revert begins a further one. */
  segment: string | undefined;
}

/** All files of a history by thread, each thread's in the order in which they were begun. */
export type Threads = ReadonlyMap<string, readonly Rollout[]>;

type Report = (problem: Problem) => void;

/**
 * Models and running totals of the history that a file goes on from, oldest first; undefined when it is
 * not there any more. Segments count their lines from where they were cut off, so a number means a line
 * only together with the segments that were there at that time.
 */
export function baseLines(
  threads: Threads,
  base: HistoryBase,
  startedBy: Rollout,
  report: Report,
): unknown[] | undefined {
  const files = (threads.get(base.threadId) ?? []).filter((file) => isOlder(file, startedBy));
  const file = files.at(-1);
  return file === undefined ? undefined : linesBelow(threads, file, base.endOrdinal, report);
}

function isOlder({ segment, path }: Rollout, than: Rollout): boolean {
  if (path === than.path) return false;
  // The ids of segments and of the threads that go on from them begin with their time.
  return segment === undefined || segment < (than.segment ?? than.threadId);
}

function linesBelow(threads: Threads, file: Rollout, end: number, report: Report): unknown[] {
  const lines: unknown[] = [];
  let first = true;
  for (const { value } of tolerant(file.path, isAccounting, report)) {
    const line = lineOf(value);
    const base = first ? metaOf(line)?.base : undefined;
    first = false;
    if (base !== undefined) {
      const endOrdinal = Math.min(base.endOrdinal, end);
      lines.push(...(baseLines(threads, { ...base, endOrdinal }, file, report) ?? []));
    }
    if ((line?.ordinal ?? 0) < end) lines.push(value);
  }
  return lines.filter((value) => lineOf(value)?.type !== 'session_meta');
}

/**
 * Number of the last line at the beginning of a file that is a copy of its parent's. Clients before 0.110
 * mark neither the copies nor their end.
 */
export function copiedUntil(threads: Threads, file: Rollout, parentId: string, report: Report): number {
  const parents = threads.get(parentId) ?? [];
  if (parents.length === 0) return burstUntil(file, report);
  const known = new Set<string>();
  for (const { path } of parents) {
    for (const { value } of tolerant(path, undefined, report)) known.add(payloadOf(value));
  }
  return lastWhile(file, report, ({ value }) => known.has(payloadOf(value)));
}

/** Between two lines of one copy, milliseconds. An answer of a model takes longer. */
const BURST_GAP = 10;

/** Without the parent: the copy is written at one go. */
function burstUntil(file: Rollout, report: Report): number {
  let before: number | undefined;
  return lastWhile(file, report, ({ value }) => {
    const at = lineOf(value)?.at ?? before;
    const gap = (at ?? 0) - (before ?? at ?? 0);
    before = at;
    return gap <= BURST_GAP;
  });
}

function lastWhile(file: Rollout, report: Report, isCopy: (line: Located<unknown>) => boolean): number {
  let last = 0;
  for (const record of tolerant(file.path, undefined, report)) {
    if (lineOf(record.value)?.type !== 'session_meta' && !isCopy(record)) break;
    last = record.line;
  }
  return last;
}

function payloadOf(value: unknown): string {
  return JSON.stringify(fieldsOf(value)?.payload ?? null);
}

/** Another thread's file that cannot be read takes nothing of this one along. */
function* tolerant(
  file: string,
  keep: ((line: Buffer) => boolean) | undefined,
  report: Report,
): Generator<Located<unknown>> {
  try {
    // Damaged lines are reported with the thread they belong to.
    yield* linesOf(file, { ...(keep && { keep }), report: () => undefined });
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    report({ message: `What was copied from it is not known: ${errorMessage(error)}` });
  }
}
