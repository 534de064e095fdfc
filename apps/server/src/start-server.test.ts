import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { client } from '../test/support.js';
import { readServerFile, serverFilePath } from './server-file.js';
import { type RunningServer, type ServerOptions, startServer } from './start-server.js';

/** Closed after the test, unless the test does. */
async function start(options: ServerOptions): Promise<RunningServer> {
  const server = await startServer({ port: 0, ...options });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= server.close();
    return closing;
  };
  onTestFinished(close);
  return { ...server, close };
}

it('leaves URL and key in server.json, and keeps data, ids and key over a restart', async () => {
  const home = temporaryDirectory();
  const db = join(home, 'a.db');
  const first = await start({ db, home });
  expect(readServerFile(home)).toEqual({ url: first.url, apiKey: first.apiKey, pid: process.pid, db });
  const stored = await client(first.url, first.apiKey).session({ externalId: 's', title: 'kept' });
  await first.close();

  const second = await start({ db, home });
  expect(second.apiKey).toBe(first.apiKey);
  expect(readServerFile(home)?.url).toBe(second.url);
  const { session } = await client(second.url, second.apiKey).read(stored.json.sessionId);
  expect(session.title).toBe('kept');
});

it('adds a key for the first user when server.json is lost, broken or of another database', async () => {
  const home = temporaryDirectory();
  const db = join(home, 'a.db');
  const first = await start({ db, home });
  await client(first.url, first.apiKey).session({ externalId: 's' });
  await first.close();
  mkdirSync(join(home, '.opensync'), { recursive: true });
  const foreign = JSON.stringify({ url: 'http://127.0.0.1:1', apiKey: 'osk_other', pid: 1, db: '/b.db' });
  for (const text of ['', '{', foreign]) {
    writeFileSync(serverFilePath(home), text);
    const next = await start({ db, home });
    const { json } = await client(next.url, next.apiKey).get('/sync/sessions/list');
    expect(json).toEqual({ sessionIds: ['s'] });
    expect(readServerFile(home)?.apiKey).toBe(next.apiKey);
    await next.close();
  }
});

it('gives server.json back to another server that still runs, and not to one that has ended', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.opensync'), { recursive: true });
  const other = { url: 'http://127.0.0.1:1', apiKey: 'osk_other', pid: process.ppid, db: '/b.db' };
  for (const [pid, expected] of [
    [process.ppid, other.url],
    // No system gives out process ids so high.
    [2 ** 30, undefined],
  ] as const) {
    writeFileSync(serverFilePath(home), JSON.stringify({ ...other, pid }));
    const server = await start({ db: join(home, 'a.db'), home });
    expect(readServerFile(home)?.url).toBe(server.url);
    await server.close();
    expect(readServerFile(home)?.url).toBe(expected ?? server.url);
  }
});

it('says that a port it was asked for is in use, and leaves server.json alone', async () => {
  const home = temporaryDirectory();
  const taken = await start({ db: join(home, 'a.db'), home });
  const again = startServer({ db: join(home, 'b.db'), home, port: taken.port });
  await expect(again).rejects.toThrow(
    `Port ${taken.port} on 127.0.0.1 is in use. Choose another with --port`,
  );
  expect(readServerFile(home)?.url).toBe(taken.url);
});

it('takes another port when none was asked for and the usual one is in use', async () => {
  const holder = createServer().on('error', () => undefined);
  holder.listen(4747, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve).once('error', resolve));
  onTestFinished(() => void holder.close());
  const server = await start({ db: join(temporaryDirectory(), 'a.db'), port: undefined });
  expect(server.port).not.toBe(4747);
  expect((await client(server.url).get('/health')).status).toBe(200);
});

it('refuses to listen for other machines unless that is allowed', async () => {
  const db = join(temporaryDirectory(), 'a.db');
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.org', '127.0.0.1.example.org']) {
    await expect(startServer({ db, port: 0, host })).rejects.toThrow('--allow-remote');
  }
  const server = await start({ db, host: '0.0.0.0', allowRemote: true });
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
});

it('lets two servers share a database and loses nothing that eight clients send at once', async () => {
  const db = join(temporaryDirectory(), 'a.db');
  const servers = [await start({ db }), await start({ db })];
  const send = async (number: number) => {
    const server = servers[number % 2];
    if (!server) throw new Error('no server');
    const { message, batch } = client(server.url, server.apiKey);
    for (let index = 0; index < 25; index++) {
      const item = { sessionExternalId: `s${index % 3}`, externalId: `${number}-${index}`, role: 'user' };
      const answer = index % 5 === 0 ? await batch({ messages: [item] }) : await message(item);
      expect(answer.status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => send(number)));
  for (const { url, apiKey } of servers) {
    expect((await client(url, apiKey).get('/api/stats')).json).toMatchObject({
      sessionCount: 3,
      messageCount: 200,
    });
  }
});

it('closes although a client holds its connection open in the middle of a request', async () => {
  const server = await start({ db: join(temporaryDirectory(), 'a.db') });
  const socket = await new Promise<Socket>((resolve) => {
    const opened = connect(server.port, '127.0.0.1', () => resolve(opened));
  });
  const ended = new Promise((resolve) => socket.once('close', resolve).on('error', () => undefined));
  socket.resume();
  socket.write('POST /sync/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{');
  await client(server.url).get('/health');
  await server.close();
  await ended;
  await expect(client(server.url).get('/health')).rejects.toThrow();
});
