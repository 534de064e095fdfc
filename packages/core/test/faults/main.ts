import { join } from 'node:path';
import { forEachSeed, type HarnessOptions } from '../harness/options.js';
import { loadFixtures } from './fixtures.js';
import { Pool } from './pool.js';
import { type Outcome, runSeed } from './run.js';

const COMMAND = 'npm run test:faults --';
const REPLAY = `${COMMAND} --seed`;

/**
 * @param packages the folder with the plugins, for their fixtures
 * @param folder for everything that is written, with the bundled worker in it
 */
export async function main(options: HarnessOptions, packages: string, folder: string): Promise<number> {
  const pool = new Pool(join(folder, 'worker.mjs'), options.atOnce);
  const tools = {
    pool,
    folder,
    fixtures: loadFixtures(packages),
    ...(options.verbose && { log: (text: string) => console.log(text) }),
  };
  const outcomes: Outcome[] = [];
  const startedAt = Date.now();
  try {
    await forEachSeed(options, async (seed) => {
      const outcome = await runSeed(seed, tools).catch(failed(seed));
      outcomes.push(outcome);
      if (outcome.problems.length > 0) tell(outcome);
      if (outcomes.length % 100 === 0) progress(outcomes, options.seeds.length, startedAt);
    });
  } finally {
    await pool.close();
  }
  return summarise(outcomes, Date.now() - startedAt);
}

const failed =
  (seed: number) =>
  (error: unknown): Outcome => ({
    seed,
    injected: new Map(),
    places: new Map(),
    problems: [error instanceof Error ? String(error.stack) : String(error)],
  });

function tell({ seed, problems }: Outcome): void {
  console.log(`FAILED seed ${seed}`);
  for (const problem of problems.slice(0, 8)) console.log(`  ${problem}`);
  if (problems.length > 8) console.log(`  and ${problems.length - 8} more`);
  console.log(`  replay: ${REPLAY} ${seed}`);
}

function progress(outcomes: readonly Outcome[], total: number, startedAt: number): void {
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  const failures = outcomes.filter(({ problems }) => problems.length > 0).length;
  console.log(`${outcomes.length} of ${total} runs, ${failures} failed, ${seconds} s`);
}

function summarise(outcomes: readonly Outcome[], ms: number): number {
  console.log(`\n${outcomes.length} runs in ${Math.round(ms / 1_000)} s`);
  table('Faults injected', sum(outcomes.map(({ injected }) => injected)));
  table('Where', sum(outcomes.map(({ places }) => places)));
  const bad = outcomes.filter(({ problems }) => problems.length > 0);
  const differences = bad.reduce((total, { problems }) => total + problems.length, 0);
  console.log(`\n${differences} differences`);
  for (const { seed } of bad) console.log(`replay: ${REPLAY} ${seed}`);
  console.log(`${outcomes.length - bad.length} passed, ${bad.length} failed`);
  return bad.length === 0 ? 0 : 1;
}

function sum(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const count of counts) for (const [key, n] of count) total.set(key, (total.get(key) ?? 0) + n);
  return total;
}

function table(title: string, counts: ReadonlyMap<string, number>): void {
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  console.log(`\n${title}: ${total}`);
  for (const [key, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`  ${String(count).padStart(6)}  ${key}`);
  }
}
