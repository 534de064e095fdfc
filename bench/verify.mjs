import { BUCKETS } from './history/usage.mjs';

const SHOWN = 5;

/** Compares what `list --json` printed with the truth, session by session. Returns what is wrong, empty for nothing. */
export function listErrors(stdout, truth) {
  const rows = new Map(JSON.parse(stdout).sessions.map((row) => [row.id, row]));
  const ids = new Set([...rows.keys(), ...Object.keys(truth.bySession)]);
  const errors = [...ids].flatMap((id) => sessionErrors(id, rows.get(id), truth.bySession[id]));
  return errors.length <= SHOWN ? errors : [...errors.slice(0, SHOWN), `and ${errors.length - SHOWN} more`];
}

function sessionErrors(id, row, expected) {
  if (row === undefined) return [`${id} is missing`];
  if (expected === undefined) return [`${id} does not exist`];
  const found = row.usage ?? {};
  const wrong = BUCKETS.filter((bucket) => found[bucket] !== expected[bucket]);
  return wrong.map((bucket) => `${id}: ${bucket} is ${found[bucket]} and should be ${expected[bucket]}`);
}

/** Compares the summary of `sync --json` with the truth. */
export function syncErrors(stdout, truth, { unchanged }) {
  const summary = JSON.parse(stdout);
  const all = truth.totals.sessions + truth.totals.subagents;
  const expected = {
    sessions: all,
    sessionsSent: unchanged ? 0 : all,
    unchanged: unchanged ? all : 0,
    failed: 0,
    poison: 0,
  };
  return Object.entries(expected)
    .filter(([name, value]) => summary[name] !== value)
    .map(([name, value]) => `sync: ${name} is ${summary[name]} and should be ${value}`);
}
