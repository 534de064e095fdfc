import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type FoundFile, isOpenSyncError, jsonl } from '@opensync/core/plugin';
import { blocksOf, promptOf } from './content.js';
import { isConversation } from './filter.js';
import { type Line, lineOf, markedOrigin, SYNTHETIC, timeOf } from './records.js';

/**
 * Which lines of a transcript an older session wrote.
 *
 * A fork begins with a copy of another transcript. Recent clients mark the copies, and printing
 * clients give them away by their order in time (`transform.ts` uses both); the terminal clients
 * from 2.0 to 2.1 leave no trace inside the file, so transcripts have to be compared. A fork copies
 * from the root of the conversation, or from its last compaction on: relatives are found by the
 * uuids at the beginning, and only relatives are read.
 */
export interface Lineage {
  /** What this transcript copied from others. Nothing for almost every session. */
  copiesIn(transcript: FoundFile): Copies;
}

interface Copies {
  /** Of the lines that are copies. */
  uuids: ReadonlySet<string>;
  /** The session most of them were copied from. */
  origin: string | undefined;
}

const NONE: Copies = { uuids: new Set(), origin: undefined };
const EDGE_BYTES = 8192;
const CHUNK_BYTES = 1 << 20;

/** @param find all transcripts of the history; asked for when the first session is read */
export function createLineage(find: () => FoundFile[]): Lineage {
  const heads = once(() => indexHeads(find()));
  const lastTimeOf = memoize(readLastTime);
  const linesOf = memoize(({ path }: FoundFile) => readLines(path));
  return {
    copiesIn(transcript) {
      const relatives = relativesOf(transcript, heads(), lastTimeOf);
      return relatives.length === 0 ? NONE : copiedFrom(transcript, relatives, linesOf);
    },
  };
}

export function sessionIdOf(path: string): string {
  return basename(path, '.jsonl');
}

// Who may be related

interface Head {
  /** Of its first lines; empty when no line has one. */
  uuids: string[];
  /** Time of the first line that has a uuid, milliseconds since the Unix epoch. */
  at: number | undefined;
  /** The transcript begins at a compaction: only a fork of a compacted session does. */
  compacted: boolean;
}

interface Heads {
  of: ReadonlyMap<FoundFile, Head | undefined>;
  byUuid: ReadonlyMap<string, FoundFile[]>;
}

function indexHeads(transcripts: readonly FoundFile[]): Heads {
  const of = new Map(transcripts.map((transcript) => [transcript, headOf(transcript)]));
  const byUuid = new Map<string, FoundFile[]>();
  for (const [transcript, head] of of) {
    for (const uuid of head?.uuids ?? []) {
      const files = byUuid.get(uuid);
      if (files === undefined) byUuid.set(uuid, [transcript]);
      else files.push(transcript);
    }
  }
  return { of, byUuid };
}

function relativesOf(
  transcript: FoundFile,
  heads: Heads,
  lastTimeOf: (transcript: FoundFile) => number | undefined,
): FoundFile[] {
  const head = heads.of.get(transcript);
  if (head === undefined) return [];
  const relatives = new Set(head.uuids.flatMap((uuid) => heads.byUuid.get(uuid) ?? []));
  if (head.compacted) {
    const { at = Number.NaN } = head;
    for (const [other, begin] of heads.of) {
      // Whoever wrote the compaction was at work at that time. When in doubt, it was.
      const ruledOut = (begin?.at ?? at) > at || (lastTimeOf(other) ?? at) < at;
      if (!ruledOut && !relatives.has(other) && contains(other.path, head.uuids[0] ?? ''))
        relatives.add(other);
    }
  }
  const id = sessionIdOf(transcript.path);
  return [...relatives].filter(({ path }) => sessionIdOf(path) !== id);
}

/** The first lines of a transcript; undefined when it cannot be read or holds no conversation. */
export function headOf({ path, size }: FoundFile): Head | undefined {
  return readable(() => {
    const head = parseHead(readAt(path, 0, Math.min(size, EDGE_BYTES)));
    if (head !== undefined || size <= EDGE_BYTES) return head;
    for (const { value } of jsonl(path, { report: ignore })) {
      const late = parseHead(Buffer.from(JSON.stringify(value)));
      if (late !== undefined) return late;
    }
    return undefined;
  });
}

const UUID = '"uuid":"';

