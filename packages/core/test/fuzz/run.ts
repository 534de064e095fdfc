import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRandom } from '../harness/random.js';
import { check, isOwner } from './check.js';
import type { History } from './histories.js';
import { peakMemory, resetPeakMemory } from './memory.js';
import { type Mutation, mutate } from './mutate.js';
import { type Reading, readHistory } from './read.js';

export interface Outcome {
  seed: number;
  history: string;
  plugin: string;
  kind: string;
  path: string;
  detail: string;
  faults: string[];
  /** How often a reader said that something was left out, and how many sessions could not be read. */
  problems: number;
  unreadable: number;
  /** Milliseconds of reading, before and after. */
  ms: number;
  wholeMs: number;
  /** Peak memory of the process while reading, bytes. */
  memory: number;
  wholeMemory: number;
}

interface Prepared {
  home: string;
  whole: Reading;
  memory: number;
}

/** Runs seeds in one process, one after the other. */
export class Runner {
  private readonly prepared = new Map<History, Prepared>();

  constructor(
    private readonly histories: readonly History[],
    private readonly folder: string,
  ) {}

  /** @param begin is told what is going to be read, in case that nothing is heard after it */
  run(seed: number, begin: (what: string) => void): Outcome {
    const random = createRandom(seed);
    const plugin = random.pick([...new Set(this.histories.map(({ source }) => source.plugin))]);
    const history = random.pick(this.histories.filter(({ source }) => source.plugin === plugin));
    const mutation = mutate(history, random, join(this.folder, `${process.pid}.db`));
    const { home, whole, memory: wholeMemory } = this.prepare(history);
    const file = join(home, mutation.path);
    begin(`${mutation.kind} in ${history.name}/${mutation.path}`);
    const others =
      mutation.mixes === true ? [] : [...whole.files.keys()].filter((id) => !isOwner(file, id, { whole }));
    const bystanders = new Set(random.shuffle(others).slice(0, 2));
    const read = () =>
      readHistory(history.source, home, ({ id }) => bystanders.has(id) || !others.includes(id));
    const put = (content: Buffer | null) => {
      if (content === null) rmSync(file);
      else writeFileSync(file, content);
      return read();
    };
    try {
      resetPeakMemory();
      const startedAt = performance.now();
      const damaged = put(mutation.content);
      const ms = performance.now() - startedAt;
      const memory = peakMemory();
      const without = mutation.without === undefined ? undefined : put(mutation.without);
      const broken = brokenLines(mutation);
      const unbroken = broken.length === 0 ? undefined : put(withoutLines(mutation, broken));
      const mustTell = mustBeTold(mutation, broken, history.files.get(mutation.path));
      const wholeMs = [...damaged.ms.keys()].reduce((sum, id) => sum + (whole.ms.get(id) ?? 0), 0);
      return {
        seed,
        history: history.name,
        plugin,
        kind: mutation.kind,
        path: mutation.path,
        detail: mutation.detail ?? '',
        faults: check({ file, whole, damaged, without, unbroken, mustTell, mixes: mutation.mixes === true }),
        problems: damaged.problems.length,
        unreadable: damaged.failed.size,
        ms,
        wholeMs,
        memory,
        wholeMemory,
      };
    } finally {
      writeFileSync(file, history.files.get(mutation.path) ?? '');
    }
  }

  private prepare(history: History): Prepared {
    const known = this.prepared.get(history);
    if (known !== undefined) return known;
    const home = mkdtempSync(join(this.folder, 'home-'));
    for (const [path, content] of history.files) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), content);
    }
    // The first reading compiles what reads.
    readHistory(history.source, home);
    resetPeakMemory();
    const whole = readHistory(history.source, home);
    if (whole.faults.length > 0) throw new Error(`${history.name}: ${whole.faults.join('; ')}`);
    const result = { home, whole, memory: peakMemory() };
    this.prepared.set(history, result);
    return result;
  }
}

/** Indexes of the lines that are no JSON. The last one has no end: it is still being written. */
function brokenLines({ path, content }: Mutation): number[] {
  if (!path.endsWith('.jsonl') || content.length > MAX_COMPARED) return [];
  const lines = linesOf(content).slice(0, -1);
  return lines.flatMap((line, index) => (isJson(line, index) ? [] : [index]));
}

/** Bytes. What is larger is mutated in other ways. */
const MAX_COMPARED = 1_500_000;

function linesOf(content: Buffer): string[] {
  return content.toString('latin1').split('\n');
}

function withoutLines({ content }: Mutation, broken: readonly number[]): Buffer {
  const lost = new Set(broken);
  const left = linesOf(content).map((line, index) => (lost.has(index) ? '' : line));
  return Buffer.from(left.join('\n'), 'latin1');
}

/** Of records that begin with it, and of which most are none of a conversation's and never parsed. */
const SKIPPED = /^\{"type":"(?!user|assistant|system|attachment)/;

/** Some tools name a message by its line, so it can only be missed while the lines keep their numbers. */
function mustBeTold(
  { content }: Mutation,
  broken: readonly number[],
  original: Buffer = Buffer.alloc(0),
): boolean {
  const lines = linesOf(content);
  const isSkipped = broken.some((index) => SKIPPED.test(lines[index] ?? ''));
  const before = linesOf(original);
  const lost = new Set(broken);
  // A line that still is JSON may say something else, and nobody can tell.
  const isAll = lines.every((line, index) => line === before[index] || lost.has(index));
  return broken.length > 0 && !isSkipped && isAll && lines.length === before.length;
}

function isJson(line: string, index: number): boolean {
  const text = Buffer.from(line, 'latin1').toString('utf8');
  if (/^\r?$/.test(text)) return true;
  try {
    JSON.parse(index === 0 ? text.replace(/^\ufeff/, '') : text);
    return true;
  } catch {
    return false;
  }
}
