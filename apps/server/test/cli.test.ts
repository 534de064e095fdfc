import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { readServerFile } from '../src/server-file.js';
import { client, temporaryDirectory } from './support.js';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
if (!existsSync(CLI)) throw new Error('The command is not built: run the build first.');

interface Running {
  child: ChildProcess;
  /** All that it printed so far, both streams. */
  output(): string;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
}

function run(home: string, args: string[], variables: Record<string, string> = {}): Running {
  const { PORT: _port, OPENSYNC_DB: _db, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, USERPROFILE: home, ...variables };
  const child = spawn(process.execPath, [CLI, ...args], { env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output: () => text, ended };
}

async function finish(home: string, args: string[], variables?: Record<string, string>) {
  const { ended, output } = run(home, args, variables);
  return { code: await ended, output: output() };
}

/** Started and listening: it says so when everything else is done. */
async function serve(home: string, args: string[] = ['--port', '0'], variables?: Record<string, string>) {
  const running = run(home, args, variables);
  await new Promise<void>((resolve, reject) => {
    running.child.stdout?.on('data', () => running.output().includes('Ctrl-C') && resolve());
    void running.ended.then(() => reject(new Error(`It did not start: ${running.output()}`)));
  });
  const file = readServerFile(home);
  if (!file) throw new Error('There is no server.json.');
  return { ...running, ...file, api: client(file.url, file.apiKey) };
}

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

it('keeps everything it acknowledged when it is killed in the middle of writing', async () => {
  const home = temporaryDirectory();
  const server = await serve(home);
  const acknowledged: string[] = [];
  const write = async (writer: number) => {
    for (let number = 0; ; number++) {
      const externalId = `${writer}-${number}`;
      const item = {
        sessionExternalId: `s${writer}`,
        externalId,
        role: 'user',
        textContent: 'x'.repeat(5000),
      };
      const answer =
        writer === 0 ? await server.api.batch({ messages: [item] }) : await server.api.message(item);
      if (answer.status === 200) acknowledged.push(externalId);
      if (acknowledged.length === 100) server.child.kill('SIGKILL');
    }
  };
  await Promise.allSettled([0, 1, 2, 3].map(write));
  expect(await server.ended).toBe('SIGKILL');
  expect(acknowledged.length).toBeGreaterThanOrEqual(100);

  const again = await serve(home);
  expect(again.apiKey).toBe(server.apiKey);
  const { json } = await again.api.get('/api/sessions');
  const stored = new Set<string>();
  for (const { id } of json.sessions) {
    const { session, messages } = await again.api.read(id);
    expect(session.messageCount).toBe(messages.length);
    for (const message of messages) stored.add(message.externalId);
  }
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
});
