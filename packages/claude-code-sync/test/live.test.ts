import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { saveConfig } from '@opensync/core';
import { type RunningServer, startServer } from '@opensync/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { get } from '../../core/test/embedded-server.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { fixture } from './home.js';

/* The built hook, as the client starts it: real processes, a real home, a real server. */

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const HOOK = fileURLToPath(new URL('../dist/hook.cjs', import.meta.url));
/** A limit for what goes wrong, not a measure: `npm run test:clients` measures. */
const PATIENCE = 30_000;

interface Machine {
  home: string;
  server: RunningServer;
  /** `projects` of the client, empty at first. */
  projects: string;
}

async function newMachine(): Promise<Machine> {
  const home = temporaryDirectory();
  const server = await startServer({ db: join(temporaryDirectory(), 'server.db'), port: 0, home });
  const projects = join(home, '.claude/projects');
  mkdirSync(projects, { recursive: true });
  saveConfig(
    { convexUrl: server.url, apiKey: server.apiKey },
    { env: { home, vars: {}, now: () => Date.now() } },
  );
  onTestFinished(async () => {
    for (const pid of workersOf(home)) end(pid);
    await server.close();
  });
  return { home, server, projects };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Process ids of the workers that were started with this home. */
function workersOf(home: string): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0work\0${home}`)
        ? [Number(pid)]
        : [];
    } catch {
      // It ended while it was looked at.
      return [];
    }
  });
}

interface Outcome {
  code: number | null;
  output: string;
}

function startHook(
  home: string,
  vars: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Outcome> } {
  const child = spawn(process.execPath, [HOOK, 'claude-code-sync', 'Stop'], {
    env: { PATH: process.env.PATH, HOME: home, ...vars },
    stdio: 'pipe',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      output += text;
    });
  }
  child.stdin?.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]) => ({
    code,
    output,
  }));
  return { child, ended };
}

async function fire(home: string, payload = '{}', vars: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const { child, ended } = startHook(home, vars);
  child.stdin?.end(payload);
  return ended;
}

const SILENT = { code: 0, output: '' };

/** A conversation of the fixture, cut after so many lines. */
function conversation(): { file: string; lines: string[] } {
  const folder = join(fixture('2.1.330'), 'projects');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl') && !name.includes('agent-'))
    .map((name) => join(folder, name));
  const [file = ''] = files.sort((a, b) => statSync(b).size - statSync(a).size);
  return { file, lines: readFileSync(file, 'utf8').trimEnd().split('\n') };
}

interface Totals {
  sessionCount: number;
  messageCount: number;
  totalTokens: number;
}

/** What the server holds once `isRight`, or whatever it holds when the time is up. */
async function totalsWithin(ms: number, server: RunningServer, isRight: (totals: Totals) => boolean) {
  const until = performance.now() + ms;
  for (;;) {
    const { sessionCount, messageCount, totalTokens } = await get<Totals>(server, '/api/stats');
    const totals = { sessionCount, messageCount, totalTokens };
    if (isRight(totals) || performance.now() > until) return totals;
    await sleep(50);
  }
}

/** What one sync of the whole history makes. */
async function expectedOf(projects: string): Promise<Totals> {
  const { home, server } = await newMachine();
  const vars = { CLAUDE_CONFIG_DIR: join(projects, '..') };
  const args = [CLI, 'sync', '--url', server.url, '--quiet'];
  const sync = spawn(process.execPath, args, { env: { PATH: process.env.PATH, HOME: home, ...vars } });
  expect(await once(sync, 'close')).toEqual([0, null]);
  const { sessionCount, messageCount, totalTokens } = await get<Totals>(server, '/api/stats');
  return { sessionCount, messageCount, totalTokens };
}

describe('a hook', () => {
  it('says nothing, and what the turn left is on the server, and what comes without another hook too', async () => {
    const { home, server, projects } = await newMachine();
    const { file, lines } = conversation();
    const folder = join(projects, '-work');
    mkdirSync(folder);
    const transcript = join(folder, basename(file));
    const half = Math.floor(lines.length / 2);
    writeFileSync(transcript, `${lines.slice(0, half).join('\n')}\n`);
    expect(await fire(home)).toMatchObject(SILENT);
    const first = await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount > 0);
    expect(first.messageCount).toBeGreaterThan(0);

    // Nobody calls for the rest: the turn was broken off, and the worker still watches.
    appendFileSync(transcript, `${lines.slice(half).join('\n')}\n`);
    const whole = await expectedOf(projects);
    expect(
      await totalsWithin(PATIENCE, server, (totals) => totals.messageCount === whole.messageCount),
    ).toEqual(whole);
    expect(workersOf(home)).toHaveLength(1);
  });

  it('leaves a worker that a kill of the tool and all that it started does not meet', async () => {
    const { home, server, projects } = await newMachine();
    cpSync(join(fixture('2.1.330'), 'projects'), projects, { recursive: true });
    // A tool of its own group, which ends with all that is in it as soon as its hook has ended.
    const tool = `'${process.execPath}' '${HOOK}' claude-code-sync Stop; kill -9 0`;
    const child = spawn('/bin/sh', ['-c', tool], {
      env: { PATH: process.env.PATH, HOME: home },
      stdio: 'ignore',
      detached: true,
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const whole = await expectedOf(projects);
    expect(
      await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount === whole.messageCount),
    ).toEqual(whole);
  });

  it('finds a new worker when the last one was killed', async () => {
    const { home, server, projects } = await newMachine();
    cpSync(join(fixture('2.1.330'), 'projects'), projects, { recursive: true });
    await fire(home);
    await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount > 0);
    for (const pid of workersOf(home)) end(pid);
    await sleep(100);
    expect(workersOf(home)).toEqual([]);
    expect(await fire(home)).toMatchObject(SILENT);
    const whole = await expectedOf(projects);
    expect(
      await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount === whole.messageCount),
    ).toEqual(whole);
  });

  it('fired 200 times at once on one session leads to the right end, with a handful of workers at most', async () => {
    const { home, server, projects } = await newMachine();
    const { file, lines } = conversation();
    mkdirSync(join(projects, '-work'));
    const transcript = join(projects, '-work', basename(file));
    let most = 0;
    let written = 0;
    const hooks = Array.from({ length: 200 }, async (_, index) => {
      const until = Math.ceil((lines.length * (index + 1)) / 200);
      if (until > written) {
        appendFileSync(transcript, `${lines.slice(written, until).join('\n')}\n`);
        written = until;
      }
      const outcome = await fire(home);
      most = Math.max(most, workersOf(home).length);
      return outcome;
    });
    for (const outcome of await Promise.all(hooks)) expect(outcome).toMatchObject(SILENT);
    expect(most).toBeLessThanOrEqual(5);
    const whole = await expectedOf(projects);
    expect(
      await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount === whole.messageCount),
    ).toEqual(whole);
    expect(workersOf(home)).toHaveLength(1);
  });

  it('fired by 50 sessions at once gets every one of them to the server, once', async () => {
    const { home, server, projects } = await newMachine();
    const { file, lines } = conversation();
    const outcomes = Array.from({ length: 50 }, async (_, index) => {
      const other = (text: string) =>
        text.replaceAll(/[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-)/g, String(index).padStart(8, '0'));
      mkdirSync(join(projects, `-work-${index}`));
      writeFileSync(join(projects, `-work-${index}`, other(basename(file))), `${other(lines.join('\n'))}\n`);
      return fire(home);
    });
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject(SILENT);
    const { sessionCount, messageCount } = await totalsWithin(
      PATIENCE,
      server,
      (totals) => totals.sessionCount === 50 && totals.messageCount % 50 === 0,
    );
    expect(sessionCount).toBe(50);
    expect(messageCount % 50).toBe(0);
    expect(workersOf(home).length).toBeLessThanOrEqual(1);
  });
});

describe('a hook in trouble', () => {
  it.each([
    ['garbage', '\0\u0001{"session_id": [[['],
    ['nothing', ''],
    ['a megabyte', 'x'.repeat(1 << 20)],
  ])('takes %s on standard input', async (_, payload) => {
    const { home } = await newMachine();
    expect(await fire(home, payload)).toMatchObject(SILENT);
  });

  it('does not wait for standard input to end', async () => {
    const { home } = await newMachine();
    const { child, ended } = startHook(home);
    expect(await ended).toMatchObject(SILENT);
    child.stdin?.destroy();
  });

  it('is silent where the home directory is missing, is a file or may not be written', async () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await fire(join(file, 'home'))).toMatchObject(SILENT);
    expect(await fire(file)).toMatchObject(SILENT);
    const locked = join(folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    expect(await fire(locked)).toMatchObject(SILENT);
    chmodSync(locked, 0o700);
  });

  it('writes down that nobody is signed in, and the worker is gone', async () => {
    const home = temporaryDirectory();
    expect(await fire(home)).toMatchObject(SILENT);
    const log = join(home, '.claude-code-sync/live.log');
    for (let tries = 0; !existsSync(log) && tries < 100; tries++) await sleep(50);
    expect(readFileSync(log, 'utf8')).toContain('not signed in: run "claude-code-sync login"');
    for (let tries = 0; workersOf(home).length > 0 && tries < 200; tries++) await sleep(50);
    expect(workersOf(home)).toEqual([]);
  });

  it('begins a new log when the old one is large', async () => {
    const home = temporaryDirectory();
    const log = join(home, '.claude-code-sync/live.log');
    mkdirSync(join(home, '.claude-code-sync'));
    writeFileSync(log, 'old\n'.repeat(100_000));
    await fire(home);
    for (let tries = 0; statSync(log, { throwIfNoEntry: false })?.size !== 0 && tries < 40; tries++) {
      if (existsSync(`${log}.1`)) break;
      await sleep(50);
    }
    expect(statSync(`${log}.1`).size).toBe(400_000);
  });

  it('does not take a lock for held that was left long ago', async () => {
    const { home, server, projects } = await newMachine();
    cpSync(join(fixture('2.1.330'), 'projects'), projects, { recursive: true });
    const folder = join(home, '.claude-code-sync/live/default');
    mkdirSync(folder, { recursive: true });
    const lock = join(folder, 'lock');
    // Of a process that lives, but has not touched it.
    writeFileSync(lock, String(process.pid));
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(lock, longAgo, longAgo);
    await fire(home);
    expect(
      (await totalsWithin(PATIENCE, server, ({ messageCount }) => messageCount > 0)).messageCount,
    ).toBeGreaterThan(0);
  });
});
