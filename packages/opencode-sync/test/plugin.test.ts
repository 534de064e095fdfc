import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { saveConfig } from '@opensync/core';
import { startServer } from '@opensync/server';
import { expect, it, onTestFinished } from 'vitest';
import { liveFolder } from '../../core/src/trigger/live-folder.js';
import { get } from '../../core/test/embedded-server.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { VARIABLES } from '../src/variables.js';

/* The built plugin in a process of its own, as the tool loads it; Node.js stands in for the tool's Bun. */

const PLUGIN = fileURLToPath(new URL('../dist/opencode.js', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../fixtures/1.18.33', import.meta.url));

const SCRIPT = `
  const plugin = await import(process.env.PLUGIN);
  const exported = Object.keys(plugin);
  const startedAt = performance.now();
  const hooks = await plugin.default({}, undefined);
  const initMs = performance.now() - startedAt;
  for (const event of JSON.parse(process.env.EVENTS)) await hooks.event(event);
  console.log(JSON.stringify({ exported, initMs, hooks: Object.keys(hooks) }));
`;

async function load(home: string, events: unknown[]) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      PLUGIN,
      EVENTS: JSON.stringify(events),
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stderr, ...(JSON.parse(stdout) as { exported: string[]; hooks: string[]; initMs: number }) };
}

/** With a worker that is alive, so that none is started: it would outlive the test. */
function newHome(): string {
  const home = temporaryDirectory();
  const vars = { XDG_DATA_HOME: join(home, 'data') };
  const folder = liveFolder({ plugin: 'opencode-sync', home, vars, names: VARIABLES });
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(folder.lock, String(process.pid));
  return home;
}

/** The worker whose process id is in the lock. */
function endWorker(home: string): void {
  const live = join(home, '.opencode-sync/live');
  for (const key of readdirSync(live)) {
    const pid = Number(readFileSync(join(live, key, 'lock'), 'utf8'));
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }
}

it('exports one function, which is all the tool may find in it', async () => {
  const { code, stderr, exported, hooks } = await load(newHome(), []);
  expect({ code, stderr, exported, hooks }).toEqual({
    code: 0,
    stderr: '',
    exported: ['default'],
    hooks: ['event'],
  });
});

it('names no module that the Bun inside the tool does not have', () => {
  expect(readFileSync(PLUGIN, 'utf8')).not.toContain('sqlite');
});

it('takes any event without a word', async () => {
  const events = [
    {},
    { event: null },
    { event: { type: 7 } },
    { event: { type: 'session.idle' } },
    null,
    'x',
  ];
  // The tool always hands over an object; whatever it holds must not matter.
  const objects = events.filter((event) => typeof event === 'object' && event !== null);
  expect(await load(newHome(), objects)).toMatchObject({ code: 0, stderr: '' });
});

it('takes a home that cannot be written without a word', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  const events = [{ event: { type: 'session.idle', properties: { sessionID: 'ses_1' } } }];
  expect(await load(file, events)).toMatchObject({ code: 0, stderr: '' });
});

it('has what was said on the server, although the tool ended at once', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, 'data'));
  cpSync(FIXTURE, join(home, 'data'), { recursive: true });
  const server = await startServer({ db: join(temporaryDirectory(), 'server.db'), port: 0, home });
  saveConfig({ convexUrl: server.url, apiKey: server.apiKey }, { env: { home, vars: {}, now: Date.now } });
  onTestFinished(async () => {
    endWorker(home);
    await server.close();
  });
  await load(home, [{ event: { type: 'session.idle', properties: { sessionID: 'ses_1' } } }]);
  const endedAt = performance.now();
  let sessions = 0;
  while (sessions === 0 && performance.now() - endedAt < 30_000) {
    await sleep(50);
    sessions = (await get<{ sessionCount: number }>(server, '/api/stats')).sessionCount;
  }
  expect(sessions).toBeGreaterThan(0);
});
