import { request } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { client, testServer } from '../test/support.js';
import { isLoopback } from './guard.js';
import { startServer } from './start-server.js';

/** fetch does not let a caller choose the Host header. */
function statusFor(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '[::1]', '::1'])(
  'counts %s as this machine',
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);

it.each(['', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '0.0.0.0', '10.0.0.1'])(
  'does not count %j as this machine',
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);

it('refuses a name that was re-pointed to this machine, on every path and with a good key', async () => {
  const { server } = await testServer();
  const authorization = `Bearer ${server.apiKey}`;
  for (const path of ['/', '/health', '/api/sessions', '/page/sessions']) {
    const status = (host: string) => statusFor(server.url + path, { host, authorization });
    expect(await status('evil.example')).toBe(403);
    expect(await status(`evil.example:${server.port}`)).toBe(403);
    expect(await status('localhost:1234')).toBe(200);
  }
});

it('refuses requests of other pages, but for health', async () => {
  const server = await testServer();
  const status = async (origin: string, path: string) =>
    (await server.call('GET', path, { headers: { origin } })).status;
  const foreign = [
    'https://evil.example',
    'null',
    `http://127.0.0.1:${server.server.port + 1}`,
    'http://localhost',
  ];
  for (const origin of foreign) {
    expect([origin, await status(origin, '/api/sessions')]).toEqual([origin, 403]);
    expect([origin, await status(origin, '/health')]).toEqual([origin, 200]);
  }
  expect(await status(server.server.url, '/api/sessions')).toBe(200);
});

it('answers no preflight', async () => {
  const server = await testServer();
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const answer = await server.call('OPTIONS', '/sync/session', { headers });
  expect(answer.status).toBe(403);
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
});

it('answers to any name once remote use is allowed, and still not to other pages', async () => {
  const server = await startServer({ db: join(temporaryDirectory(), 'a.db'), port: 0, allowRemote: true });
  onTestFinished(() => server.close());
  const status = (headers: Record<string, string>) =>
    statusFor(`${server.url}/api/sessions`, { authorization: `Bearer ${server.apiKey}`, ...headers });
  expect(await status({ host: 'box.example:4747' })).toBe(200);
  expect(await status({ host: 'box.example', origin: 'https://box.example' })).toBe(200);
  expect(await status({ host: 'box.example', origin: 'https://evil.example' })).toBe(403);
  for (const path of ['/api/sessions', '/page/sessions', '/sync/sessions/list'])
    expect(await statusFor(server.url + path, { host: 'box.example' })).toBe(401);
});

it('marks every answer as private and of the type it says', async () => {
  const { server } = await testServer();
  for (const path of ['/', '/health', '/nope', '/api/sessions', '/page/page.css']) {
    const { headers } = await client(server.url).get(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  }
});
