import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createRandom } from '../../../packages/core/test/harness/random.js';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { finish, run, serve } from './command.js';
import { contradictions } from './consistency.js';
import { client } from './support.js';
import { createWriter, type Writer } from './writer.js';

/** More with `CRASH_RUNS=100 npm test -- apps/server/test/crash.test.ts`; one again with `CRASH_SEED=57`. */
const RUNS = Number(process.env.CRASH_RUNS ?? 1);
const FIRST_SEED = Number(process.env.CRASH_SEED ?? 1);
const KILLS = 3;

/** Eight plugins of three people: their keys differ in part, and those of one person share a session. */
async function createWriters(
  home: string,
  seed: number,
): Promise<{ writers: Writer[]; keys: (string | undefined)[] }> {
  const keys: (string | undefined)[] = [undefined];
  for (const name of ['second', 'third']) {
    const { output } = await finish(home, ['keys', 'add', name]);
    keys.push(/osk_[0-9a-f]{64}/.exec(output)?.[0]);
  }
  const writers = Array.from({ length: 8 }, (_, index) =>
    createWriter({ name: `writer${index}`, seed: seed * 1000 + index, shared: 'shared' }),
  );
  return { writers, keys };
}

async function start(home: string, writers: Writer[], keys: (string | undefined)[]) {
  const server = await serve(home);
  for (const [index, writer] of writers.entries())
    writer.connect(client(server.url, keys[index % keys.length] ?? server.apiKey));
  return server;
}

const acknowledged = (writers: Writer[]) => writers.reduce((sum, writer) => sum + writer.acknowledged(), 0);

async function missing(writers: Writer[]): Promise<string[]> {
  return (await Promise.all(writers.map((writer) => writer.missing()))).flat();
}

it.each(Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index))(
  'loses nothing it acknowledged when it is killed while eight plugins write, with seed %i',
  async (seed) => {
    const random = createRandom(seed);
    const home = temporaryDirectory();
    const { writers, keys } = await createWriters(home, seed);
    let server = await start(home, writers, keys);
    for (let kill = 0; kill < KILLS; kill++) {
      const enough = acknowledged(writers) + random.int(1, 150);
      const writing = Promise.all(writers.map((writer) => writer.write(() => false)));
      while (acknowledged(writers) < enough) await Promise.race([sleep(1), writing]);
      await sleep(random.int(0, 10));
      server.child.kill('SIGKILL');
      await writing;
      await server.ended;
      if (random.chance(0.5)) expect(contradictions(server.db)).toEqual([]);
      if (random.chance(0.3)) {
        const hasty = run(home, ['--port', '0']);
        await sleep(random.int(50, 500));
        hasty.child.kill('SIGKILL');
        await hasty.ended;
      }
      server = await start(home, writers, keys);
      expect(await missing(writers)).toEqual([]);
    }
    const enough = acknowledged(writers) + 50;
    await Promise.all(writers.map((writer) => writer.write(() => acknowledged(writers) >= enough)));
    expect(await missing(writers)).toEqual([]);
    server.child.kill('SIGTERM');
    await server.ended;
    expect(contradictions(server.db)).toEqual([]);
    if (RUNS > 1) console.log(`seed ${seed}: ${KILLS} kills, ${acknowledged(writers)} acknowledged, 0 lost`);
  },
  120_000,
);
