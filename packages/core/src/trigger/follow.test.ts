import { appendFileSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { tinySource } from '../../test/tiny-source.js';
import { createWorld, prompt, type World } from '../../test/world.js';
import type { Source } from '../source.js';
import type { SyncContext } from '../sync.js';
import { type FollowOptions, follow } from './follow.js';

/** Long enough for a busy machine: nothing here is measured. */
const PATIENCE_MS = 20_000;

async function messagesOf({ server }: World, wanted: number): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  while (server.store.messages.size !== wanted && performance.now() < until) await sleep(20);
  return server.store.messages.size;
}

/** Follows in the background until the test is over. */
function start(world: World, options: Partial<FollowOptions> = {}, contextOf = contextsOf(world)) {
  const controller = new AbortController();
  const ended = follow(tinySource.files({ home: world.home, vars: {}, now: Date.now }), contextOf, {
    signal: controller.signal,
    onNotice: (text) => world.notices.push(text),
    ...options,
  });
  onTestFinished(async () => {
    controller.abort();
    await ended;
  });
  return { controller, ended };
}

function contextsOf(world: World): () => SyncContext | undefined {
  return () => world.context(tinySource as Source);
}

it('sends what is there, what is appended, what is new, and what was replaced by a rename', async () => {
  const world = await createWorld();
  const file = world.write('a', [prompt('1')]);
  start(world);
  expect(await messagesOf(world, 1)).toBe(1);
  appendFileSync(file, `${JSON.stringify(prompt('2', 'two', 10))}\n`);
  expect(await messagesOf(world, 2)).toBe(2);
  world.write('b', [prompt('3')]);
  expect(await messagesOf(world, 3)).toBe(3);
  const aside = join(world.home, 'aside');
  writeFileSync(
    aside,
    [prompt('1'), prompt('2', 'two', 10), prompt('4', 'four', 20)]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  renameSync(aside, file);
  expect(await messagesOf(world, 4)).toBe(4);
  appendFileSync(file, `${JSON.stringify(prompt('5', 'five', 30))}\n`);
  expect(await messagesOf(world, 5)).toBe(5);
});

it('finds a folder that comes to be after something else woke it', async () => {
  const world = await createWorld();
  let ring: (() => void) | undefined;
  start(world, {
    listen(onEvent) {
      ring = onEvent;
      return () => undefined;
    },
  });
  await sleep(150);
  world.write('a', [prompt('1')]);
  ring?.();
  expect(await messagesOf(world, 1)).toBe(1);
});

it('sends an old history as well, and what is being worked on first', async () => {
  const world = await createWorld();
  const longAgo = Date.now() - 30 * 24 * 3_600_000;
  for (let i = 0; i < 20; i++) world.write(`old-${i}`, [prompt(`o${i}`)], longAgo + i * 1000);
  world.write('now', [prompt('n')]);
  start(world);
  expect(await messagesOf(world, 21)).toBe(21);
  expect([...world.server.store.messages.keys()][0]).toContain('now');
});

it('ends when nothing happens for long enough, and not while something does', async () => {
  const world = await createWorld();
  const file = world.write('a', [prompt('1')]);
  const { ended } = start(world, { idleMs: 2_000 });
  for (let i = 2; i < 7; i++) {
    // Together longer than the idle time.
    await sleep(500);
    appendFileSync(file, `${JSON.stringify(prompt(String(i), 'x', i))}\n`);
  }
  await ended;
  expect(world.server.store.messages.size).toBe(6);
});

it('ends when it is told to', async () => {
  const world = await createWorld();
  const { controller, ended } = start(world);
  await sleep(50);
  controller.abort();
  await ended;
});

it('tells of a failure, goes on, and sends it later', async () => {
  const world = await createWorld();
  const file = world.write('a', [prompt('1')]);
  let isDown = true;
  const down: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));
  start(world, {}, () => world.context(tinySource as Source, isDown ? { fetch: down } : {}));
  for (let i = 0; world.notices.length === 0 && i < 100; i++) await sleep(20);
  expect(world.notices.join()).toMatch(/Cannot reach|fetch failed/);
  isDown = false;
  utimesSync(file, new Date(), new Date());
  expect(await messagesOf(world, 1)).toBe(1);
});

it('begins when somebody signs in', async () => {
  const world = await createWorld();
  world.write('a', [prompt('1')]);
  let isSignedIn = false;
  start(world, {}, () => (isSignedIn ? world.context(tinySource as Source) : undefined));
  await sleep(100);
  expect(world.server.store.messages.size).toBe(0);
  isSignedIn = true;
  mkdirSync(join(world.home, '.tiny'), { recursive: true });
  writeFileSync(join(world.home, '.tiny/b.jsonl'), `${JSON.stringify(prompt('2'))}\n`);
  expect(await messagesOf(world, 2)).toBe(2);
});
