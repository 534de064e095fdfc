import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../harness/temporary-directory.js';
import { loadFixtures } from './fixtures.js';
import { Pool } from './pool.js';
import { runSeed } from './run.js';

/** A few of the runs of `npm run test:faults`, and two that found a lock without its owner's name. */
const SEEDS = [...Array.from({ length: 22 }, (_, index) => index + 1), 40, 51];

describe('a sync that is killed, lied to and interrupted', () => {
  const folder = temporaryDirectory();
  const fixtures = loadFixtures(resolve(import.meta.dirname, '../../..'));
  let pool: Pool;

  beforeAll(() => {
    execFileSync(process.execPath, [
      join(import.meta.dirname, '../harness/build.mjs'),
      folder,
      join(import.meta.dirname, 'worker.ts'),
    ]);
    pool = new Pool(join(folder, 'worker.mjs'), 2);
  });

  afterAll(() => pool.close());

  it.each(SEEDS)('ends as one that never failed, seed %i', async (seed) => {
    expect((await runSeed(seed, { pool, fixtures, folder })).problems).toEqual([]);
  });
});
