import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { API_KEY } from '../../test/hosted-server.js';
import { tinySource } from '../../test/tiny-source.js';
import { createWorld, prompt } from '../../test/world.js';
import { createCli } from './create-cli.js';

it('is told by status and doctor that a server which took sessions holds none any more', async () => {
  const world = await createWorld();
  const vars = { OPENSYNC_URL: world.server.url, OPENSYNC_API_KEY: API_KEY };
  const run = async (...args: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const env = { home: world.home, vars, now: () => world.clock.now };
    await createCli(tinySource).run(args, { env, stdout, stderr });
    return String(stdout.read());
  };
  const isEmptied = async () => JSON.parse(await run('status', '--json')).serverEmptied;
  world.write('one', [prompt('1')]);
  expect(await isEmptied()).toBe(false);
  await run('sync');
  expect(await isEmptied()).toBe(false);

  world.server.store.sessions.clear();
  expect(await isEmptied()).toBe(true);
  expect(await run('sync')).toContain('1 unchanged');
  const remedy = '"tiny-tool-sync sync --force"';
  expect(await run('status')).toContain(`${remedy} sends all again.`);
  expect(await run('doctor')).toContain(`it was emptied or replaced\n         Run ${remedy}`);

  await run('sync', '--force');
  expect(await isEmptied()).toBe(false);
});
