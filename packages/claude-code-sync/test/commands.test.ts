import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createCli, type Env, type FoundFile, jsonl, type Need, type Problem } from '@opensync/core/plugin';
import { type RunningServer, startServer } from '@opensync/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { get } from '../../core/test/embedded-server.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';

/* The commands of core, with a real source and a real history. */

const FIXTURE = fileURLToPath(new URL('../fixtures/2.1.330', import.meta.url));

let home: string;
let server: RunningServer | undefined;

beforeEach(() => {
  home = temporaryDirectory();
});

afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** Runs a command line in this process, in a home of its own. */
async function run(
  args: string[],
  vars: Record<string, string> = {},
  input = '',
  from = source,
): Promise<Outcome> {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const env = { home, vars: { CLAUDE_CONFIG_DIR: FIXTURE, ...vars }, now: () => Date.now() };
  const code = await createCli(from).run(args, { env, stdout, stderr, stdin });
  const text = (stream: PassThrough) => {
    const chunks: string[] = [];
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(String(chunk));
    return chunks.join('');
  };
  return { code, out: text(stdout), err: text(stderr) };
}

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return `http://127.0.0.1:${port}`;
}

async function startEmbedded(): Promise<RunningServer> {
  server = await startServer({ db: join(home, 'test.db'), port: 0, home });
  return server;
}

async function api(path: string): Promise<{ sessionCount: number }> {
  return get(server as RunningServer, path);
}

/** A history of the given transcripts of the fixture, in a folder that a test may change. */
function history(files: Record<string, string>): string {
  const config = join(home, 'config');
  mkdirSync(join(config, 'projects/-p'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(config, 'projects/-p', name), text);
  return config;
}

function transcript(name: string): string {
  return readFileSync(join(FIXTURE, 'projects/-home-dev-work', `${name}.jsonl`), 'utf8');
}

const HELLO = 'aaaa0001-0000-4000-8000-000000000000';
const TOUR = 'aaaa0002-0000-4000-8000-000000000000';

describe('the command line as such', () => {
  it('prints what there is for --help and exits 0', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of ['login', 'logout', 'status', 'sync', 'list', 'show', 'explain', 'config']) {
      expect(out).toContain(command);
    }
  });

  it('prints its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: `${source.version}\n`, err: '' });
  });

  it.each([[['frobnicate']], [['sync', '--frobnicate']], [['show']], [['config', 'get', 'nothing']], [[]]])(
    'exits 2 for %j',
    async (args) => {
      const { code, err } = await run(args);
      expect(code).toBe(2);
      expect(err).not.toBe('');
    },
  );

  it('names the option that was meant', async () => {
    expect((await run(['sync', '--forse'])).err).toContain('--force');
  });
});

