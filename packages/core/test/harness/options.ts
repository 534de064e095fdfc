import { parseArgs } from 'node:util';

export interface HarnessOptions {
  seeds: number[];
  /** Processes at the same time. */
  atOnce: number;
  /** Tell what happens as it happens. */
  verbose: boolean;
}

/** `--runs N`, `--from SEED`, or `--seed SEED` for one run again, which tells what happens. */
export function readOptions(
  args: string[],
  { command, ...defaults }: { command: string; runs: number; atOnce: number },
): HarnessOptions {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: String(defaults.runs) },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      'at-once': { type: 'string', default: String(defaults.atOnce) },
      verbose: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.seed ?? values.from);
  const [runs, atOnce] = [Number(values.runs), Number(values['at-once'])];
  if (![runs, first, atOnce].every((number) => Number.isSafeInteger(number) && number > 0)) {
    throw new Error(`Usage: ${command} [--runs N] [--from SEED] [--seed SEED] [--at-once N]`);
  }
  const count = values.seed === undefined ? runs : 1;
  return {
    seeds: Array.from({ length: count }, (_, index) => first + index),
    atOnce: Math.min(atOnce, count),
    verbose: values.verbose || values.seed !== undefined,
  };
}

/** Takes seeds one after the other, `atOnce` at a time. */
export async function forEachSeed(
  { seeds, atOnce }: HarnessOptions,
  run: (seed: number) => Promise<void>,
): Promise<void> {
  const queue = [...seeds];
  const loop = async () => {
    for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) await run(seed);
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
}
