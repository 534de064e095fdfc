import { forEachSeed, type HarnessOptions } from '../harness/options.js';
import { type Ending, Pool } from './pool.js';
import { report } from './report.js';

const COMMAND = 'npm run test:fuzz --';

interface Result {
  seed: number;
  ending: Ending;
}

function faultsOf({ ending }: Result): string[] {
  return 'failure' in ending ? [ending.failure] : ending.outcome.faults;
}

/**
 * @param packages the folder with the plugins, for their fixtures
 * @param folder for everything that is written, with the bundled worker in it
 */
export async function main(options: HarnessOptions, packages: string, folder: string): Promise<number> {
  const pool = new Pool(packages, folder);
  const results: Result[] = [];
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
  let failures = 0;
  try {
    await forEachSeed(options, async (seed) => {
      const result = { seed, ending: await pool.run(seed) };
      results.push(result);
      if (options.verbose) console.log(JSON.stringify(result.ending, null, 1));
      if (faultsOf(result).length > 0) {
        failures++;
        tell(result);
      }
      if (results.length % 250 === 0)
        console.log(`${results.length} of ${options.seeds.length} runs, ${failures} failed, ${seconds()} s`);
    });
  } finally {
    await pool.close();
  }
  console.log(
    `\n${report(results.map(({ ending }) => ending))}\n${results.length} runs in ${seconds()} s, ${failures} failed`,
  );
  return failures === 0 ? 0 : 1;
}

function tell(result: Result): void {
  const { seed, ending } = result;
  const what =
    'outcome' in ending ? `, ${ending.outcome.kind} in ${ending.outcome.history}/${ending.outcome.path}` : '';
  console.log(`FAILED seed ${seed}${what}`);
  const faults = faultsOf(result);
  for (const fault of faults.slice(0, 4)) console.log(`  ${fault}`);
  if (faults.length > 4) console.log(`  and ${faults.length - 4} more`);
  console.log(`  replay: ${COMMAND} --seed ${seed}`);
}
