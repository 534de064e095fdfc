import { appendFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { API_KEY, type Fault, faults, type HostedOptions } from '../test/hosted-server.js';
import { type TinyLine, tinySource } from '../test/tiny-source.js';
import {
  cleanSnapshot,
  createWorld,
  killLockOwners,
  MINUTE,
  prompt,
  SAFE,
  START,
  snapshot,
  type World,
} from '../test/world.js';
import { createClient } from './client.js';
import { jsonl } from './read/jsonl.js';
import { syncFile, syncHistory } from './sync.js';

const usage = { input: 10, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 5, reasoning: null };

/** A small history with a bit of everything: three sessions, ten messages. */
function writeHistory({ write }: World): void {
  const answer: TinyLine = {
    id: 'm2',
    role: 'assistant',
    createdAt: START - 59 * MINUTE,
    model: 'claude-sonnet-4-5',
    usage,
    parts: [
      { type: 'thinking', text: 'hm' },
      { type: 'text', text: 'answer' },
      { type: 'tool-call', id: 't1', name: 'Bash', args: { $ref: 'größe', deep: [[[1]]] } },
      { type: 'tool-result', id: 't1', name: 'Bash', result: '' },
    ],
  };
  write(
    'one',
    [prompt('m1'), answer, prompt('m3', 'third', 2 * MINUTE), { title: 'One' }],
    START - 3 * MINUTE,
  );
  write('two', [prompt('m1'), { id: 'm2', parts: [{ type: 'text', text: 'no time' }] }], START - 2 * MINUTE);
  write(
    'three',
    Array.from({ length: 5 }, (_, n) => prompt(`m${n}`, `text ${n}`, n)),
    START - MINUTE,
  );
}

describe.each<[string, HostedOptions]>([
  ['the hosted server', {}],
  ['a server that says it is safe', SAFE],
])('a sync to %s', (_name, options) => {
  it('sends a history once: sessions, messages, tokens, times', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    expect(await world.sync()).toEqual({
      sessions: 3,
      sessionsSent: 3,
      messagesSent: 10,
      unchanged: 0,
      failed: 0,
      poison: 0,
      durationMs: 0,
    });
    const [one, three, two] = snapshot(world) as { externalId: string; messages: unknown[] }[];
    expect(one).toMatchObject({
      externalId: 'one',
      title: 'One',
      source: 'tiny-tool',
      promptTokens: 10,
      completionTokens: 5,
      messageCount: 3,
      createdAt: START - 60 * MINUTE,
      durationMs: 2 * MINUTE,
    });
    expect(one?.messages).toMatchObject([
      { externalId: 'tiny-tool:one:m1', createdAt: START - 60 * MINUTE },
      { parts: [{ type: 'text' }, { type: 'tool-call' }, { content: { result: '(no output)' } }] },
      { textContent: 'third' },
    ]);
    expect([two?.messages.length, three?.messages.length]).toEqual([2, 5]);
    expect(world.server.inFlight).toBe(1);
  });

  it('sends nothing the second time, not even a health check', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    await world.sync();
    const before = world.server.requests.length;
    expect(await world.sync()).toMatchObject({ sessions: 3, unchanged: 3, sessionsSent: 0, messagesSent: 0 });
    expect(world.server.requests).toHaveLength(before);
  });

  it('compares again and sends nothing when only the rules of reading may have changed', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    await world.sync();
    world.newRequests();
    const source = { ...tinySource, version: '1.0.1' } as never;
    expect(await world.sync({}, { source })).toMatchObject({ sessions: 3, unchanged: 3, failed: 0 });
    expect(world.newRequests()).toEqual([]);
  });

  it('sends messages anew when thinking is asked for', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    await world.sync();
    const config = { thinking: true };
    expect(await world.sync({}, { config })).toMatchObject({
      messagesSent: 1,
      sessionsSent: 0,
      unchanged: 2,
    });
    expect(JSON.stringify(snapshot(world))).toContain('"thinking"');
  });

  it('sends everything anew when it is forced to, and ends with the same', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    await world.sync();
    const before = snapshot(world);
    world.clock.now += MINUTE;
    expect(await world.sync({ force: true })).toMatchObject({
      sessionsSent: 3,
      messagesSent: 10,
      unchanged: 0,
    });
    expect(snapshot(world)).toEqual(before);
  });

  it('loses nothing when the checkpoints are lost', async () => {
    const world = await createWorld(options);
    writeHistory(world);
    await world.sync();
    const before = snapshot(world);
    rmSync(world.stateFolder, { recursive: true });
    expect(await world.sync()).toMatchObject({ sessionsSent: 3, messagesSent: 10 });
    expect(snapshot(world)).toEqual(before);
  });

  it('follows a transcript that grows and changes, however often it is looked at, to the state of one late sync', async () => {
    const change = fc.record({
      id: fc.integer({ min: 0, max: 5 }),
      text: fc.string({ maxLength: 5 }),
      pause: fc.constantFrom(0, 300, 3_000, 20_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const world = await createWorld(options);
        const lines: TinyLine[] = [];
        const born = new Map<number, number>();
        let latest = START - MINUTE;
        for (const { id, text, pause } of changes) {
          world.clock.now += pause;
          // A message keeps its time while its content changes.
          latest = Math.max(latest + 1, world.clock.now);
          if (!born.has(id)) born.set(id, latest);
          lines.push({
            id: `m${id}`,
            createdAt: born.get(id),
            parts: [{ type: 'text', text: `${id} ${text}` }],
          });
          world.write('one', lines, world.clock.now + lines.length);
          expect(await world.sync()).toMatchObject({ failed: 0, poison: 0 });
        }
        const clean = await createWorld(options);
        clean.clock.now = world.clock.now + MINUTE;
        clean.write('one', lines);
        await clean.sync();
        expect(contentOf(world)).toEqual(contentOf(clean));
        await world.server.close();
        await clean.server.close();
      }),
      { numRuns: 10 },
    );
  });
});

