// Bundles a harness, runs its `main`, and leaves nothing behind.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { countOf, readOptions } from '../../../../scripts/options.mjs';
import { bundle } from './build.mjs';

/**
 * @param source folder with `main.ts` and `worker.ts`
 * @param defaults `runs`, and how many `atOnce`
 */
export async function start(source, name, defaults) {
  const options = optionsOf(name, defaults);
  // In memory, where there is such a folder: thousands of small files cost least there.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `opensync-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  await bundle([join(source, 'main.ts'), join(source, 'worker.ts')], folder);
  const { main } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
  process.exitCode = await main(options, resolve(import.meta.dirname, '../../..'), folder);
}

function optionsOf(name, defaults) {
  const usage = `Usage: npm run test:${name} -- [--runs N] [--from SEED | --seed SEED] [--at-once N] [--verbose]

  --runs N      so many seeds (default ${defaults.runs})
  --from SEED   the first of them (default 1)
  --seed SEED   this one alone, and tell what happens
  --at-once N   processes at the same time (default ${defaults.atOnce})
  --verbose     tell what happens
`;
  const text = { type: 'string' };
  const options = { runs: text, from: text, seed: text, 'at-once': text, verbose: { type: 'boolean' } };
  return readOptions(usage, { options }, ({ values: { verbose = false, ...numbers } }) => {
    const [runs, from, seed, atOnce] = ['runs', 'from', 'seed', 'at-once'].map((key) =>
      countOf(key, numbers[key]),
    );
    const count = seed === undefined ? (runs ?? defaults.runs) : 1;
    const first = seed ?? from ?? 1;
    return {
      seeds: Array.from({ length: count }, (_, index) => first + index),
      atOnce: Math.min(atOnce ?? defaults.atOnce, count),
      verbose: verbose || seed !== undefined,
    };
  });
}
