import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type RunningServer, startServer } from '@opensync/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { tinySource } from '../../test/tiny-source.js';
import { prompt } from '../../test/world.js';
import { saveConfig } from '../config.js';
import type { Finding, Source, Trigger } from '../source.js';
import { createCli } from './create-cli.js';

let home: string;
let server: RunningServer;

beforeEach(async () => {
  home = temporaryDirectory();
  server = await startServer({ db: join(temporaryDirectory(), 'test.db'), port: 0, home });
  const env = { home, vars: {}, now: Date.now };
  saveConfig({ convexUrl: server.url, apiKey: server.apiKey }, { env });
  mkdirSync(join(home, '.tiny'));
  writeFileSync(join(home, '.tiny/a.jsonl'), `${JSON.stringify(prompt('1'))}\n`);
});

afterEach(async () => {
  await server.close();
});

const SETTINGS = 'tiny.conf';

/** Calls us by a line of its settings. */
const trigger: Trigger = {
  isInstalled: () => true,
  settings: (env, { script }) => [
    {
      path: join(env.home, SETTINGS),
      add: (text) => (text.includes(`hook ${script}\n`) ? text : `${text}hook ${script}\n`),
      remove: (text) => text.replace(/^hook .*\n/m, ''),
    },
  ],
};

const hooked: Source<never> = { ...(tinySource as Source<never>), trigger: async () => trigger };

async function run(args: string[], source: Source<never> = hooked, vars: Record<string, string> = {}) {
  const stdout = new PassThrough();
  const io = {
    env: { home, vars, now: Date.now },
    stdout,
    stderr: new PassThrough(),
    stdin: new PassThrough(),
    script: '/lib/cli.js',
  };
  const code = await createCli(source).run(args, io);
  return { code, out: String(stdout.read()) };
}

interface Report extends Finding {
  about: string;
}

/** What `doctor` found about something. */
async function findings(about: string, source?: Source<never>, vars?: Record<string, string>) {
  const { out } = await run(['doctor', '--json'], source, vars);
  const { findings: all } = JSON.parse(out) as { findings: Report[] };
  for (const { level, remedy } of all) if (level !== 'ok') expect(remedy).toMatch(/\w/);
  return all.filter((report) => report.about === about);
}

const level = (found: Report[]) => found.map((report) => report.level);

