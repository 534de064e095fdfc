import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Random } from '../harness/random.js';
import type { History } from './histories.js';
import { deleteRow, mutatePages, mutateRow, PAGE_KINDS } from './mutate-database.js';
import {
  BYTE_KINDS,
  type ByteKind,
  HUGE_KINDS,
  LINE_KINDS,
  type LineKind,
  mutateBytes,
  mutateHugely,
  mutateLines,
  mutateLineValue,
} from './mutate-text.js';
import { mutateJson, VALUE_KINDS, type ValueKind } from './mutate-value.js';

/** One file of a history, damaged. */
export interface Mutation {
  kind: string;
  /** Where in the file, for whoever looks into a failure. */
  detail?: string;
  path: string;
  content: Buffer;
  /**
   * The file with what was damaged left out instead: what is the same without it must stay the same.
   * Null: without the file. Absent: nothing can be said.
   */
  without?: Buffer | null;
  /** Sessions have lines of each other now: of two that have the same, one is a copy. */
  mixes?: boolean;
}

/** One run in so many is about megabytes. */
const HUGE_EVERY = 60;

/** @param scratch a file that may be written */
export function mutate(history: History, random: Random, scratch: string): Mutation {
  const path = random.pick(history.targets);
  const content = history.files.get(path) ?? Buffer.alloc(0);
  if (/\.db(-wal)?$/.test(path)) return { path, ...mutateDatabase(history, path, content, random, scratch) };
  if (path.endsWith('.json')) return { path, ...mutateJsonFile(content, random) };
  if (random.chance(1 / HUGE_EVERY)) {
    const kind = random.weighted(HUGE_KINDS);
    return { kind, path, content: mutateHugely(content, kind, random) };
  }
  const mutated = mutateTextFile(history, content, random);
  // Where a message is many lines, one of them may end it.
  return path.endsWith('.txt')
    ? { path, kind: mutated.kind, content: mutated.content }
    : { path, ...mutated };
}

type Mutated = Omit<Mutation, 'path'>;

function mutateTextFile(history: History, content: Buffer, random: Random): Mutated {
  const kind = random.weighted({ ...BYTE_KINDS, ...LINE_KINDS, ...VALUE_KINDS });
  if (Object.hasOwn(BYTE_KINDS, kind)) {
    return { kind, content: mutateBytes(content, kind as ByteKind, random) };
  }
  if (Object.hasOwn(LINE_KINDS, kind)) {
    const other = history.files.get(random.pick(history.targets)) ?? Buffer.alloc(0);
    const mutated = mutateLines(content, kind as LineKind, random, other);
    return { kind, content: mutated, mixes: kind === 'lines of another file' };
  }
  const mutated = mutateLineValue(content, kind as ValueKind, random);
  if (mutated === undefined) return mutateTextFile(history, content, random);
  const without = isLess(kind) ? withoutChanged(content, mutated) : undefined;
  return { kind, content: mutated, ...(without && { without }) };
}

/** A text that became another one may say that its record is another's, and many more things. */
const TEXT_KINDS = [
  'lone surrogate',
  'NUL in a text',
  'long text',
  'another text',
  'deep nesting in a text',
  'absurd time',
];

/** Whether a record can say no more than it did before. */
function isLess(kind: string): boolean {
  return !TEXT_KINDS.some((one) => kind.endsWith(one));
}

function mutateJsonFile(content: Buffer, random: Random): Mutated {
  const kind = random.weighted({ ...BYTE_KINDS, ...VALUE_KINDS });
  if (Object.hasOwn(BYTE_KINDS, kind)) {
    const mutated = mutateBytes(content, kind as ByteKind, random);
    return { kind, content: mutated, ...(!isJson(mutated) && { without: null }) };
  }
  const mutated = mutateJson(content.toString(), kind as ValueKind, random);
  if (mutated === undefined) return mutateJsonFile(content, random);
  return { kind, content: Buffer.from(mutated), ...(isLess(kind) && { without: null }) };
}

function isJson(content: Buffer): boolean {
  try {
    JSON.parse(content.toString());
    return true;
  } catch {
    return false;
  }
}

function mutateDatabase(
  history: History,
  path: string,
  content: Buffer,
  random: Random,
  scratch: string,
): Mutated {
  // Without its log a database would be another one.
  if (path.endsWith('.db') && !history.files.has(`${path}-wal`) && random.chance(0.5)) {
    const found = mutateRowOf(content, random, scratch);
    if (found !== undefined) return found;
  }
  const kind = random.weighted(PAGE_KINDS);
  return { kind, content: mutatePages(content, kind, random) };
}

function mutateRowOf(content: Buffer, random: Random, scratch: string): Mutated | undefined {
  try {
    writeFileSync(scratch, content);
    const change = mutateRow(scratch, random);
    if (change === undefined) return undefined;
    const mutated = {
      kind: change.kind,
      detail: `${change.table} ${change.rowid} ${change.column}`,
      content: readFileSync(scratch),
    };
    if (!isLess(change.kind)) return mutated;
    writeFileSync(scratch, content);
    deleteRow(scratch, change);
    return { ...mutated, without: readFileSync(scratch) };
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(scratch + suffix, { force: true });
  }
}

/**
 * The original with empty lines where the mutated file has others: the lines at both ends that are the
 * same stay, each with its number.
 */
function withoutChanged(original: Buffer, mutated: Buffer): Buffer {
  const [before, after] = [original, mutated].map((content) => content.toString('latin1').split('\n'));
  if (before === undefined || after === undefined) return original;
  if (before.length === after.length) {
    return Buffer.from(before.map((line, index) => (line === after[index] ? line : '')).join('\n'), 'latin1');
  }
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  // What follows has other numbers than before.
  return Buffer.from(before.map((line, index) => (index < same ? line : '')).join('\n'), 'latin1');
}
