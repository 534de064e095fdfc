import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { startHostedServer } from '../../test/hosted-server.js';
import { tinySource } from '../../test/tiny-source.js';
import { prompt } from '../../test/world.js';
import { createCli } from './create-cli.js';

const KEY = 'osk_0123456789abcdefSECRET';

interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Of what the client said of itself. */
  body: (authorization: string) => string;
}

/** A server with one answer to everything but health. */
async function answering({ status, headers = {}, body }: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const healthy = request.url === '/health';
    response.writeHead(healthy ? 200 : status, healthy ? {} : headers);
    response.end(
      healthy ? `{"status":"ok","timestamp":${Date.now()}}` : body(String(request.headers.authorization)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A home with a transcript that quotes the key. */
function newHome(): string {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.tiny'));
  const lines = [{ title: `Use ${KEY}` }, prompt('m1', `Is ${KEY} the key?`)];
  writeFileSync(join(home, '.tiny', 'one.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return home;
}

async function run(home: string, args: string[], input = '') {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const env = { home, vars: {}, now: Date.now };
  const code = await createCli(tinySource).run(args, { env, stdout, stderr, stdin });
  stdout.end();
  stderr.end();
  return { code, text: (await textOf(stdout)) + (await textOf(stderr)) };
}

/** Every file below a home but the configuration and the transcript, which hold the key. */
function writtenTexts(home: string): string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.tiny/') && !name.endsWith('config.json'))
    .map((name) => join(home, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'));
}

const COMMANDS = [
  ['status'],
  ['status', '--json'],
  ['doctor'],
  ['doctor', '--json'],
  ['list'],
  ['list', '--json'],
  ['show', 'one'],
  ['show', 'one', '--json'],
  ['explain', 'one'],
  ['explain', 'one', '--json'],
  ['sync', '--dry-run'],
  ['sync', '--dry-run', '--json'],
  ['sync'],
  ['sync', '--force', '--json'],
  ['config', 'get'],
  ['config', 'get', 'apiKey'],
  ['config', 'get', '--json'],
  ['config', 'path'],
  ['logout'],
];

/** What a server may make of the key. */
const ANSWERS: [string, Answer][] = [
  ['refuses it', { status: 401, body: () => '{"error":"Invalid API key"}' }],
  ['repeats it in an error', { status: 400, body: (key) => JSON.stringify({ error: `bad ${key} given` }) }],
  ['repeats it in a page', { status: 500, body: (key) => `<html>${key}</html>` }],
  [
    'redirects to a place with it',
    { status: 302, headers: { location: `https://e.example/${KEY}` }, body: () => '' },
  ],
];

describe('the key is in nothing that a command prints or writes down', () => {
  it('for a server that takes it', async () => {
    const server = await startHostedServer({ users: { [KEY]: 'user' } });
    onTestFinished(() => server.close());
    const home = newHome();
    const login = await run(home, ['login', '--url', server.url, '--api-key', '-'], `${KEY}\n`);
    expect(login).toMatchObject({ code: 0 });
    expect(login.text).not.toContain(KEY);
    for (const command of COMMANDS)
      expect((await run(home, command)).text, command.join(' ')).not.toContain(KEY);
    expect(server.requests.filter(({ method }) => method === 'POST').length).toBeGreaterThan(0);
    expect(JSON.stringify(server.requests)).not.toContain(KEY);
    for (const text of writtenTexts(home)) expect(text).not.toContain(KEY);
  });

  it.each(ANSWERS)('for a server that %s', async (_, answer) => {
    const convexUrl = await answering(answer);
    const home = newHome();
    mkdirSync(join(home, '.opensync'));
    writeFileSync(join(home, '.opensync/config.json'), JSON.stringify({ convexUrl, apiKey: KEY }));
    // Without those that would wait between tries of a server that fails.
    const quick = answer.status === 500 ? COMMANDS.filter(([name]) => name !== 'sync') : COMMANDS;
    for (const command of quick)
      expect((await run(home, command)).text, command.join(' ')).not.toContain(KEY);
    for (const text of writtenTexts(home)) expect(text).not.toContain(KEY);
  });

  it('for a configuration that is broken just behind it', async () => {
    const home = newHome();
    mkdirSync(join(home, '.opensync'));
    writeFileSync(join(home, '.opensync/config.json'), `{"apiKey":"${KEY}"`);
    for (const command of COMMANDS)
      expect((await run(home, command)).text, command.join(' ')).not.toContain(KEY);
  });
});

it('closes a configuration that others can read when it is used', async () => {
  const home = newHome();
  const file = join(home, '.opensync/config.json');
  mkdirSync(join(home, '.opensync'));
  writeFileSync(file, JSON.stringify({ thinking: true }));
  chmodSync(file, 0o644);
  chmodSync(join(home, '.opensync'), 0o755);
  expect((await run(home, ['list'])).code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, '.opensync')).mode & 0o777).toBe(0o700);
});

it('prints nothing of a transcript that a terminal would obey', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.tiny'));
  const hostile = 'a\u001b]0;title\u0007b\u001b[2J\u009b31mc\rd\b\u0000e\u001bP1$r\u001b\\';
  const lines = [{ title: hostile, projectPath: `/${hostile}` }, prompt('m1', hostile)];
  writeFileSync(join(home, '.tiny', 'one.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  for (const command of [
    ['list'],
    ['show', 'one'],
    ['explain', 'one'],
    ['sync', '--dry-run'],
    ['status'],
    ['list', '--json'],
    ['show', 'one', '--json'],
    ['sync', '--dry-run', '--json'],
  ]) {
    const { text } = await run(home, command);
    expect(text, command.join(' ')).not.toMatch(/[^\P{Cc}\n\t]/u);
  }
  const { text } = await run(home, ['list', '--json']);
  expect(JSON.parse(text)).toMatchObject({ sessions: [{ title: hostile }] });
});