function parseHead(bytes: Buffer): Head | undefined {
  const uuids = new Set<string>();
  const first = bytes.indexOf(UUID);
  if (first === -1) return undefined;
  for (let at = first; at !== -1; at = bytes.indexOf(UUID, at + UUID.length)) {
    const end = bytes.indexOf('"', at + UUID.length);
    // Decoded by itself: a part of a decoded text would keep all of the text in memory.
    if (end > at + UUID.length) uuids.add(bytes.toString('latin1', at + UUID.length, end));
  }
  const end = bytes.indexOf('\n', first);
  const start = bytes.lastIndexOf('\n', first) + 1;
  const line = bytes.toString('latin1', start, end === -1 ? bytes.length : end);
  return {
    uuids: [...uuids],
    at: timeOf({ timestamp: /"timestamp":"([^"]+)"/.exec(line)?.[1] }),
    compacted: line.includes('"subtype":"compact_boundary"'),
  };
}

/** The latest time near the end of a transcript, milliseconds since the Unix epoch. */
function readLastTime({ path, size }: FoundFile): number | undefined {
  const start = Math.max(0, size - EDGE_BYTES);
  const tail = readable(() => readAt(path, start, size - start).toString('latin1')) ?? '';
  const times = [...tail.matchAll(/"timestamp":"([^"]+)"/g)].flatMap(
    (match) => timeOf({ timestamp: match[1] }) ?? [],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

function readAt(path: string, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return withFile(path, (descriptor) =>
    buffer.subarray(0, readSync(descriptor, buffer, 0, length, position)),
  );
}

/** Searches the raw bytes, a piece at a time. */
function contains(path: string, uuid: string): boolean {
  const search = (descriptor: number) => {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let kept = 0; ; ) {
      const length = readSync(descriptor, chunk, kept, CHUNK_BYTES - kept, null);
      if (length === 0) return false;
      const view = chunk.subarray(0, kept + length);
      if (view.includes(uuid)) return true;
      kept = Math.min(view.length, uuid.length);
      view.copy(chunk, 0, view.length - kept);
    }
  };
  return readable(() => withFile(path, search)) ?? false;
}

