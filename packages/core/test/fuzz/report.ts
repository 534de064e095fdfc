import type { Ending } from './pool.js';
import type { Outcome } from './run.js';

/** Tables in Markdown: what was damaged, by kind and by plugin. */
export function report(endings: readonly Ending[]): string {
  const outcomes = endings.flatMap((ending) => ('outcome' in ending ? [ending.outcome] : []));
  const died = endings.length - outcomes.length;
  return [
    tableOf('damage', outcomes, ({ kind }) => kind),
    tableOf('plugin', outcomes, ({ plugin }) => plugin),
    ...(died > 0 ? [`${died} runs ended without an outcome`] : []),
  ].join('\n\n');
}

const HEADS = ['runs', 'problems told', 'unreadable', 'failures', 'time', 'memory'];

function tableOf(title: string, outcomes: readonly Outcome[], keyOf: (outcome: Outcome) => string): string {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const group = groups.get(keyOf(outcome));
    if (group === undefined) groups.set(keyOf(outcome), [outcome]);
    else group.push(outcome);
  }
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => [key, ...cells(group)]);
  const all = [[title, ...HEADS], [title, ...HEADS].map(() => '---'), ...rows, ['all', ...cells(outcomes)]];
  return all.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cells(outcomes: readonly Outcome[]): string[] {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  const worst = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((most, one) => Math.max(most, of(one)), 0);
  return [
    String(outcomes.length),
    String(sum(({ problems }) => Number(problems > 0))),
    String(sum(({ unreadable }) => Number(unreadable > 0))),
    String(sum(({ faults }) => Number(faults.length > 0))),
    `${(worst(({ ms }) => ms) / 1000).toFixed(1)} s, × ${worst(({ ms, wholeMs }) => ms / Math.max(1, wholeMs)).toFixed(1)}`,
    `${Math.round(worst(({ memory }) => memory) / 1e6)} MB, × ${worst(({ memory, wholeMemory }) => memory / wholeMemory).toFixed(1)}`,
  ];
}
