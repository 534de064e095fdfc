export interface HarnessOptions {
  seeds: number[];
  /** Processes at the same time. */
  atOnce: number;
  /** Tell what happens as it happens. */
  verbose: boolean;
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