/** What the server shows, in its order; without the dates, which depend on when it was told. */
function contentOf(world: World) {
  return (snapshot(world) as { messages: object[] }[]).map(({ messages, ...session }) => ({
    ...session,
    createdAt: 0,
    messages: messages.map((message) => ({ ...message, createdAt: 0 })),
  }));
}

describe('an interruption', () => {
  it.each<[string, HostedOptions]>([
    ['the hosted server', {}],
    ['a server that says it is safe', SAFE],
  ])(
    'after any request to %s leaves it to the next run, which ends as if there had been none',
    async (_, options) => {
      const clean = await cleanSnapshot(options, writeHistory);
      for (let n = 0; n <= clean.requests; n++) {
        for (const fault of [faults.unreachable, faults.lostAnswer]) {
          const world = await createWorld(options);
          writeHistory(world);
          world.server.fault = ({ number }) => (number > n ? fault : undefined);
          const { failed, stopped } = await world.sync();
          expect(failed > 0).toBe(n < clean.requests);
          expect(stopped === undefined || stopped.kind === 'network').toBe(true);
          world.server.fault = () => undefined;
          expect(await world.sync()).toMatchObject({ failed: 0 });
          expect(snapshot(world)).toEqual(clean.state);
          world.newRequests();
          expect(await world.sync()).toMatchObject({ unchanged: 3 });
          expect(world.newRequests()).toEqual([]);
          await world.server.close();
        }
      }
    },
  );

  it('by a kill at any request, without a last word, costs repeated work at most', async () => {
    const clean = await cleanSnapshot({}, writeHistory);
    for (let n = 1; n <= clean.requests; n++) {
      const world = await createWorld();
      writeHistory(world);
      let sent = 0;
      const killed = new Promise<void>((resolve) => {
        const hang: typeof fetch = async (input, init) => {
          // The last answer is lost as well: the request was applied.
          if (String(input).includes('/sync/') && ++sent >= n) {
            if (sent === n) await fetch(input, init);
            resolve();
            return new Promise<never>(() => undefined);
          }
          return fetch(input, init);
        };
        void world.sync({ concurrency: 2 }, { fetch: hang });
      });
      await killed;
      killLockOwners(world.stateFolder);
      expect(await world.sync()).toMatchObject({ failed: 0 });
      expect(snapshot(world)).toEqual(clean.state);
      await world.server.close();
    }
  });

  it.each(Object.entries(faults) as [string, Fault][])(
    'by %s at any request passes unnoticed',
    async (_, fault) => {
      const clean = await cleanSnapshot({}, writeHistory);
      for (let n = 1; n <= clean.requests; n += 3) {
        const world = await createWorld();
        writeHistory(world);
        world.server.fault = ({ number }) => (number === n || number === n + 1 ? fault : undefined);
        expect(await world.sync()).toMatchObject({ failed: 0, poison: 0, sessionsSent: 3, messagesSent: 10 });
        expect(snapshot(world)).toEqual(clean.state);
        await world.server.close();
      }
    },
  );

  it('of an update whose answer is lost is no hindrance when the transcript goes back to what it was', async () => {
    for (const options of [{}, SAFE]) {
      const world = await createWorld(options);
      const [whole, part] = [prompt('m1', 'whole'), prompt('m1', 'part')];
      world.write('one', [whole, { title: 'Whole' }], START - 3);
      await world.sync();
      const before = snapshot(world);
      world.server.fault = () => faults.lostAnswer;
      world.write('one', [part, { title: 'Part' }], START - 2);
      expect(await world.sync()).toMatchObject({ failed: 1 });
      world.server.fault = () => undefined;
      world.write('one', [whole, { title: 'Whole' }], START - 1);
      expect(await world.sync()).toMatchObject({ failed: 0 });
      expect(snapshot(world)).toEqual(before);
    }
  });

  it.each([-60 * MINUTE, 60 * MINUTE])(
    'by somebody who sets the clock by %i ms changes no date',
    async (ms) => {
      const clean = await cleanSnapshot({}, writeHistory);
      for (let n = 0; n <= clean.requests; n++) {
        const world = await createWorld();
        writeHistory(world);
        const set = () => {
          world.clock.wrongBy = ms;
          return undefined;
        };
        if (n === 0) world.server.healthFault = set;
        world.server.fault = ({ number }) => (number === n ? set() : undefined);
        expect(await world.sync({ concurrency: 1 })).toMatchObject({ failed: 0 });
        expect(snapshot(world)).toEqual(clean.state);
        await world.server.close();
      }
    },
  );

  it('of the checkpoints, whatever is cut or gone, costs repeated work at most', async () => {
    const clean = await cleanSnapshot({}, writeHistory);
    const world = await createWorld();
    writeHistory(world);
    await world.sync();
    const damage = [
      () => rmSync(join(world.stateFolder, 'index.jsonl')),
      () => rmSync(join(world.stateFolder, 'one.json')),
      () => appendFileSync(join(world.stateFolder, 'index.jsonl'), '\0garbage\t\n'),
      () => appendFileSync(join(world.stateFolder, 'two.json'), '}'),
    ];
    for (const damaged of damage) {
      damaged();
      expect(await world.sync()).toMatchObject({ failed: 0 });
      expect(snapshot(world)).toEqual(clean.state);
    }
  });
});

