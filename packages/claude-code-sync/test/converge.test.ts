import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { syncFile } from '../../core/src/sync.js';
import { faults } from '../../core/test/hosted-server.js';
import { cleanSnapshot, createWorld, SAFE, snapshot, type World } from '../../core/test/world.js';
import { source } from '../src/source.js';
import { fixture } from './home.js';

/* That a server comes to hold the same whatever happens: see also core's own tests of the sync path. */

describe('real histories', () => {
  const fill = (version: string) => (world: World) =>
    cpSync(join(fixture(version), 'projects'), join(world.home, '.claude', 'projects'), { recursive: true });
  const sync = (world: World, changes = {}) => world.sync({}, { source: source as never, ...changes });

  it.each(['2.1.330', '2.0.37-2.1.74'])(
    'of %s arrive alike on both kinds of server, and once',
    async (version) => {
      const hosted = await cleanSnapshot({}, fill(version), sync);
      const world = await createWorld(SAFE);
      fill(version)(world);
      const summary = await sync(world);
      // A session that holds nothing but subagents has no time: only a server that corrects its own is told of it.
      const spoken = (state: unknown) =>
        (state as { messages: unknown[] }[]).filter(({ messages }) => messages.length > 0);
      expect(spoken(snapshot(world))).toEqual(hosted.state);
      expect(summary).toMatchObject({
        failed: 0,
        poison: 0,
        sessionsSent: (snapshot(world) as unknown[]).length,
      });
      expect(await sync(world)).toMatchObject({ unchanged: summary.sessions, messagesSent: 0 });
    },
  );

  it('arrive whole when the network is gone after any request and comes back', async () => {
    const clean = await cleanSnapshot({}, fill('2.1.330'), sync);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: clean.requests }), fc.boolean(), async (n, applied) => {
        const world = await createWorld();
        fill('2.1.330')(world);
        world.server.fault = ({ number }) =>
          number > n ? (applied ? faults.lostAnswer : faults.unreachable) : undefined;
        await sync(world);
        world.server.fault = () => undefined;
        expect(await sync(world)).toMatchObject({ failed: 0 });
        expect(snapshot(world)).toEqual(clean.state);
        await world.server.close();
      }),
      { numRuns: 5 },
    );
  });

  it('grow line by line, cut anywhere, to the state of one late sync', async () => {
    const clean = await cleanSnapshot({}, fill('2.1.330'), sync);
    const name = join('-home-dev-work', 'aaaa0002-0000-4000-8000-000000000000.jsonl');
    const whole = readFileSync(join(fixture('2.1.330'), 'projects', name));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(whole.length), { maxLength: 6 }), async (cuts) => {
        const world = await createWorld();
        fill('2.1.330')(world);
        const path = join(world.home, '.claude', 'projects', name);
        rmSync(path);
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
          appendFileSync(path, whole.subarray(from, cut));
          from = cut;
          world.clock.now += 7_000;
          const summary = await syncFile(world.context(source as never), path);
          expect(summary).toMatchObject({ failed: 0, poison: 0 });
        }
        await sync(world);
        expect(snapshot(world)).toEqual(clean.state);
        await world.server.close();
      }),
      { numRuns: 4 },
    );
  });
});

describe('two runs at once', () => {
  it('on one session make the first look again, at files that came meanwhile too', async () => {
    const world = await createWorld();
    const recorded = join(fixture('2.1.330'), 'projects', '-home-dev-work');
    const target = join(world.home, '.claude', 'projects', '-home-dev-work');
    const id = 'aaaa0003-0000-4000-8000-000000000000';
    mkdirSync(target, { recursive: true });
    cpSync(join(recorded, `${id}.jsonl`), join(target, `${id}.jsonl`));
    const context = world.context(source as never);
    const path = join(target, `${id}.jsonl`);
    let second: Promise<unknown> = Promise.resolve();
    world.server.fault = ({ number }) => {
      if (number === 2) {
        cpSync(join(recorded, id), join(target, id), { recursive: true });
        second = syncFile(world.context(source as never), path, {
          onNotice: (text) => world.notices.push(text),
        });
      }
      return undefined;
    };
    const summary = await syncFile(context, path);
    await second;
    expect(world.notices).toContain(`${id}: left to another process, which is syncing it now.`);
    const shown = (snapshot(world) as { externalId: string }[]).map(({ externalId }) => externalId);
    expect(shown).toHaveLength(3);
    // Each session counts once, although the first was looked at twice.
    expect(summary).toMatchObject({ sessions: 3, sessionsSent: expect.any(Number), unchanged: 0, failed: 0 });
    expect(await syncFile(world.context(source as never), path)).toMatchObject({
      sessions: 3,
      unchanged: 3,
    });
  });
});
