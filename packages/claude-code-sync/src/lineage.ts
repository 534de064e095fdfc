import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type FoundFile, jsonl } from '@opensync/core';

/**
 * Which lines of a transcript an older session wrote.
 *
 * A fork begins with a copy of another transcript. Recent clients mark the copies, and printing
 * clients give them away by their order in time (`transform.ts` uses both); the terminal clients
 * from 2.0 to 2.1 leave no trace inside the file, so the files of a folder have to be compared. A
 * fork copies from the root of the conversation, or from its last compaction on: relatives are found
 * by the first uuid alone, and only relatives are read.
 */
export interface Lineage {
  /** What this transcript copied from others. Nothing for almost every session. */
  copiesIn(transcript: FoundFile): Copies;
}

export interface Copies {
  /** Of the lines that are copies. */
  uuids: ReadonlySet<string>;
  /** The session most of them were copied from. */
  origin: string | undefined;
}

const NONE: Copies = { uuids: new Set(), origin: undefined };
const HEAD_BYTES = 8192;

export function createLineage(transcripts: readonly FoundFile[]): Lineage {
  const byFolder = new Map<string, FoundFile[]>();
  for (const transcript of transcripts) {
    const folder = dirname(transcript.path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), transcript]);
  }
  const rootsOf = new Map<string, Map<string, FoundFile[]>>();
  return {
    copiesIn(transcript) {
      const siblings = byFolder.get(dirname(transcript.path)) ?? [];
      if (siblings.length < 2) return NONE;
      const uuids = new Set<string>();
      let most = 0;
      let origin: string | undefined;
      for (const relative of relativesOf(transcript, siblings, rootsOf)) {
        const copied = copiedFrom(transcript, relative);
        for (const uuid of copied) uuids.add(uuid);
        if (copied.length > most) [most, origin] = [copied.length, basename(relative.path, '.jsonl')];
      }
      return { uuids, origin };
    },
  };
}

function relativesOf(
  transcript: FoundFile,
  siblings: FoundFile[],
  rootsOf: Map<string, Map<string, FoundFile[]>>,
): FoundFile[] {
  const folder = dirname(transcript.path);
  let roots = rootsOf.get(folder);
  if (roots === undefined) {
    roots = new Map();
    for (const sibling of siblings) {
      const root = headOf(sibling)?.uuid;
      if (root !== undefined) roots.set(root, [...(roots.get(root) ?? []), sibling]);
    }
    rootsOf.set(folder, roots);
  }
  const head = headOf(transcript);
  if (head === undefined) return [];
  const others = head.compacted
    ? siblings.filter((sibling) => readFileSync(sibling.path).includes(head.uuid))
    : (roots.get(head.uuid) ?? []);
  return others.filter((other) => other.path !== transcript.path);
}

interface Head {
  /** Of the first line that has one. */
  uuid: string;
  /** The transcript begins at a compaction: only a fork of a compacted session does. */
  compacted: boolean;
}

function headOf({ path, size }: FoundFile): Head | undefined {
  const buffer = Buffer.allocUnsafe(Math.min(size, HEAD_BYTES));
  const descriptor = openSync(path, 'r');
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    const head = parseHead(buffer.toString('latin1', 0, length));
    if (head !== undefined || length < HEAD_BYTES) return head;
  } finally {
    closeSync(descriptor);
  }
  for (const { value } of jsonl(path, { report: () => undefined })) {
    const head = parseHead(JSON.stringify(value));
    if (head !== undefined) return head;
  }
  return undefined;
}

function parseHead(text: string): Head | undefined {
  const uuid = /"uuid":"([^"]+)"/.exec(text);
  if (uuid?.[1] === undefined) return undefined;
  const line = text.slice(text.lastIndexOf('\n', uuid.index) + 1, uuid.index);
  return { uuid: uuid[1], compacted: line.includes('"subtype":"compact_boundary"') };
}

/** The uuids that `transcript` copied from `other`; none when it is the other way round. */
function copiedFrom(transcript: FoundFile, other: FoundFile): string[] {
  const mine = uuidsOf(transcript.path);
  const theirs = uuidsOf(other.path);
  const shared = shareOf(mine, new Set(theirs));
  const sharedThere = shareOf(theirs, new Set(mine));
  if (shared.uuids.length === 0) return [];
  return isFork(transcript, shared, other, sharedThere) ? shared.uuids : [];
}

interface Share {
  uuids: string[];
  /** Lines of its own that stand before the last shared one. A fork's copies are one block at the start. */
  between: number;
  /** Lines of its own behind the last shared one. */
  after: number;
}

function shareOf(uuids: string[], others: ReadonlySet<string>): Share {
  const last = uuids.findLastIndex((uuid) => others.has(uuid));
  const shared = uuids.filter((uuid) => others.has(uuid));
  return { uuids: shared, between: last + 1 - shared.length, after: uuids.length - last - 1 };
}

function isFork(mine: FoundFile, here: Share, other: FoundFile, there: Share): boolean {
  // A fork copies the active branch alone: the original has lines in between that the copy lacks.
  if ((here.between === 0) !== (there.between === 0)) return here.between === 0;
  // A session that went no further was the one to be forked: a fork is written with its first prompt.
  if ((here.after === 0) !== (there.after === 0)) return there.after === 0;
  const [mineAt, otherAt] = [statSync(mine.path).birthtimeMs, statSync(other.path).birthtimeMs];
  if (mineAt !== otherAt) return mineAt > otherAt;
  return mine.path > other.path;
}

function uuidsOf(path: string): string[] {
  const uuids: string[] = [];
  for (const { value } of jsonl(path, { report: () => undefined })) {
    const { uuid } = value as { uuid?: unknown };
    if (typeof uuid === 'string') uuids.push(uuid);
  }
  return uuids;
}