describe('what the server refuses', () => {
  /** Refuses what holds the word. */
  const refuse = (world: World, word: string, path: string) => {
    const answer = { status: 500, body: '{"error":"Error: ArgumentValidationError: no"}' };
    world.server.fault = (request) =>
      request.path === path && JSON.stringify(request.body).includes(word)
        ? { when: 'before', answer }
        : undefined;
  };

  it('is set aside and reported, the rest goes on, and it is offered again only when it changed', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1'), prompt('m2', 'BAD', 1), prompt('m3', 'x', 2)], START - MINUTE);
    refuse(world, 'BAD', '/sync/message');
    expect(await world.sync()).toMatchObject({ sessions: 1, messagesSent: 2, poison: 1, failed: 0 });
    expect(world.notices.join()).toMatch(/tiny-tool:one:m2: the server refuses it and it was set aside/);
    world.newRequests();
    world.write('one', [prompt('m1'), prompt('m2', 'BAD', 1), prompt('m3', 'y', 2)], START);
    expect(await world.sync()).toMatchObject({ messagesSent: 1, poison: 0 });
    world.write('one', [prompt('m1'), prompt('m2', 'good', 1), prompt('m3', 'y', 2)], START + 1);
    expect(await world.sync()).toMatchObject({ messagesSent: 1, poison: 0 });
    expect(world.server.store.messages.get('tiny-tool:one:m2')?.textContent).toBe('good');
  });

  it('does not bring its messages along when it is a session, not even those that had to wait', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1'), { ...prompt('m2'), createdAt: START - 1_000 }, { title: 'BAD' }]);
    world.write('two', [prompt('m1')]);
    refuse(world, 'BAD', '/sync/session');
    expect(await world.sync()).toMatchObject({
      sessions: 2,
      sessionsSent: 1,
      messagesSent: 1,
      poison: 1,
      failed: 0,
    });
    expect((snapshot(world) as { externalId: string }[]).map(({ externalId }) => externalId)).toEqual([
      'two',
    ]);
    const source = { ...tinySource, version: '1.0.1' } as never;
    expect(await world.sync({}, { source })).toMatchObject({ messagesSent: 0, poison: 0 });
    world.server.fault = () => undefined;
    world.write('one', [prompt('m1'), prompt('m2', 'x', 1), { title: 'good' }], START + 1);
    expect(await world.sync()).toMatchObject({ sessionsSent: 1, messagesSent: 2 });
    expect(snapshot(world)).toMatchObject([{ externalId: 'one', title: 'good', source: 'tiny-tool' }, {}]);
  });

  it('holds nothing else back when it is an update of a session', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1')], START - MINUTE);
    await world.sync();
    refuse(world, 'BAD', '/sync/session');
    world.write('one', [prompt('m1'), prompt('m2', 'x', 1), { title: 'BAD' }], START);
    expect(await world.sync()).toMatchObject({ messagesSent: 1, poison: 1, failed: 0 });
    expect(world.server.store.messages.size).toBe(2);
  });
});

