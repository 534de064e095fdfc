import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, only, rolloutsBelow } from './home.js';

/*
 * Histories that the samples lack, made from the samples' own lines by rules alone: each helper does
 * to real lines what a row of docs/formats/codex.md says that some client does.
 */

export interface Line {
  timestamp: string;
  ordinal?: number;
  type: string;
  payload: Record<string, unknown>;
}

/** Lines of the sample thread whose id contains the given part. */
export function linesOf(version: string, part: string): Line[] {
  const path = only(rolloutsBelow(fixture(version)).filter((name) => name.includes(part)));
  const text = readFileSync(join(fixture(version), path), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

export function textOf(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function idOf(lines: readonly Line[]): string {
  return String(lines[0]?.payload.id);
}

export function pathOf(threadId: string, segment?: string): string {
  const name = segment === undefined ? threadId : `${threadId}_${segment}`;
  return `sessions/2026/11/22/rollout-2026-11-22T08-00-00-${name}.jsonl`;
}

/** The files of several threads. */
export function filesOf(...threads: (readonly Line[])[]): Record<string, string> {
  return Object.fromEntries(threads.map((lines) => [pathOf(idOf(lines)), textOf(lines)]));
}

/** The first line of another thread that the same client starts. */
export function metaOf(lines: readonly Line[], changes: Record<string, unknown>): Line {
  const [meta] = lines;
  if (meta === undefined) throw new Error('A thread begins with its session_meta.');
  return { ...meta, payload: { ...meta.payload, ...changes } };
}

/** As a copy is written: all at one time. */
export function copiesOf(lines: readonly Line[], timestamp: string): Line[] {
  return lines.map((line) => ({ ...line, timestamp }));
}

/** Every text that stands for something else in these lines, everywhere in them. */
export function replaced(lines: readonly Line[], replacements: Record<string, string>): Line[] {
  let text = JSON.stringify(lines);
  for (const [from, to] of Object.entries(replacements)) text = text.replaceAll(from, to);
  return JSON.parse(text) as Line[];
}

/** From the start of a turn, the first is 0, to the end of the file. */
export function fromTurn(lines: readonly Line[], turn: number): Line[] {
  const starts = lines.flatMap(({ payload }, index) => (payload.type === 'task_started' ? [index] : []));
  return lines.slice(starts[turn]);
}

export function beforeTurn(lines: readonly Line[], turn: number): Line[] {
  return lines.slice(0, lines.length - fromTurn(lines, turn).length);
}

type Counts = Record<string, number>;

/** Changes `info` of each `token_count` that has one. */
export function withCounts(
  lines: readonly Line[],
  change: (total: Counts, last: Counts, index: number) => { total: Counts; last: Counts },
): Line[] {
  let index = 0;
  return lines.map((line) => {
    const info = line.payload.info as
      | { total_token_usage: Counts; last_token_usage: Counts }
      | null
      | undefined;
    if (line.payload.type !== 'token_count' || !info) return line;
    const { total, last } = change(info.total_token_usage, info.last_token_usage, index++);
    return {
      ...line,
      payload: { ...line.payload, info: { ...info, total_token_usage: total, last_token_usage: last } },
    };
  });
}

export function plus(a: Counts, b: Counts): Counts {
  return Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value + (b[name] ?? 0)]));
}

export function lastTotal(lines: readonly Line[]): Counts {
  let last: Counts = {};
  withCounts(lines, (total, change) => {
    last = total;
    return { total, last: change };
  });
  return last;
}