describe('list', () => {
  it('needs no sign-in, and gives every field of its schema', async () => {
    const { code, out, err } = await run(['list', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { schema, sessions } = JSON.parse(out);
    expect(schema).toBe(1);
    expect(sessions).toHaveLength(23);
    const session = sessions.find(({ id }: { id: string }) => id === TOUR);
    expect(Object.keys(session)).toEqual([
      'id',
      'source',
      'title',
      'projectPath',
      'projectName',
      'gitBranch',
      'model',
      'models',
      'provider',
      'createdAt',
      'updatedAt',
      'durationMs',
      'parentId',
      'forkedFrom',
      'usage',
      'promptTokens',
      'completionTokens',
      'cost',
      'unpriced',
      'messages',
      'toolCalls',
      'files',
      'synced',
      'problems',
    ]);
    expect(session).toMatchObject({
      source: 'claude-code',
      title: 'Show me around this repository [#tour]',
      projectPath: '/home/dev/work',
      projectName: 'work',
      gitBranch: 'main',
      usage: { input: 109, output: 3680, cacheWrite5m: 12188, cacheWrite1h: 0, cacheRead: 139524 },
      promptTokens: 151821,
      completionTokens: 3680,
      synced: 'no',
    });
  });

  it('adds what subagents cost to their parent', async () => {
    const { sessions } = JSON.parse((await run(['list', '--json'])).out);
    const parent = sessions.find(({ id }: { id: string }) => id.startsWith('aaaa0003') && !id.includes('/'));
    expect(parent.usage.output).toBe(956);
    expect(parent.usageWithChildren.output).toBe(3503);
    expect(parent.costWithChildren).toBeCloseTo(0.1748898, 10);
  });

  it('filters by project and by time, and says what it leaves out', async () => {
    const count = async (...args: string[]) =>
      JSON.parse((await run(['list', '--json', ...args])).out).sessions.length;
    expect(await count('--project', 'resume-proj')).toBe(2);
    expect(await count('--project', '/home/dev/resume-proj')).toBe(2);
    expect(await count('--project', 'nowhere')).toBe(0);
    expect(await count('--since', '2999-01-01')).toBe(0);
    expect((await run(['list', '--limit', '2'])).out).toContain('19 older sessions not shown; --limit 21 ');
    expect((await run(['list', '--limit', '20'])).out).toContain('1 older session not shown; --limit 21 ');
    expect((await run(['list', '--limit', '21'])).out).not.toContain('not shown');
    expect((await run(['list', '--since', 'yesterdayish'])).code).toBe(2);
  });

  it('leaves out a file that holds no session', async () => {
    const config = history({
      [`${HELLO}.jsonl`]: transcript(HELLO),
      [`${TOUR}.jsonl`]: '{"type":"user","uu',
    });
    const { code, out } = await run(['list', '--json'], { CLAUDE_CONFIG_DIR: config });
    expect(code).toBe(0);
    expect(JSON.parse(out).sessions.map(({ id }: { id: string }) => id)).toEqual([HELLO]);
  });

  it('names a file that cannot be read, lists the rest and exits 1', async () => {
    const file = join(home, 'gone.jsonl');
    const load = (_need: Need, report: (problem: Problem) => void) => {
      const records = jsonl(file, { report });
      return [...records].map((record) => ({ kind: 'line' as const, ...record }));
    };
    const gone = { id: 'gone', files: [file], version: '1', changedAt: 0, load };
    const withGone = {
      ...source,
      sessions: (files: readonly FoundFile[], env: Env) => [...source.sessions(files, env), gone],
    };
    const { code, out, err } = await run(['list', '--json'], {}, '', withGone);
    expect(code).toBe(1);
    expect(err).toContain(file);
    expect(JSON.parse(out).sessions).toHaveLength(23);
  });

  it('says so when there is nothing', async () => {
    expect(await run(['list'], { CLAUDE_CONFIG_DIR: join(home, 'nowhere') })).toEqual({
      code: 0,
      out: 'No Claude Code sessions found.\n',
      err: '',
    });
  });
});

describe('login', () => {
  it('refuses a key that is none before it asks the server', async () => {
    const { code, err } = await run(['login', '--url', 'http://127.0.0.1:1', '--api-key', 'sk_1']);
    expect(code).toBe(3);
    expect(err).toContain('Invalid API key format');
  });

  it('refuses a key that the server refuses', async () => {
    const { url } = await startEmbedded();
    const { code, err } = await run(['login', '--url', url, '--api-key', 'osk_wrong']);
    expect(code).toBe(3);
    expect(err).toContain('Invalid or expired token');
    expect(existsSync(join(home, '.opensync/config.json'))).toBe(false);
  });

  it('hints at .convex.site when nobody answers', async () => {
    const { code, err } = await run(['login', '--url', await nobody(), '--api-key', 'osk_abc']);
    expect(code).toBe(1);
    expect(err).toContain('Connection refused');
    expect(err).toContain('.convex.site');
  });

  it('saves the sign-in for all plugins, for its owner alone', async () => {
    const { url, apiKey } = await startEmbedded();
    expect((await run(['login', '--url', `${url}/`, '--api-key', '-'], {}, `${apiKey}\n`)).code).toBe(0);
    const file = join(home, '.opensync/config.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ convexUrl: url, apiKey });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('saves it for this plugin alone when asked to', async () => {
    const { url, apiKey } = await startEmbedded();
    await run(['login', '--url', url, '--api-key', apiKey, '--only']);
    expect(existsSync(join(home, '.opensync/config.json'))).toBe(false);
    expect(existsSync(join(home, '.claude-code-sync/config.json'))).toBe(true);
  });

  it('sends no results of tools after signing in, when an earlier plugin was told not to', async () => {
    const { url, apiKey } = await startEmbedded();
    const earlier = join(home, '.config', source.plugin, 'config.json');
    mkdirSync(dirname(earlier), { recursive: true });
    writeFileSync(
      earlier,
      JSON.stringify({ convexUrl: url, apiKey, syncToolCalls: false, syncThinking: true }),
    );
    expect((await run(['config', 'get', 'toolResults'])).out).toBe('false\n');
    for (const args of [['login', '--url', url, '--api-key', apiKey], ['logout']]) {
      expect((await run(args)).code).toBe(0);
      expect((await run(['config', 'get', 'toolResults'])).out).toBe('false\n');
    }
    expect((await run(['status'])).out).toContain('Not signed in');
  });

  it('calls nothing private because a forced sync met no server', async () => {
    await startEmbedded();
    await run(['login', '--local']);
    expect((await run(['sync'])).code).toBe(0);
    await server?.close();
    server = undefined;
    expect((await run(['sync', '--force'])).code).toBe(1);
    expect((await run(['status'])).out).not.toContain('private');
  });

  it('finds the embedded server by itself, and logout forgets it', async () => {
    const { url, apiKey } = await startEmbedded();
    const login = await run(['login', '--local']);
    expect(login.code).toBe(0);
    expect(login.out).toContain(url);
    expect(login.out).not.toContain(apiKey);
    expect((await run(['logout'])).code).toBe(0);
    expect((await run(['status'])).code).toBe(3);
  });

  it('says that the embedded server has ended, and how to start it again', async () => {
    const { url } = await startEmbedded();
    await server?.close();
    server = undefined;
    const { code, err } = await run(['login', '--local']);
    expect(code).toBe(1);
    expect(err).toContain(`The embedded server of this machine has ended: nothing answers at ${url}`);
    expect(err).toContain('"opensync-server", or "npm start"');
  });

  it('says how to start an embedded server when there is none', async () => {
    const { code, err } = await run(['login', '--local']);
    expect(code).toBe(1);
    expect(err).toContain('opensync-server');
  });

  it('does not ask questions without a terminal', async () => {
    const { code, err } = await run(['login']);
    expect(code).toBe(2);
    expect(err).toContain('--url');
  });
});

describe('sync', () => {
  it('exits 3 and says how to sign in', async () => {
    const { code, err } = await run(['sync']);
    expect(code).toBe(3);
    expect(err).toContain('claude-code-sync login');
  });

  it('sends everything once, and then nothing', async () => {
    await startEmbedded();
    await run(['login', '--local']);
    const first = JSON.parse((await run(['sync', '--json'])).out);
    expect(first).toMatchObject({
      schema: 1,
      sessions: 23,
      sessionsSent: 23,
      unchanged: 0,
      failed: 0,
      poison: 0,
    });
    const second = JSON.parse((await run(['sync', '--json'])).out);
    expect(second).toMatchObject({ sessions: 23, sessionsSent: 0, messagesSent: 0, unchanged: 23 });
    const { sessions } = JSON.parse((await run(['list', '--json'])).out);
    expect(new Set(sessions.map(({ synced }: { synced: string }) => synced))).toEqual(new Set(['yes']));
    expect((await api('/api/stats')).sessionCount).toBe(23);
  });

  it('takes ids, beginnings of ids and files', async () => {
    await startEmbedded();
    await run(['login', '--local']);
    const sync = async (...targets: string[]) =>
      JSON.parse((await run(['sync', '--json', ...targets])).out).sessionsSent;
    expect(await sync(HELLO)).toBe(1);
    expect(await sync('aaaa0002')).toBe(1);
    expect(
      await sync(join(FIXTURE, 'projects/-home-dev-work', 'aaaa0003-0000-4000-8000-000000000000.jsonl')),
    ).toBe(3);
    const ambiguous = await run(['sync', 'aaaa']);
    expect(ambiguous.code).toBe(2);
    expect(ambiguous.err).toMatch(/\d+ sessions have an id that begins with "aaaa"\. Give more/);
    expect((await run(['sync', 'nothing-like-it'])).code).toBe(2);
  });

  it('prints everything and sends nothing with --dry-run, without sign-in', async () => {
    await startEmbedded();
    const { code, out } = await run(['sync', '--dry-run', HELLO]);
    expect(code).toBe(0);
    expect(out).toMatch(/^POST \/sync\/session \{.*\nPOST \/sync\/message \{/);
    expect((await api('/api/stats')).sessionCount).toBe(0);
    const { sessions } = JSON.parse((await run(['sync', '--dry-run', '--json'])).out);
    expect(sessions).toHaveLength(23);
  });

  it('prints neither key nor text with --json', async () => {
    const { apiKey } = await startEmbedded();
    await run(['login', '--local']);
    const { out, err } = await run(['sync', '--json']);
    expect(Object.keys(JSON.parse(out))).toEqual([
      'schema',
      'sessions',
      'sessionsSent',
      'messagesSent',
      'unchanged',
      'failed',
      'poison',
      'durationMs',
    ]);
    expect(out + err).not.toContain(apiKey);
  });

  it('says that a server is down, what that means, and counts what waits', async () => {
    const url = await nobody();
    const { code, out, err } = await run(['sync', '--json'], {
      OPENSYNC_URL: url,
      OPENSYNC_API_KEY: 'osk_abc',
    });
    expect(code).toBe(1);
    expect(err).toContain(url);
    expect(err).toContain('Nothing is lost');
    expect(JSON.parse(out).failed).toBeGreaterThan(0);
  });

  it('tells a refused key from everything else, once', async () => {
    const { url } = await startEmbedded();
    const { code, err } = await run(['sync'], { OPENSYNC_URL: url, OPENSYNC_API_KEY: 'osk_wrong' });
    expect(code).toBe(3);
    expect(err.match(/Invalid or expired token/g)?.length).toBeLessThanOrEqual(4);
  });

  it('names an address that is not an OpenSync server', async () => {
    const other = createServer((_, response) => response.writeHead(200).end('<html>'));
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, err } = await run(['sync'], { OPENSYNC_URL: url, OPENSYNC_API_KEY: 'osk_abc' });
    expect(code).toBe(1);
    expect(err).toContain(url);
    await new Promise((done) => other.close(done));
  });

  it('syncs the good part of a history with a broken line and an empty file', async () => {
    await startEmbedded();
    const [first, ...rest] = transcript(TOUR).split('\n');
    const config = history({
      [`${TOUR}.jsonl`]: [first, '{"type":"assistant","mess', ...rest].join('\n'),
      [`${HELLO}.jsonl`]: '',
    });
    const vars = { CLAUDE_CONFIG_DIR: config };
    await run(['login', '--local'], vars);
    expect((await run(['sync'], vars)).code).toBe(0);
    const { sessions } = JSON.parse((await run(['list', '--json'], vars)).out);
    const problems = sessions.flatMap((session: { problems: string[] }) => session.problems);
    expect(problems.join('\n')).toMatch(/:2: A line that is not JSON was left out/);
    expect(problems.join('\n')).toMatch(/transcript is empty/);
    expect(sessions.find(({ id }: { id: string }) => id === TOUR).usage.output).toBe(3680);
  });
});

describe('status', () => {
  it('shows server, masked key and what is synced', async () => {
    const { url, apiKey } = await startEmbedded();
    await run(['login', '--local']);
    await run(['sync', HELLO, '--quiet']);
    const { code, out } = await run(['status', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ url, connected: true, sessions: { found: 21, synced: 1 } });
    expect(out).not.toContain(apiKey);
  });
});

it('says in status what was sent of a project that is private now', async () => {
  await startEmbedded();
  await run(['login', '--local']);
  await run(['sync', HELLO]);
  await run(['config', 'set', 'privacy', '{"projects":[{"path":"/home","level":"off"}]}']);
  await run(['sync']);
  const { privacy, sessions } = JSON.parse((await run(['status', '--json'])).out);
  expect(privacy).toEqual({ default: 'full', projects: 1, sentBefore: 1 });
  expect(sessions.waiting).toBe(0);
  expect((await run(['status'])).out).toContain('Private now and sent before: 1 session,');
});

describe('show and explain', () => {
  it('shows a session as it would be sent', async () => {
    const { schema, session, messages } = JSON.parse((await run(['show', TOUR, '--json'])).out);
    expect(schema).toBe(1);
    expect(session.id).toBe(TOUR);
    expect(Object.keys(messages[1])).toEqual(['id', 'role', 'createdAt', 'model', 'text', 'parts', 'usage']);
    expect(messages[1].parts.map(({ type }: { type: string }) => type)).toEqual([
      'text',
      'tool-call',
      'tool-result',
      'tool-call',
      'tool-result',
    ]);
    expect((await run(['show', TOUR])).out).toContain('Let me look around.');
  });

  it('shows as much as the level of the project lets out, and explains the rest all the same', async () => {
    const levels = async (level: string) =>
      expect(
        (await run(['config', 'set', 'privacy', `{"projects":[{"path":"/home","level":"${level}"}]}`])).code,
      ).toBe(0);
    await levels('metadata');
    const { out } = await run(['show', TOUR]);
    expect(out).toMatch(/^Private session\n/);
    expect(out).toMatch(/→ Read \{\}\n← \[\d+ characters\]/);
    expect(out).not.toContain('Let me look around.');
    await levels('off');
    expect((await run(['show', TOUR])).out).toContain('Nothing of it is sent');
    expect(JSON.parse((await run(['show', TOUR, '--json'])).out)).toMatchObject({
      session: { id: TOUR, projectPath: '/home/dev/work' },
      messages: [],
    });
    expect((await run(['sync', '--dry-run'])).out).toBe('');
    expect(JSON.parse((await run(['explain', TOUR, '--json'])).out).calls).toHaveLength(7);
  });

  it('explains every call: place, price, cost, and what was not counted', async () => {
    const { calls, notCounted, session } = JSON.parse((await run(['explain', TOUR, '--json'])).out);
    expect(calls).toHaveLength(7);
    expect(calls[0]).toMatchObject({
      model: 'claude-sonnet-4-5-20250929',
      price: { vendor: 'anthropic' },
      reason: null,
    });
    expect(calls[0].line).toBeGreaterThan(0);
    const sum = calls.reduce((total: number, { cost }: { cost: string }) => total + Number(cost), 0);
    expect(sum).toBeCloseTo(session.cost, 12);
    expect(notCounted.length).toBeGreaterThan(0);
  });

  it('opens a subagent by its own id, whole or as list shows it', async () => {
    const parentId = 'aaaa0003-0000-4000-8000-000000000000';
    const name = 'agent-a381cceac7079106a';
    const listed = `aaaa0003/${name}`;
    expect((await run(['list'])).out).toContain(`└ ${listed} `);
    for (const id of [`${parentId}/${name}`, listed]) {
      expect(JSON.parse((await run(['show', id, '--json'])).out).session).toMatchObject({
        id: `${parentId}/${name}`,
        parentId,
        title: 'general-purpose: Count files',
      });
    }
  });
});

describe('config', () => {
  it('sets, gets and shows where a value comes from', async () => {
    expect((await run(['config', 'set', 'thinking', 'true'])).code).toBe(0);
    expect((await run(['config', 'get', 'thinking'])).out).toBe('true\n');
    expect((await run(['config', 'get', 'toolResults'])).out).toBe('true\n');
    expect((await run(['config', 'get'])).out).toMatch(/^toolResults +true +default$/m);
    expect((await run(['config', 'get'])).out).toContain(join(home, '.claude-code-sync/config.json'));
    expect((await run(['config', 'path'])).out.split('\n')[0]).toBe(
      join(home, '.claude-code-sync/config.json'),
    );
    expect((await run(['config', 'set', 'thinking', 'perhaps'])).code).toBe(2);
  });

  it('never prints a key whole', async () => {
    const vars = { OPENSYNC_URL: 'https://a.convex.site', OPENSYNC_API_KEY: 'osk_0123456789abcdef' };
    const { out } = await run(['config', 'get'], vars);
    expect(out).toContain('osk_01');
    expect(out).not.toContain('osk_0123456789abcdef');
  });

  it('names a broken file instead of taking it for an empty one', async () => {
    mkdirSync(join(home, '.opensync'));
    writeFileSync(join(home, '.opensync/config.json'), '{broken');
    const { code, err } = await run(['list']);
    expect(code).toBe(1);
    expect(err).toContain(join(home, '.opensync/config.json'));
  });
});