describe('stopping', () => {
  const fill = (world: World, count: number) => {
    for (let n = 0; n < count; n++) world.write(`s${n}`, [prompt('m1')], START - n * MINUTE);
  };

  it('happens at once when the key is wrong', async () => {
    const world = await createWorld();
    fill(world, 30);
    const { stopped, ...summary } = await world.sync({ concurrency: 1 }, { apiKey: 'osk_wrong' });
    expect(stopped?.kind).toBe('auth');
    expect(summary).toMatchObject({ sessions: 30, failed: 30, sessionsSent: 0 });
    expect(world.newRequests()).toEqual(['/sync/session']);
  });

  it('happens before anything is read when no server answers, with every session still waiting', async () => {
    const world = await createWorld();
    fill(world, 30);
    await world.server.close();
    const { stopped, ...summary } = await world.sync();
    expect(stopped?.kind).toBe('network');
    expect(summary).toMatchObject({ sessions: 30, failed: 30, unchanged: 0 });
    expect(world.notices).toEqual([]);
  });

  it('happens after a few attempts when the server goes away, and what waited is sent by the next run', async () => {
    const world = await createWorld();
    fill(world, 30);
    world.server.fault = ({ number }) => (number > 15 ? faults.overloaded : undefined);
    const first = await world.sync({ concurrency: 1 });
    expect(first).toMatchObject({
      sessions: 30,
      failed: 25,
      sessionsSent: 5,
      stopped: { kind: 'network', status: 503 },
    });
    // Five sessions, each with two calls of its own and a message; then three, five tries each.
    expect(world.newRequests()).toHaveLength(15 + 15);
    world.server.fault = () => undefined;
    expect(await world.sync()).toMatchObject({ sessions: 30, unchanged: 5, sessionsSent: 25, failed: 0 });
  });

  it('happens when the address turns out to be no OpenSync', async () => {
    const world = await createWorld();
    fill(world, 10);
    world.server.fault = () => ({ when: 'before', answer: { status: 404, body: 'Not Found' } });
    expect(await world.sync({ concurrency: 1 })).toMatchObject({ failed: 10, stopped: { kind: 'server' } });
    expect(world.newRequests()).toHaveLength(1);
  });

  it('does not happen for a few sessions that the server fails at, each time, with an error of its own', async () => {
    const world = await createWorld();
    fill(world, 12);
    world.server.fault = ({ body }) =>
      /^s[0-4]$/.test(body.externalId ?? '') ? faults.transient : undefined;
    const summary = await world.sync({ concurrency: 1 });
    expect(summary).toMatchObject({ sessions: 12, failed: 5, sessionsSent: 7, messagesSent: 7 });
    expect(summary).not.toHaveProperty('stopped');
  });

  it('does not happen while others get through in between', async () => {
    const world = await createWorld();
    fill(world, 12);
    world.server.fault = ({ body }) =>
      /^s[0369]$/.test(body.externalId ?? '') ? faults.overloaded : undefined;
    const summary = await world.sync({ concurrency: 1 });
    expect(summary).toMatchObject({ failed: 4, sessionsSent: 8 });
    expect(summary).not.toHaveProperty('stopped');
  });

  it('happens when the server answers everything with an error', async () => {
    const world = await createWorld();
    fill(world, 40);
    world.server.fault = () => faults.transient;
    expect(await world.sync()).toMatchObject({ sessions: 40, failed: 40, stopped: { status: 500 } });
    expect(world.newRequests().length).toBeLessThan(25 * 5);
  });
});

