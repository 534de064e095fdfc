import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { tinySource } from '../../test/tiny-source.js';
import type { Source, Trigger } from '../source.js';
import { hooksFile } from '../trigger/hooks-file.js';
import { createCli } from './create-cli.js';

let home: string;
let script: string;
let settings: string;

beforeEach(() => {
  home = temporaryDirectory();
  script = install('lib');
  settings = join(home, '.tiny', 'settings.json');
  mkdirSync(join(home, '.tiny'));
});

/** An install of the plugin; its `cli.js`. */
function install(folder: string): string {
  const dist = join(home, folder, 'tiny-tool-sync', 'dist');
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'hook.cjs'), '');
  return join(dist, 'cli.js');
}

const trigger: Trigger = {
  isInstalled: (env) => existsSync(join(env.home, '.tiny')),
  settings: (env, hook) => [
    hooksFile({ path: join(env.home, '.tiny', 'settings.json'), hook, events: { Stop: {} } }),
  ],
  afterSetup: ['Trust the hooks.'],
  check: () => [
    { level: 'error', text: 'Hooks are switched off.', remedy: 'Switch them on.' },
    { level: 'warning', text: 'Not trusted yet.', remedy: 'Trust them.' },
  ],
};

const withTrigger: Source = { ...tinySource, trigger: async () => trigger } as Source;

async function run(args: string[], { from = withTrigger, as = script, vars = {} } = {}) {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const env = { home, vars, now: () => Date.now() };
  const code = await createCli(from).run(args, { env, stdout, stderr, stdin, script: as });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, out: text(stdout), err: text(stderr) };
}

describe('setup', () => {
  it('says which files it changes, what it adds and what is left to do', async () => {
    writeFileSync(settings, '{\n  "a": 1\n}\n');
    const { code, out, err } = await run(['setup', '--yes']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      `edit ${settings}`,
      '  +   "hooks": {',
      '  +     "Stop": [',
      expect.stringMatching(/^ {2}\+ {9}"command": "'.+hook\.cjs' tiny-tool-sync Stop .+"$/),
      'Tiny Tool is set up, but not all of it is in force:',
      'Hooks are switched off. Switch them on.',
      'Trust the hooks.',
      'Nobody is signed in yet: run "tiny-tool-sync login".',
      '',
    ]);
    expect(readFileSync(settings, 'utf8')).toContain(process.execPath);
  });

  it('shows each line that comes or goes, and no other one, however the file is laid out', async () => {
    writeFileSync(settings, '{\n  "secret": 1,\n  "hooks": {"Stop":[{"command":"theirs"}],"Start":[]}\n}\n');
    const events = { Stop: { timeout: 1 }, Start: { timeout: 1 } };
    const twoEvents: Trigger = {
      ...trigger,
      settings: (_, hook) => [hooksFile({ path: settings, hook, events })],
    };
    const from = { ...withTrigger, trigger: async () => twoEvents };
    const changes = (out: string) => out.match(/^ {2}[-+].*$/gm)?.map((line) => line.replace(/'.+'/, '…'));
    const added = [
      '  +         "command": "… tiny-tool-sync Stop 2>/dev/null || :"',
      '  +         "timeout": 1',
      '  +         "command": "… tiny-tool-sync Start 2>/dev/null || :"',
      '  +         "timeout": 1',
    ];
    expect(changes((await run(['setup', '--yes'], { from })).out)).toEqual(added);
    expect(changes((await run(['setup', '--remove', '--yes'], { from })).out)).toEqual(
      added.map((line) => line.replace('+', '-')),
    );
  });

  it('shows nothing of settings that are all on one line but what it adds', async () => {
    writeFileSync(settings, '{"env":{"KEY":"secret"},"hooks":{"Start":[]},"other":"secret"}');
    const { out } = await run(['setup', '--yes']);
    expect(out).toMatch(/^ {2}\+ +"command": "'.+hook\.cjs' tiny-tool-sync Stop .+"$/m);
    expect(out + (await run(['setup', '--remove', '--yes'])).out).not.toContain('secret');
  });

  it.each(['{"apiKey":"secret" /* mine */}', '{"apiKey":"secret"} // mine', '{"apiKey":"secret",}'])(
    'shows nothing of %s',
    async (text) => {
      writeFileSync(settings, text);
      const { code, out } = await run(['setup', '--yes']);
      expect(code).toBe(0);
      expect(out + (await run(['setup', '--remove', '--yes'])).out).not.toContain('secret');
    },
  );

  it('says nothing of signing in to somebody who is', async () => {
    const vars = { OPENSYNC_URL: 'https://a.convex.site', OPENSYNC_API_KEY: 'osk_0123456789abcdef' };
    const from = { ...withTrigger, trigger: async () => ({ ...trigger, check: () => [] }) };
    const { out } = await run(['setup', '--yes'], { vars, from });
    expect(out).toContain('Tiny Tool is set up: its sessions are synced as they happen.');
    expect(out).not.toContain('login');
  });

  it('says the second time that it is set up already', async () => {
    await run(['setup', '--yes']);
    const { code, out } = await run(['setup']);
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 2)).toEqual([
      'Tiny Tool is set up, but not all of it is in force:',
      'Hooks are switched off. Switch them on.',
    ]);
    expect(out).not.toContain('Trust the hooks');
    const from = { ...withTrigger, trigger: async () => ({ ...trigger, check: () => [] }) };
    expect((await run(['setup'], { from })).out.split('\n')[0]).toBe('Tiny Tool is set up already.');
  });

  it('moves to another install of the plugin', async () => {
    await run(['setup', '--yes']);
    const { out } = await run(['setup', '--yes'], { as: install('lib2') });
    expect(out.match(/^ {2}[-+]/gm)).toEqual(['  -', '  +']);
    expect(readFileSync(settings, 'utf8')).toContain('lib2');
  });

  it('exits 2 without a terminal, and says how to do without', async () => {
    for (const args of [[], ['--json'], ['--remove']]) {
      if (args.includes('--remove')) await run(['setup', '--yes']);
      const { code, err } = await run(['setup', ...args]);
      expect(code).toBe(2);
      expect(err).toContain('--yes');
    }
  });

  it('changes nothing and says so when the tool is not there', async () => {
    const { code, err } = await run(['setup', '--yes'], {
      from: { ...withTrigger, trigger: async () => ({ ...trigger, isInstalled: () => false }) },
    });
    expect(code).toBe(1);
    expect(err).toContain('Tiny Tool is not on this machine');
    expect(existsSync(settings)).toBe(false);
  });

  it.each(['.npm/_npx/0f', '.cache/pnpm/dlx/0f', 'bunx-0-tiny-tool-sync@latest'])(
    'refuses to register a copy in %s, which will be deleted',
    async (folder) => {
      const { code, err } = await run(['setup', '--yes'], { as: install(folder) });
      expect(code).toBe(1);
      expect(err).toContain('npm install -g tiny-tool-sync');
      expect(existsSync(settings)).toBe(false);
    },
  );

  it('refuses to register a hook that is missing', async () => {
    const { code, err } = await run(['setup', '--yes'], { as: join(home, 'nowhere', 'cli.js') });
    expect(code).toBe(1);
    expect(err).toContain(`${join(home, 'nowhere', 'hook.cjs')} is missing`);
  });

  it('prints with --dry-run what it would do, and does nothing', async () => {
    const { code, out } = await run(['setup', '--dry-run']);
    expect(code).toBe(0);
    expect(out).toContain(`create ${settings}`);
    expect(out).toContain('Nothing was changed.\nHooks are switched off. Switch them on.\n');
    expect(existsSync(settings)).toBe(false);
    expect(existsSync(join(home, '.tiny-tool-sync'))).toBe(false);
  });

  it('prints all of it as JSON', async () => {
    const { out } = await run(['setup', '--yes', '--json']);
    expect(JSON.parse(out)).toEqual({
      schema: 1,
      plugin: 'tiny-tool-sync',
      action: 'setup',
      dryRun: false,
      changed: true,
      files: [{ path: settings, change: 'create' }],
      next: expect.arrayContaining(['Trust the hooks.']),
    });
    expect(JSON.parse((await run(['setup', '--dry-run', '--json'])).out)).toMatchObject({ changed: false });
  });

  it('is an error for a tool without hooks', async () => {
    const { code, err } = await run(['setup', '--yes'], { from: tinySource as Source });
    expect(code).toBe(1);
    expect(err).toContain('tiny-tool-sync sync');
  });
});