describe('doctor', () => {
  it('finds nothing when everything works, and exits 0', async () => {
    writeFileSync(join(home, SETTINGS), 'hook /lib/hook.cjs\n');
    mkdirSync(join(home, '.tiny-tool-sync/live/default'), { recursive: true });
    writeFileSync(join(home, '.tiny-tool-sync/live/default/mark'), 'Stop');
    await run(['sync']);
    const { code, out } = await run(['doctor']);
    expect(out).toContain('Everything works.');
    expect(out).not.toContain('warning');
    expect(code).toBe(0);
    expect(out).not.toContain(server.apiKey);
    expect(await findings('last hook')).toMatchObject([{ text: expect.stringContaining('Stop') }]);
  });

  it('says that nobody is signed in, and how to', async () => {
    const found = await findings('sign-in', hooked, { OPENSYNC_URL: 'http://127.0.0.1:1' });
    expect(found).toMatchObject([
      { level: 'error', remedy: expect.stringContaining('tiny-tool-sync login') },
    ]);
  });

  it('says that the server is down, and that nothing is lost', async () => {
    const vars = { OPENSYNC_URL: 'http://127.0.0.1:1', OPENSYNC_API_KEY: 'osk_of_another_server' };
    const [found] = await findings('server', hooked, vars);
    expect(found).toMatchObject({ level: 'error', remedy: expect.stringContaining('Nothing is lost') });
    expect((await run(['doctor'], hooked, vars)).code).toBe(1);
  });

  it('finds the embedded server by its key where it has another port now', async () => {
    const vars = { OPENSYNC_URL: 'http://127.0.0.1:1', OPENSYNC_API_KEY: server.apiKey };
    expect(await findings('sign-in', hooked, vars)).toMatchObject([
      { level: 'ok', text: expect.stringContaining(server.url) },
    ]);
  });

  it('names a broken settings file', async () => {
    writeFileSync(join(home, '.opensync/config.json'), '{');
    expect(await findings('settings')).toMatchObject([
      { level: 'error', text: expect.stringContaining('config.json is not valid JSON') },
    ]);
  });

  it('warns of a key that others can read', async () => {
    chmodSync(join(home, '.opensync/config.json'), 0o644);
    expect(level(await findings('permissions'))).toEqual(['warning']);
  });

  it('tells hooks that call this install from those that call another one, and from none', async () => {
    expect(level(await findings('hooks'))).toEqual(['error']);
    writeFileSync(join(home, SETTINGS), 'hook /old/hook.cjs\n');
    const [other] = await findings('hooks');
    expect(other).toMatchObject({ level: 'error', text: expect.stringContaining('another install') });
    writeFileSync(join(home, SETTINGS), 'hook /lib/hook.cjs\n');
    expect(level(await findings('hooks'))).toEqual(['ok']);
  });

  it('knows a version that is newer than the last one that was checked', async () => {
    const folder = join(home, 'bin');
    mkdirSync(folder);
    writeFileSync(join(folder, 'tiny'), '#!/bin/sh\necho "tiny 1.10.0 (build 7)"\n', { mode: 0o755 });
    const withVersion = (verified: string): Source<never> => ({
      ...hooked,
      trigger: async () => ({ ...trigger, program: { name: 'tiny', verified } }),
    });
    const vars = { PATH: folder };
    expect(await findings('tool', withVersion('1.10.0'), vars)).toMatchObject([{ level: 'ok' }]);
    expect(await findings('tool', withVersion('1.9.12'), vars)).toMatchObject([
      { level: 'warning', text: expect.stringContaining('1.10.0 is newer than 1.9.12') },
    ]);
    expect(await findings('tool', withVersion('1.9.12'))).toMatchObject([{ level: 'ok' }]);
  });

  it('hands on what only the tool knows', async () => {
    const check = (): Finding[] => [{ level: 'warning', text: 'not trusted yet', remedy: 'Trust it.' }];
    const source: Source<never> = { ...hooked, trigger: async () => ({ ...trigger, check }) };
    expect((await findings('hooks', source)).at(-1)).toMatchObject({ text: 'not trusted yet' });
  });

  it('finds nothing wrong with a plugin that has no hooks, and says how the tool is followed', async () => {
    expect(await findings('hooks', tinySource as Source<never>)).toMatchObject([
      { level: 'ok', text: expect.stringContaining('"tiny-tool-sync watch"') },
    ]);
    expect(await findings('last hook', tinySource as Source<never>)).toEqual([]);
  });

  it('says in the status what a session waits for where there are no hooks', async () => {
    const { out } = await run(['status'], tinySource as Source<never>);
    expect(out).toContain('Waiting   1 session, for "tiny-tool-sync watch", or "tiny-tool-sync sync"');
    expect(out).not.toContain('Last hook');
    expect((await run(['status'])).out).toContain('Last hook never');
  });

  it('names the types of records that nobody has described', async () => {
    const unknownRecord = (value: unknown) => (value as { kind?: string }).kind;
    const source: Source<never> = { ...hooked, trigger: async () => ({ ...trigger, unknownRecord }) };
    expect(level(await findings('format', source))).toEqual(['ok']);
    const lines = [{ kind: 'dream' }, { kind: 'dream' }, prompt('2')];
    writeFileSync(join(home, '.tiny/b.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await findings('format', source)).toMatchObject([
      { level: 'warning', text: expect.stringContaining('dream (2)') },
    ]);
  });

  it('takes it for no trouble how a session went, such as an answer that was cut off', async () => {
    const told = (location?: { file: string; line: number }): Source<never> => ({
      ...hooked,
      transform: (records, raw) =>
        tinySource.transform(records, raw).map((session) => ({
          ...session,
          problems: [{ message: 'Cut off.', ...(location && { location }) }],
        })),
    });
    expect(await findings('history', told())).toEqual([
      { about: 'history', level: 'ok', text: 'the newest 1 of 1 session read without a problem' },
      { about: 'history', level: 'ok', text: '1 note on the newest 1 of 1 session; the first: a: Cut off.' },
    ]);
    expect(level(await findings('history', told({ file: 'a', line: 1 })))).toEqual(['warning']);
  });

  it('gives the time of the last hook in whole milliseconds', async () => {
    const mark = join(home, '.tiny-tool-sync/live/default/mark');
    mkdirSync(dirname(mark), { recursive: true });
    writeFileSync(mark, 'Stop');
    utimesSync(mark, 1_700_000_000.1234, 1_700_000_000.1234);
    expect(JSON.parse((await run(['status', '--json'])).out).lastHook).toEqual({
      event: 'Stop',
      at: 1_700_000_000_123,
    });
  });

  it('counts what waits, and what cannot be read', async () => {
    expect(await findings('sync')).toMatchObject([{ level: 'warning', text: '1 session waits, of 1' }]);
    writeFileSync(join(home, '.tiny/a.jsonl'), 'broken\n');
    expect(await findings('history')).toMatchObject([
      { level: 'warning', text: expect.stringContaining('A line that is not JSON was left out.') },
    ]);
  });
});