describe('two runs at once', () => {
  it.each<[string, HostedOptions]>([
    ['the hosted server', {}],
    ['a server that says it is safe', SAFE],
  ])('to %s share the work and end as one', async (_, options) => {
    const clean = await cleanSnapshot(options, writeHistory);
    const world = await createWorld(options);
    writeHistory(world);
    const summaries = await Promise.all([world.sync(), world.sync(), world.sync()]);
    expect(snapshot(world)).toEqual(clean.state);
    expect(world.server.inFlight).toBe(1);
    expect(summaries.every(({ failed }) => failed === 0)).toBe(true);
    expect(summaries.reduce((sum, { messagesSent }) => sum + messagesSent, 0)).toBe(10);
    expect(await world.sync()).toMatchObject({ unchanged: 3, messagesSent: 0 });
  });
});

describe('the first sync to a server with limits', () => {
  /** A hundred sessions in each file, of which all but one have nothing to show: they only count. */
  const source = {
    ...tinySource,
    transform: (records: never, raw: { id: string }) => {
      const [session] = tinySource.transform(records, raw);
      const empty = { messages: [], calls: [], uncounted: [], problems: [] };
      const subagents = Array.from({ length: 99 }, (_, n) => ({ ...empty, id: `${raw.id}/agent-${n}` }));
      return [session, ...subagents];
    },
  } as never;
  const fill = (world: World, count: number, from = 0) => {
    for (let n = from; n < count; n++) world.write(`s${n}`, [prompt('m1', 'x', n)], START - n * MINUTE);
  };
  const idsOn = ({ server }: World) =>
    [...server.store.sessions.values()].map(({ externalId }) => externalId);

  it('takes the newest 1,000, subagents included; older ones stay behind until they change or are asked for', async () => {
    const world = await createWorld();
    fill(world, 13);
    expect(await world.sync({}, { source })).toMatchObject({ sessions: 1_000, sessionsSent: 10, failed: 0 });
    expect(idsOn(world).sort()).toEqual(Array.from({ length: 10 }, (_, n) => `s${n}`).sort());
    expect(world.notices).toEqual([
      "First sync: 1300 sessions with 13 messages. This server's dashboard fails past about 1,600 sessions, so the newest 1000 are sent; --all sends everything.",
    ]);
    expect(await world.sync({}, { source })).toMatchObject({ sessionsSent: 0 });
    world.write('s11', [prompt('m1', 'goes on')], START);
    world.write('new', [prompt('m1')], START);
    expect(await world.sync({}, { source })).toMatchObject({ sessionsSent: 2 });
    expect(await world.sync({ all: true }, { source })).toMatchObject({ sessionsSent: 2 });
    expect(idsOn(world)).toHaveLength(14);
    expect(world.notices).toHaveLength(1);
  });

  it('follows a session further that it has a part of, however old it is', async () => {
    const world = await createWorld();
    fill(world, 13);
    const only = ({ id }: { id: string }) => id === 's12';
    expect(await world.sync({ only }, { source })).toMatchObject({ sessionsSent: 1 });
    world.write('s12', [prompt('m1', 'x', 12), prompt('m2', 'y', 13)], START - 12 * MINUTE + 1);
    expect(await world.sync({}, { source })).toMatchObject({ sessionsSent: 11 });
  });

  it('is not decided by the one session that a hook sent before', async () => {
    const world = await createWorld();
    fill(world, 13);
    const path = join(world.home, '.tiny', 's0.jsonl');
    const onNotice = (text: string) => world.notices.push(text);
    await syncFile(world.context(source), path, { onNotice });
    expect(world.notices).toEqual([]);
    await world.sync({}, { source });
    expect(idsOn(world)).toHaveLength(11);
    expect(world.notices).toHaveLength(1);
  });

  it('takes everything later on when all of it was asked for once', async () => {
    const world = await createWorld();
    fill(world, 13);
    world.server.fault = ({ number }) => (number > 3 ? faults.unreachable : undefined);
    await world.sync({ all: true }, { source });
    world.server.fault = () => undefined;
    expect(await world.sync({}, { source })).toMatchObject({ failed: 0 });
    expect(idsOn(world)).toHaveLength(13);
  });

  it('goes on where it was interrupted', async () => {
    const world = await createWorld();
    fill(world, 13);
    world.server.fault = ({ number }) => (number > 7 ? faults.unreachable : undefined);
    await world.sync({}, { source });
    world.server.fault = () => undefined;
    await world.sync({}, { source });
    expect(idsOn(world)).toHaveLength(10);
  });

  it('is not limited for a server that takes any number, nor for a short history', async () => {
    const world = await createWorld(SAFE);
    fill(world, 13);
    expect(await world.sync({}, { source })).toMatchObject({ sessionsSent: 13 });
    expect(world.notices).toEqual([]);
    const small = await createWorld();
    fill(small, 10);
    expect(await small.sync({}, { source })).toMatchObject({ sessionsSent: 10 });
    expect(small.notices).toEqual(['First sync: 1000 sessions with 10 messages.']);
    small.write('old', [prompt('m1')], START - 1_000 * MINUTE);
    expect(await small.sync({}, { source })).toMatchObject({ sessionsSent: 1 });
  });
});

