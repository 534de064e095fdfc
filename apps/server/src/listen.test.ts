import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { expect, it, onTestFinished } from 'vitest';
import { type Listener, listen, TIMEOUTS } from './listen.js';

const LARGE = 64 * 1024 * 1024;

async function start(timeouts: Partial<typeof TIMEOUTS>): Promise<Listener> {
  const app = new Hono()
    .get('/', (context) => context.text('here'))
    .get('/large', (context) => context.body(new Uint8Array(LARGE)))
    .post('/', async (context) => context.text(await context.req.text().catch(() => '')));
  const listener = await listen(app, '127.0.0.1', 0, {
    ...TIMEOUTS,
    connectionsCheckingInterval: 20,
    ...timeouts,
  });
  onTestFinished(() => listener.close());
  return listener;
}

/** What a client was told that sends this and no more, once the server has closed its connection. */
function hold(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk));
    socket.on('error', () => undefined).on('close', () => resolve(answer));
  });
}

it.each([
  ['says nothing', ''],
  ['stops in the middle of its headers', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: '],
])('closes the connection of a client that %s', async (_, text) => {
  const { port } = await start({ headersTimeout: 50, requestTimeout: 50 });
  expect(await hold(port, text)).toMatch(/^HTTP\/1\.1 408 /);
});

it('closes the connection of a client that stops in the middle of its body', async () => {
  const { port } = await start({ headersTimeout: 50, requestTimeout: 50 });
  const head = 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n';
  expect(await hold(port, `${head}abc`)).not.toContain('200 OK');
});

it('closes the connection of a client that does not read its answer', async () => {
  const { port } = await start({ idleTimeout: 50 });
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await new Promise((resolve) => socket.once('readable', resolve));
  await sleep(1000);
  let bytes = 0;
  socket.on('data', (chunk) => (bytes += chunk.length));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(bytes).toBeLessThan(LARGE);
});

it('takes no more connections than it has places for, and goes on when there are some again', async () => {
  const { port } = await start({});
  const sockets = Array.from({ length: 500 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  expect(await hold(port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())),
  );
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.status,
        () => 0,
      ),
    )
    .toBe(200);
});
