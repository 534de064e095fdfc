import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../harness/temporary-directory.js';
import { Pool } from './pool.js';

/** A few of the runs of `npm run test:fuzz`. */
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

describe('a history that is damaged', () => {
  const folder = temporaryDirectory();
  let pool: Pool;

  beforeAll(() => {
    const bundle = join(import.meta.dirname, '../harness/build.mjs');
    execFileSync(process.execPath, [bundle, folder, join(import.meta.dirname, 'worker.ts')]);
    pool = new Pool(resolve(import.meta.dirname, '../../..'), folder);
  });

  afterAll(() => pool.close());

  it.each(SEEDS)('is read as far as it is whole, seed %i', async (seed) => {
    const ending = await pool.run(seed);
    expect('failure' in ending ? [ending.failure] : ending.outcome.faults).toEqual([]);
  });
});
