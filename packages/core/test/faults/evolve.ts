import type { Random } from '../harness/random.js';
import { applyTo, type Change, type ChangeKind, EPOCH, type Files } from './history.js';

export interface TimedChange extends Change {
  /** Time of the youngest record that the file then holds, milliseconds since the Unix epoch. */
  time: number;
}

interface Target {
  path: string;
  content: Buffer | null;
  time: number;
  /** By another file in its place instead of a new content. */
  byRename: boolean;
}

/**
 * How these files came to be: they grow, by lines or torn; some are cut, rewritten, replaced or deleted
 * on the way, and come back or do not.
 * @param byTime in the order of the times in the records, as it was; otherwise in any order
 */
export function evolve(files: Files, random: Random, byTime: boolean): TimedChange[] {
  const lists = [...files].map(([path, content]) => targetsOf(path, content, random));
  const order = byTime ? inTime(lists) : interleaved(lists, random);
  const changes: TimedChange[] = [];
  let state: Files = new Map();
  let at = EPOCH;
  for (const target of order) {
    for (const { kind, content } of stepsTo(state.get(target.path), target)) {
      const change = { kind, content, path: target.path, time: target.time, at: at++ };
      changes.push(change);
      state = applyTo(state, change);
    }
  }
  return changes;
}

function targetsOf(path: string, content: Buffer, random: Random): Target[] {
  const target = (bytes: Buffer | null, byRename = false): Target => ({
    path,
    content: bytes,
    time: lastTimeOf(bytes === null || bytes.length === 0 ? content : bytes),
    byRename,
  });
  if (!path.endsWith('.jsonl') || content.length === 0 || random.chance(0.4)) return [target(content)];
  const cuts = Array.from({ length: random.int(1, 3) }, () => cutOf(content, random)).sort((a, b) => a - b);
  const targets = [...cuts.map((cut) => target(content.subarray(0, cut))), target(content)];
  if (random.chance(0.5)) addMishap(targets, target, random);
  return targets;
}

/** At a line's end, mostly; often before a tool's result, which makes an earlier message grow. */
function cutOf(content: Buffer, random: Random): number {
  const results = [...content.toString('latin1').matchAll(/"(tool_result|function_call_output)"/g)];
  const cut =
    results.length > 0 && random.chance(0.5) ? random.pick(results).index : random.int(0, content.length);
  if (random.chance(0.3)) return cut;
  return content.lastIndexOf(0x0a, cut) + 1;
}

function addMishap(
  targets: Target[],
  target: (content: Buffer | null, byRename?: boolean) => Target,
  random: Random,
): void {
  const index = random.int(1, targets.length);
  const before = targets[index - 1]?.content ?? Buffer.alloc(0);
  switch (random.weighted({ truncated: 3, rewritten: 3, replaced: 2, deleted: 2 })) {
    case 'truncated':
      targets.splice(index, 0, target(before.subarray(0, cutOf(before, random))));
      // As it was before, or more: the tool goes on.
      if (random.chance(0.6)) targets.splice(index + 1, 0, target(before));
      return;
    case 'rewritten':
      targets.splice(index, 0, target(altered(before, random)));
      return;
    case 'replaced':
      targets.splice(index, 0, target(altered(before, random), true));
      return;
    case 'deleted':
      if (random.chance(0.5)) targets.length = index;
      targets.splice(index, 0, target(null));
  }
}

/** Without one of its lines, or with another text in one. */
function altered(content: Buffer, random: Random): Buffer {
  const lines = content.toString().split('\n');
  const index = random.int(0, Math.max(0, lines.length - 2));
  const line = lines[index] ?? '';
  if (random.chance(0.5)) lines.splice(index, 1);
  else lines[index] = line.replace(/("(?:text|content|title|customTitle)":")([^"\\]+)/g, '$1altered: $2');
  return Buffer.from(lines.join('\n'));
}

function lastTimeOf(content: Buffer): number {
  const times = [...content.toString('latin1').matchAll(/"timestamp":"([^"]+)"/g)];
  return times.reduce((latest, [, time = '']) => Math.max(latest, Date.parse(time) || 0), 0);
}

function inTime(lists: readonly Target[][]): Target[] {
  return lists.flat().sort((a, b) => a.time - b.time);
}

function interleaved(lists: readonly Target[][], random: Random): Target[] {
  const queues = lists.map((list) => [...list]);
  const turns = random.shuffle(queues.flatMap((queue) => queue.map(() => queue)));
  return turns.flatMap((queue) => queue.shift() ?? []);
}

function stepsTo(now: Buffer | undefined, target: Target): { kind: ChangeKind; content: Buffer | null }[] {
  const { content, byRename } = target;
  if (content === null) return now === undefined ? [] : [{ kind: 'deleted', content }];
  if (now === undefined) return [{ kind: 'created', content }];
  if (now.equals(content)) return [];
  if (byRename) return [{ kind: 'replaced', content }];
  if (content.subarray(0, now.length).equals(now)) return [{ kind: 'grew', content }];
  if (now.subarray(0, content.length).equals(content)) return [{ kind: 'truncated', content }];
  // In place: it is empty for a moment.
  return [
    { kind: 'rewritten', content: Buffer.alloc(0) },
    { kind: 'grew', content },
  ];
}
