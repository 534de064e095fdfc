import { parseArgs } from 'node:util';

interface HarnessOptions {
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
  const usage = `Usage: ${command} [--runs N] [--from SEED | --seed SEED] [--at-once N] [--verbose]`;
  const options = {
    runs: { type: 'string', default: String(defaults.runs) },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    'at-once': { type: 'string', default: String(defaults.atOnce) },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  const { values } = orUsage(usage, () => parseArgs({ args, options }));
  const first = Number(values.seed ?? values.from);
  const [runs, atOnce] = [Number(values.runs), Number(values['at-once'])];
  if (values.help) end(usage, 0);
  if (![runs, first, atOnce].every((number) => Number.isSafeInteger(number) && number > 0)) end(usage, 2);
  const count = values.seed === undefined ? runs : 1;
  return {
    seeds: Array.from({ length: count }, (_, index) => first + index),
    atOnce: Math.min(atOnce, count),
    verbose: values.verbose || values.seed !== undefined,
  };
}

function orUsage<T>(usage: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    return end(`${error instanceof Error ? error.message : String(error)}\n${usage}`, 2);
  }
}

function end(text: string, code: number): never {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
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
