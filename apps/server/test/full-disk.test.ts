import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { serve } from './command.js';
import { contradictions } from './consistency.js';
import { type Client, testApp } from './support.js';

/**
 * A folder on a small file system, to be filled for real:
 * `mount -t tmpfs -o size=8m tmpfs /mnt/small`, then `FULL_DISK=/mnt/small npm test -- apps/server/test/full-disk.test.ts`
 */
const SMALL_DISK = process.env.FULL_DISK;

const body = (externalId: string) => ({
  sessionExternalId: 's',
  externalId,
  role: 'user',
  textContent: `word${externalId} ${'lorem ipsum '.repeat(300)}`,
});

/** Sends messages until one is refused; ids of those that were taken. */
async function fill(api: Client): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const externalId = `m${taken.length}`;
    const answer = await api.message(body(externalId));
    if (answer.status !== 200) {
      expect([answer.status, answer.json.error]).toEqual([507, expect.stringMatching(/disk.*Send it again/)]);
      return taken;
    }
    taken.push(externalId);
  }
}

async function expectReadable(api: Client, id: string, taken: string[]): Promise<void> {
  const { session, messages } = await api.read(id);
  expect(messages.map((message) => message.externalId)).toEqual(taken);
  expect(session.messageCount).toBe(taken.length);
  expect(await api.search(`word${taken.at(-1)}`)).toEqual(['s']);
}

/** Too large for what may be left over. */
const large = (externalId: string) => ({
  ...body(externalId),
  parts: [{ type: 'x', content: 'x'.repeat(1e6) }],
});

it('refuses what does not fit into a database that may not grow, and takes it once it may', async () => {
  const { db, file, close, as, key } = testApp();
  const api = as(key);
  const { sessionId } = (await api.session({ externalId: 's' })).json;
  db.get('PRAGMA max_page_count = 200');
  const taken = await fill(api);
  expect(taken.length).toBeGreaterThan(5);
  await expectReadable(api, sessionId, taken);
  const batch = { sessions: [{ externalId: 't', title: 'wordt' }], messages: [body('b'), large('c')] };
  expect((await api.batch(batch)).status).toBe(507);
  await expectReadable(api, sessionId, taken);
  expect(await api.search('wordt')).toEqual([]);

  db.get('PRAGMA max_page_count = 100000');
  expect((await api.batch(batch)).json).toMatchObject({ sessions: 1, messages: 2 });
  await expectReadable(api, sessionId, [...taken, 'b', 'c']);
  close();
  expect(contradictions(file)).toEqual([]);
});

it('still answers when the system lets its files grow no more, and has all of it when it may again', async () => {
  const home = temporaryDirectory();
  const limited = await serve(home, ['--port', '0'], {}, 'ulimit -f 4096');
  const { sessionId } = (await limited.api.session({ externalId: 's' })).json;
  const taken = await fill(limited.api);
  await expectReadable(limited.api, sessionId, taken);
  limited.child.kill('SIGKILL');
  await limited.ended;
  expect(contradictions(limited.db)).toEqual([]);
  const { api } = await serve(home);
  await expectReadable(api, sessionId, taken);
  expect((await api.message(large('later'))).status).toBe(200);
  await expectReadable(api, sessionId, [...taken, 'later']);
});

if (SMALL_DISK !== undefined) {
  it('still answers when the disk is full, and goes on when there is space again', async () => {
    const ballast = join(SMALL_DISK, 'ballast');
    writeFileSync(ballast, Buffer.alloc(4 * 2 ** 20));
    const server = await serve(temporaryDirectory(), ['--port', '0', '--db', join(SMALL_DISK, 'a.db')]);
    const { sessionId } = (await server.api.session({ externalId: 's' })).json;
    const taken = await fill(server.api);
    await expectReadable(server.api, sessionId, taken);
    rmSync(ballast);
    expect((await server.api.message(large('later'))).status).toBe(200);
    await expectReadable(server.api, sessionId, [...taken, 'later']);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(contradictions(server.db)).toEqual([]);
  });
}