describe('setup --remove', () => {
  it('puts everything back, also when the tool is gone and from a copy that will be deleted', async () => {
    await run(['setup', '--yes']);
    const { code, out } = await run(['setup', '--remove', '--yes'], {
      from: { ...withTrigger, trigger: async () => ({ ...trigger, isInstalled: () => false }) },
      as: '/home/me/.npm/_npx/0f/cli.js',
    });
    expect(code).toBe(0);
    expect(out).toContain(`delete ${settings}`);
    expect(out).toContain('Tiny Tool is not connected any more.');
    expect(existsSync(settings)).toBe(false);
    expect(existsSync(join(home, '.tiny-tool-sync', 'setup.json'))).toBe(false);
  });

  it('says so when it was not set up', async () => {
    const { code, out } = await run(['setup', '--remove']);
    expect({ code, out }).toEqual({ code: 0, out: 'Tiny Tool was not set up. Nothing was changed.\n' });
  });

  it('has nothing to do for a plugin without hooks: it says what follows the tool, and leaves its settings alone', async () => {
    writeFileSync(settings, '{}');
    const { code, err } = await run(['setup', '--yes'], { from: tinySource as Source });
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('"tiny-tool-sync watch"') });
    expect(await run(['setup', '--remove', '--yes'], { from: tinySource as Source })).toEqual({
      code: 0,
      out: 'Tiny Tool does not call tiny-tool-sync. Nothing was changed.\n',
      err: '',
    });
    expect(readFileSync(settings, 'utf8')).toBe('{}');
    expect((await run(['--help'], { from: tinySource as Source })).out).not.toMatch(/^ {2}(setup|hook)/m);
    expect((await run(['--help'])).out).toMatch(/^ {2}setup/m);
  });
});