function withFile<T>(path: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined for a file that is gone or not ours to read: loading its own session reports that. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOpenSyncError(error) || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

// Who copied from whom

interface Lines {
  path: string;
  /** Lines with a uuid, in order. */
  lines: { uuid: string; kind: Kind; at: number | undefined; marked: boolean }[];
  uuids: ReadonlySet<string>;
  /** Milliseconds since the Unix epoch; undefined where the file system does not tell. */
  bornAt: number | undefined;
}

/** `context` is what no conversation turns on: notices, attachments, text that the client injected. */
type Kind = 'prompt' | 'reply' | 'context';

function readLines(path: string): Lines {
  const lines: Lines['lines'] = [];
  const id = sessionIdOf(path);
  let startedAt: number | undefined;
  readable(() => {
    const keep = (bytes: Buffer) => {
      if (!isConversation(bytes)) return false;
      const output = toolOutput(bytes);
      if (output !== undefined) lines.push(output);
      return output === undefined;
    };
    for (const { value } of jsonl(path, { keep, report: ignore })) {
      const line = lineOf(value);
      if (line === undefined) continue;
      const at = timeOf(line);
      if (line.type === 'queue-operation' && lines.length === 0) startedAt ??= at;
      if (line.uuid === undefined) continue;
      const early = startedAt !== undefined && at !== undefined && at < startedAt;
      const marked = early || markedOrigin(line, id) !== undefined;
      lines.push({ uuid: line.uuid, kind: kindOf(line), at, marked });
    }
  });
  const bornAt = readable(() => statSync(path).birthtimeMs) || undefined;
  return { path, lines, uuids: new Set(lines.map(({ uuid }) => uuid)), bornAt };
}

const TOOL_OUTPUT = Buffer.from('"toolUseResult":');
const SMALL_BYTES = 4096;

/**
 * A large tool output without parsing it. What the client wrote behind the message and before its own
 * copy of the output is found on the bytes: inside a JSON string the quotes would be escaped.
 */
function toolOutput(line: Buffer): Lines['lines'][number] | undefined {
  const end = line.length < SMALL_BYTES ? -1 : line.indexOf(TOOL_OUTPUT);
  if (end === -1) return undefined;
  const before = line.toString('latin1', Math.max(0, end - 400), end);
  const [, uuid, timestamp] = /\]\},"uuid":"([^"]+)","timestamp":"([^"]+)",$/.exec(before) ?? [];
  return uuid === undefined ? undefined : { uuid, kind: 'reply', at: timeOf({ timestamp }), marked: false };
}

function kindOf(line: Line): Kind {
  if (line.type === 'assistant') return line.message?.model === SYNTHETIC ? 'context' : 'reply';
  if (line.type !== 'user' || line.isMeta || line.isCompactSummary) return 'context';
  const content = line.message?.content;
  if (blocksOf(content).some(({ type }) => type === 'tool_result')) return 'reply';
  const { parts, typed } = promptOf(content);
  return typed && parts.length > 0 ? 'prompt' : 'context';
}

function copiedFrom(
  transcript: FoundFile,
  relatives: FoundFile[],
  linesOf: (transcript: FoundFile) => Lines,
): Copies {
  const mine = linesOf(transcript);
  const uuids = new Set<string>();
  let most = 0;
  let origin: Lines | undefined;
  for (const relative of relatives) {
    const other = linesOf(relative);
    const shared = mine.lines.filter(({ uuid }) => other.uuids.has(uuid));
    if (shared.length === 0 || !isFork(mine, other)) continue;
    for (const { uuid } of shared) uuids.add(uuid);
    // Of equals, such as two forks of one session, the one that the others were copied from.
    if (shared.length > most || (shared.length === most && origin !== undefined && isFork(origin, other))) {
      [most, origin] = [shared.length, other];
    }
  }
  return origin === undefined ? NONE : { uuids, origin: sessionIdOf(origin.path) };
}

interface Share {
  /** How many of the shared lines say that they are copies. */
  marked: number;
  /** Time of the last shared line. */
  until: number;
  /** Has prompts or replies of its own that stand before the last shared line. */
  branched: boolean;
  /** Time of the first prompt of its own behind the last shared line. */
  wentOnAt: number | undefined;
  /** Has replies of its own there, be it to something that nobody typed. */
  replied: boolean;
}

function shareOf({ lines }: Lines, others: ReadonlySet<string>): Share {
  const last = lines.findLastIndex(({ uuid }) => others.has(uuid));
  const shared = lines.filter(({ uuid }) => others.has(uuid));
  const after = lines.slice(last + 1);
  return {
    marked: shared.filter(({ marked }) => marked).length,
    until: shared.reduce((latest, { at }) => Math.max(latest, at ?? 0), 0),
    branched: lines.slice(0, last).some(({ uuid, kind }) => kind !== 'context' && !others.has(uuid)),
    wentOnAt: after.find(({ kind }) => kind === 'prompt')?.at,
    replied: after.some(({ kind }) => kind === 'reply'),
  };
}

/** Of two transcripts that share lines, whether the first is the copy. Each rule holds for one side or is no evidence. */
function isFork(mine: Lines, other: Lines): boolean {
  const here = shareOf(mine, other.uuids);
  const there = shareOf(other, mine.uuids);
  if (here.marked !== there.marked) return here.marked > there.marked;
  // A copy is a file younger than what it copied. Restored or copied files are younger than everything.
  const [older, otherOlder] = [isOlder(mine, here), isOlder(other, there)];
  if (older !== otherOlder) return otherOlder;
  // A fork copies the active branch alone: the original has more in between.
  if (here.branched !== there.branched) return there.branched;
  // A fork is written with its first prompt; the session it was made of often goes no further.
  if ((here.wentOnAt === undefined) !== (there.wentOnAt === undefined)) return here.wentOnAt !== undefined;
  // What the original had gone on with before the fork was made would be in the fork.
  if (here.wentOnAt !== there.wentOnAt) return (here.wentOnAt ?? 0) < (there.wentOnAt ?? 0);
  if (here.replied !== there.replied) return here.replied;
  if (mine.bornAt !== other.bornAt) return (mine.bornAt ?? 0) > (other.bornAt ?? 0);
  return mine.path > other.path;
}

function isOlder({ bornAt }: Lines, { until }: Share): boolean {
  return bornAt !== undefined && bornAt < until;
}

/** The same line is read again, and reported, when its session is loaded. */
function ignore(): void {
  return;
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function memoize<K, T>(make: (key: K) => T): (key: K) => T {
  const made = new Map<K, () => T>();
  return (key) => {
    const known = made.get(key) ?? once(() => make(key));
    made.set(key, known);
    return known();
  };
}
