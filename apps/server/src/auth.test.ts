import { expect, it } from 'vitest';
import { testApp } from '../test/support.js';
import { addUser } from './keys.js';
import { createLimits, type Rate } from './rate-limit.js';

/** An app whose clock stands, and whose requests note how long they wait instead of waiting. */
function appWith(rates: { strangers?: Rate; user?: Rate }) {
  const clock = { now: 0 };
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const app = testApp(createLimits({ ...rates, now: () => clock.now, sleep }));
  const ask = (path: string, key?: string, raw?: string) =>
    app.as(key).call(raw === undefined ? 'GET' : 'POST', path, { raw });
  return { ...app, other: addUser(app.db, 'other', 0), ask, clock, waits };
}

const PROTECTED = ['/api/sessions', '/page/sessions', '/sync/sessions/list'];

it('answers bad keys with 429 when they come too often, and a good one all the same', async () => {
  const { ask, clock, key } = appWith({ strangers: { burst: 6, perSecond: 2 } });
  const guesses = ['osk_wrong', 'nonsense', ''];
  for (const path of PROTECTED.slice(0, 2))
    for (const guess of guesses) expect((await ask(path, guess)).status).toBe(401);
  for (const path of PROTECTED) {
    const refused = await ask(path, 'osk_wrong');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await ask(path)).status).toBe(429);
    expect((await ask(path, key)).status).toBe(200);
  }
  clock.now += 500;
  expect((await ask('/api/sessions', 'osk_wrong')).status).toBe(401);
});

it('lets a user who sends too fast wait, refuses only what would wait long, and leaves others alone', async () => {
  const { ask, waits, key, other } = appWith({ user: { burst: 2, perSecond: 1 } });
  const send = async (number: number) => ask('/sync/session', key, `{"externalId":"s${number}"}`);
  for (const number of [0, 1, 2, 3]) expect((await send(number)).status).toBe(200);
  expect(waits).toEqual([1000, 2000]);
  const refused = await send(4);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await ask('/page/sessions', key)).status).toBe(429);
  const listed = await ask('/sync/sessions/list', other);
  expect(listed.status).toBe(200);
});

it('does not limit health and the page, which ask for no key', async () => {
  const { ask } = appWith({ strangers: { burst: 1, perSecond: 1 } });
  for (let index = 0; index < 20; index++)
    for (const path of ['/health', '/']) expect((await ask(path)).status).toBe(200);
});
