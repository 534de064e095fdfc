import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from './harness/temporary-directory.js';
import { API_KEY, startHostedServer } from './hosted-server.js';
import { prompt } from './world.js';

const PLUGIN = fileURLToPath(new URL('tiny-plugin.mjs', import.meta.url));
if (!existsSync(new URL('../dist/plugin.js', import.meta.url))) {
  throw new Error('The package is not built: run the build first.');
}

const PROXY_VARIABLES = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'npm_config_proxy',
  'GLOBAL_AGENT_HTTP_PROXY',
];

function newHome(): string {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.tiny'));
  writeFileSync(join(home, '.tiny/one.jsonl'), `${JSON.stringify(prompt('m1'))}\n`);
  return home;
}

async function run(home: string, args: string[], variables: Record<string, string> = {}, input = '') {
  const { NODE_USE_ENV_PROXY: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, USERPROFILE: home, ...variables };
  const child = spawn(process.execPath, [PLUGIN, ...args], { env, cwd: home });
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await ended(child);
  return { code, output };
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('close', resolve));

/** Listens, and counts whoever connects. */
async function listening(server: Server): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
  };
}

/** Arguments of every process on this machine. */
function allArguments(): string {
  if (!existsSync('/proc/self/cmdline'))
    return execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' });
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return 'It has ended since.';
      }
    })
    .join('\n');
}

it('sends nothing by a proxy that only variables name', async () => {
  const server = await startHostedServer();
  onTestFinished(() => server.close());
  const proxy = await listening(createServer((_, response) => response.end('{"status":"ok","timestamp":1}')));
  const names = PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]);
  const variables = Object.fromEntries(names.map((name) => [name, proxy.url]));
  const connection = { OPENSYNC_URL: server.url, OPENSYNC_API_KEY: API_KEY };
  const { code, output } = await run(newHome(), ['sync'], { ...variables, ...connection, NO_PROXY: '' });
  expect([code, output]).toEqual([0, expect.not.stringContaining(API_KEY)]);
  expect(server.requests.filter(({ method }) => method === 'POST').length).toBeGreaterThan(0);
  expect(proxy.connections()).toBe(0);
});

it('has the key in no argument of a process while it signs in and syncs', async () => {
  const server = await startHostedServer();
  onTestFinished(() => server.close());
  const seen: string[] = [];
  const spy = await listening(
    createServer(async (request, response) => {
      seen.push(allArguments());
      let body = '';
      for await (const chunk of request) body += chunk;
      const headers = { authorization: String(request.headers.authorization) };
      const answer = await fetch(server.url + request.url, {
        method: request.method,
        headers,
        ...(body !== '' && { body }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    }),
  );
  const home = newHome();
  expect((await run(home, ['login', '--url', spy.url, '--api-key', '-'], {}, `${API_KEY}\n`)).code).toBe(0);
  expect((await run(home, ['sync'])).code).toBe(0);
  expect(server.requests.some(({ method }) => method === 'POST')).toBe(true);
  expect(seen.length).toBeGreaterThan(3);
  for (const text of seen) {
    expect(text).toContain(PLUGIN);
    expect(text).not.toContain(API_KEY);
  }
});

it.each(['now', 'later'])('has the key in no dump when it crashes %s', async (when) => {
  const server = await startHostedServer();
  onTestFinished(() => server.close());
  const home = newHome();
  const login = await run(home, ['login', '--url', server.url, '--api-key', '-'], {}, `${API_KEY}\n`);
  expect(login.code).toBe(0);
  const files = () => readdirSync(home, { recursive: true, encoding: 'utf8' }).sort();
  const before = files();
  const { code, output } = await run(home, ['sync'], { CRASH: when });
  expect(code).not.toBe(0);
  expect(output).not.toBe('');
  expect(output).not.toContain(API_KEY);
  const added = files().filter((name) => !before.includes(name));
  expect(added.filter((name) => !name.startsWith('.opensync'))).toEqual([]);
  for (const name of added.filter((name) => !name.endsWith('.lock') && name.includes('.json')))
    expect(readFileSync(join(home, name), 'utf8')).not.toContain(API_KEY);
});