describe('a session', () => {
  it('that cannot be read fails alone and is tried again', async () => {
    const world = await createWorld();
    writeHistory(world);
    world.write('broken', [prompt('m1')], START);
    // Its file disappears between discovery and reading.
    const sessions: typeof tinySource.sessions = function* (files, env) {
      for (const raw of tinySource.sessions(files, env)) {
        const gone = () => jsonl(join(world.home, 'gone.jsonl'), { report: () => undefined });
        yield raw.id === 'broken' ? { ...raw, load: gone } : raw;
      }
    };
    const changes = { source: { ...tinySource, sessions } as never };
    expect(await world.sync({}, changes)).toMatchObject({ sessions: 4, sessionsSent: 3, failed: 1 });
    expect(world.notices.join()).toMatch(/broken: Cannot read .*gone\.jsonl/);
    expect(await world.sync({}, changes)).toMatchObject({ sessions: 4, unchanged: 3, failed: 1 });
    expect(await world.sync()).toMatchObject({ sessions: 4, unchanged: 3, sessionsSent: 1, failed: 0 });
  });

  it('whose records make the reader throw fails alone, on a first sync too', async () => {
    const world = await createWorld();
    writeHistory(world);
    const transform: typeof tinySource.transform = (records, raw) => {
      if (raw.id === 'two') throw new TypeError('a bug');
      return tinySource.transform(records, raw);
    };
    const summary = await world.sync({}, { source: { ...tinySource, transform } as never });
    expect(summary).toMatchObject({ sessions: 3, sessionsSent: 2, failed: 1 });
    expect(world.notices).toContain('two: a bug');
  });

  it('with a message younger than the window waits for it, by the clock of the server', async () => {
    for (const skew of [0, 90_000, -90_000]) {
      const clock = { now: START };
      const world = await createWorld({ now: () => world.clock.now + skew });
      clock.now = START + skew;
      world.write('one', [prompt('m1'), { ...prompt('m2'), createdAt: clock.now - 1_000 }]);
      expect(await world.sync()).toMatchObject({ messagesSent: 2, failed: 0 });
      expect(world.clock.now - START).toBe(4_200);
      expect(world.server.store.messages.get('tiny-tool:one:m2')?.createdAt).toBe(clock.now - 1_000);
      await world.server.close();
    }
  });

  it('does not wait for a server that applies updates at once', async () => {
    const world = await createWorld(SAFE);
    world.write('one', [{ ...prompt('m1'), createdAt: START }]);
    expect(await world.sync()).toMatchObject({ messagesSent: 1 });
    expect(world.clock.now).toBe(START);
  });

  it('with nothing to show is not sent', async () => {
    const world = await createWorld();
    world.write('empty', []);
    expect(await world.sync()).toMatchObject({ sessions: 1, unchanged: 1, sessionsSent: 0 });
    expect(world.newRequests()).toEqual([]);
  });

  it('above the limits of the hosted server goes on in a second one, and as one where there are none', async () => {
    const lines = Array.from({ length: 4_001 }, (_, n) => prompt(`m${n}`, `${n}`, n));
    for (const [options, sessions] of [
      [{ capabilities: ['batch', 'immediate-updates'] }, ['one', 'one:2']],
      [SAFE, ['one']],
    ] as [HostedOptions, string[]][]) {
      const world = await createWorld(options);
      world.write('one', lines);
      expect(await world.sync()).toMatchObject({
        sessions: 1,
        sessionsSent: sessions.length,
        messagesSent: 4_001,
      });
      expect((snapshot(world) as { externalId: string }[]).map(({ externalId }) => externalId)).toEqual(
        sessions,
      );
      expect(await world.sync()).toMatchObject({ sessions: 1, unchanged: 1 });
    }
  });

  it('counts as sent or unchanged by itself, whatever is sent beside it', async () => {
    const world = await createWorld();
    for (let n = 0; n < 20; n++) world.write(`s${n}`, [prompt('m1')], START - n * MINUTE);
    await world.sync();
    for (let n = 0; n < 20; n += 2) world.write(`s${n}`, [prompt('m1'), prompt('m2', 'x', n)], START + n);
    const source = { ...tinySource, version: '1.0.1' } as never;
    const summary = await world.sync({ concurrency: 8 }, { source });
    expect(summary).toMatchObject({ sessions: 20, unchanged: 10, messagesSent: 10, failed: 0 });
  });
});

