import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { finish, serve } from './command.js';
import { client } from './support.js';

it('says where everything is, never the key, and stops on both signals', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const home = temporaryDirectory();
    const server = await serve(home);
    expect(server.db).toBe(join(home, '.opensync', 'opensync.db'));
    expect(server.pid).toBe(server.child.pid);
    for (const text of [server.url, server.db, join(home, '.opensync', 'server.json'), '#token=']) {
      expect(server.output()).toContain(text);
    }
    expect(server.output()).not.toContain(server.apiKey);
    expect(server.output()).not.toMatch(/warning/i);
    await server.api.session({ externalId: 's' });
    server.child.kill(signal);
    expect(await server.ended).toBe(0);
    expect(existsSync(`${server.db}-wal`)).toBe(false);
  }
});

it('takes port and database from the environment, and flags before them', async () => {
  const home = temporaryDirectory();
  const variables = { PORT: '0', OPENSYNC_DB: join(home, 'env.db') };
  expect((await serve(home, [], variables)).db).toBe(join(home, 'env.db'));
  const flag = join(home, 'flag.db');
  expect((await serve(home, ['--db', flag], variables)).db).toBe(flag);
});

it('adds a user while the server runs, and lists names without keys', async () => {
  const home = temporaryDirectory();
  const server = await serve(home);
  const added = await finish(home, ['keys', 'add', 'laptop']);
  const key = /osk_[0-9a-f]{64}/.exec(added.output)?.[0];
  expect(added.code).toBe(0);
  await server.api.session({ externalId: 'mine' });
  const laptop = client(server.url, key);
  expect((await laptop.get('/sync/sessions/list')).json).toEqual({ sessionIds: [] });
  const listed = await finish(home, ['keys', 'list']);
  expect(listed.output).toMatch(/^\d{4}-\d\d-\d\d {2}owner\n\d{4}-\d\d-\d\d {2}laptop\n$/);
  const again = await finish(home, ['keys', 'add', 'laptop']);
  expect(again).toEqual({ code: 1, output: expect.stringContaining('already') });
});

it.each([[['--port', 'x']], [['--port', '70000']], [['--nope']], [['nope']], [['keys', 'add']]])(
  'exits with 2 on %j',
  async (args) => {
    const { code, output } = await finish(temporaryDirectory(), args);
    expect(code).toBe(2);
    expect(output).toContain('error:');
  },
);

it('exits with 1 and a reason when it cannot start', async () => {
  const home = temporaryDirectory();
  const { url } = await serve(home);
  const port = new URL(url).port;
  expect(await finish(home, ['--port', port])).toEqual({
    code: 1,
    output: `error: Port ${port} on 127.0.0.1 is in use. Choose another with --port, or 0 for any free one.\n`,
  });
  const remote = await finish(home, ['--host', '0.0.0.0']);
  expect(remote).toEqual({ code: 1, output: expect.stringContaining('--allow-remote') });
  const directory = await finish(home, ['--db', home]);
  expect(directory).toEqual({ code: 1, output: expect.stringContaining('Cannot open the database') });
});

it('prints version and help', async () => {
  const home = temporaryDirectory();
  expect(await finish(home, ['--version'])).toEqual({
    code: 0,
    output: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
  const help = await finish(home, ['--help']);
  expect(help).toEqual({ code: 0, output: expect.stringContaining('Examples:') });
  expect(existsSync(join(home, '.opensync'))).toBe(false);
});

it('goes on when nobody reads its output any more, also when there is something to tell', async () => {
  const home = temporaryDirectory();
  const server = await serve(home, ['--port', '0'], {}, 'ulimit -f 4096');
  for (const stream of [server.child.stdout, server.child.stderr]) stream?.destroy();
  const parts = [{ type: 'x', content: 'x'.repeat(1e6) }];
  const send = (number: number) =>
    server.api.message({ sessionExternalId: 's', externalId: `${number}`, parts });
  const statuses = new Set<number>();
  for (let number = 0; number < 8; number++) statuses.add((await send(number)).status);
  expect([...statuses]).toEqual([200, 507]);
  expect((await server.api.get('/health')).status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
});