describe('syncFile', () => {
  it('syncs the session that the file belongs to, by whatever way it is named, and no other', async () => {
    const world = await createWorld();
    writeHistory(world);
    const link = `${world.home}-link`;
    symlinkSync(world.home, link);
    try {
      const summary = await syncFile(
        world.context(tinySource),
        join(link, '.tiny', '..', '.tiny', 'two.jsonl'),
      );
      expect(summary).toMatchObject({ sessions: 1, sessionsSent: 1 });
      expect(snapshot(world)).toMatchObject([{ externalId: 'two' }]);
    } finally {
      rmSync(link);
    }
  });

  it('does nothing for a file that is not of the source or is gone', async () => {
    const world = await createWorld();
    writeHistory(world);
    for (const path of [fileURLToPath(import.meta.url), join(world.home, '.tiny', 'gone.jsonl')]) {
      expect(await syncFile(world.context(tinySource), path)).toMatchObject({ sessions: 0, failed: 0 });
    }
    expect(world.server.requests).toEqual([]);
  });
});

describe('syncHistory', () => {
  it('goes from the newest session to the oldest, tells how far it is, and takes only what it is asked for', async () => {
    const world = await createWorld();
    writeHistory(world);
    const progress: string[] = [];
    const only = ({ id }: { id: string }) => id !== 'two';
    await world.sync({
      only,
      concurrency: 1,
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    const sessions = world.server.requests.filter(({ body }) => body?.title !== undefined);
    expect(sessions.map(({ body }) => body.externalId)).toEqual(['three', 'one']);
    expect(progress).toEqual(['1/2', '2/2']);
  });

  it('keeps the accounts of one machine apart, on the server too', async () => {
    const world = await createWorld({ users: { [API_KEY]: 'a', osk_other: 'b' } });
    world.write('one', [prompt('m1')]);
    await world.sync();
    const second = world.context(tinySource, { apiKey: 'osk_other' });
    const client = createClient({ url: world.server.url, apiKey: 'osk_other', now: () => world.clock.now });
    expect(await syncHistory({ ...second, client })).toMatchObject({ sessionsSent: 1 });
    expect(world.server.store.sessions.size).toBe(2);
  });

  it('sends neither its own key nor another secret that a transcript holds', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1', `the key is ${API_KEY} and ghp_${'a1B2'.repeat(9)}`)]);
    await world.sync();
    const bodies = JSON.stringify(world.server.requests);
    expect(bodies).toContain('the key is');
    expect(bodies).not.toContain(API_KEY);
    expect(bodies).not.toContain('ghp_a1B2');
  });
});
