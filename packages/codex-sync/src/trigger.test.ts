import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env, HookCommand } from '@opensync/core/plugin';
import { testTrigger } from '@opensync/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { readToml } from './notify.js';
import { trigger } from './trigger.js';

testTrigger(trigger, {
  plugin: 'codex-sync',
  files: [
    {
      path: '.codex/hooks.json',
      read: (text) => (text.trim() === '' ? undefined : JSON.parse(text)),
      bom: false,
      texts: [
        '',
        '{}\n',
        '{"description": "mine", "hooks": {}}',
        `{
\t"hooks": {
\t\t"Stop": [
\t\t\t{ "hooks": [ {"type": "command", "command": "notify-send done", "async": true} ] }
\t\t],
\t\t"PreToolUse": [ { "matcher": "Bash", "hooks": [] } ]
\t}
}
`,
      ],
    },
    {
      path: '.codex/config.toml',
      read: readToml,
      texts: [
        '',
        'model = "gpt-5"   # the best\n\n[mcp_servers.x]\ncommand = "npx"\nargs = ["-y", "x"]\n',
        '# notify = ["no"]\n[tui]\nnotifications = true\n',
        'notify = [\n  "notify-send",  # loud\n  "Codex",\n]\nmodel = "gpt-5"\n',
      ],
    },
  ],
});

let home: string;
let env: Env;
const hook: HookCommand = { node: '/usr/bin/node', script: '/opt/hook.cjs', plugin: 'codex-sync' };

beforeEach(() => {
  home = realpathSync(temporaryDirectory());
  env = { home, vars: { PATH: join(home, 'bin') }, now: () => 0 };
});

describe('where Codex is', () => {
  it('follows CODEX_HOME', () => {
    env.vars = { CODEX_HOME: join(home, 'c') };
    const paths = trigger.settings(env, hook).map(({ path }) => path);
    expect(paths).toEqual([join(home, 'c/hooks.json'), join(home, 'c/config.toml')]);
  });

  it('is known by its program or its folder', () => {
    expect(trigger.isInstalled(env)).toBe(false);
    mkdirSync(join(home, '.codex'));
    expect(trigger.isInstalled(env)).toBe(true);
  });
});

describe('hooks.json', () => {
  const add = (text: string) => trigger.settings(env, hook)[0]?.add(text);

  it('has an entry for each event that notify does not tell, and no one is waited for', () => {
    const { hooks } = JSON.parse(add('') ?? '') as {
      hooks: Record<string, { hooks: { async?: boolean }[] }[]>;
    };
    const waits = Object.entries(hooks).map(([event, [group]]) => [event, group?.hooks[0]?.async]);
    expect(Object.fromEntries(waits)).toEqual({
      SessionStart: true,
      UserPromptSubmit: true,
      Interrupt: true,
    });
  });

  // Each of them makes Codex 0.169 leave out the file.
  it.each([
    ['a comment', '{ // mine\n}', 'line 1, column 3'],
    ['a trailing comma', '{"hooks": {},}', 'line 1, column 14'],
    ['a byte order mark', '\uFEFF{}', 'line 1, column 1'],
    ['another setting', '{"$schema": "x"}', '"$schema"'],
    ['a setting that is there twice', '{"hooks": {}, "hooks": {}}', '"hooks" is in it twice'],
    ['an event that is there twice', '{"hooks": {"Stop": [], "Stop": []}}', '"Stop" is in it twice'],
  ])('is not changed when it has %s', (_what, text, message) => {
    expect(() => add(text)).toThrow(message);
  });
});

/** Of the entries below, as Codex 0.169.0 computes them (`hooks/list` of its app-server). */
const HASHES: Record<string, string> = {
  session_start: '165e944f1fea38b9891096c1f83d1b419586a4c80d075db8b6275ccf865aeee9',
  user_prompt_submit: 'e8caa96757a9f8d37a21483269f5d6af8454f9251cd826ce0fbe9c33cbcbacd1',
  interrupt: '6c6702b194d757d364238d2a5651b84e065a426e8755adc368dd7cbd4c2be172',
};

describe('check', () => {
  const folder = () => join(home, '.codex');
  const setUp = (config = '') => {
    mkdirSync(folder(), { recursive: true });
    for (const { path, add } of trigger.settings(env, hook)) {
      writeFileSync(path, add(path.endsWith('.toml') ? config : ''));
    }
  };
  const check = () => trigger.check?.(env, hook);
  const trust = (events: string[], at = folder(), more = '', hashes: Record<string, string> = HASHES) => {
    const states = events.map(
      (event) =>
        `[hooks.state."${at}/hooks.json:${event}:0:0"]\ntrusted_hash = "sha256:${hashes[event]}"\n${more}`,
    );
    writeFileSync(
      join(folder(), 'config.toml'),
      readFileSync(join(folder(), 'config.toml')) + states.join('\n'),
    );
  };
  const EVENTS = Object.keys(HASHES);

  it('has nothing to say where nothing is set up', () => {
    expect(check()).toEqual([]);
  });

  it('finds hooks that wait to be trusted, by their events', () => {
    setUp();
    trust(EVENTS.slice(0, 1));
    expect(check()).toEqual([
      {
        level: 'warning',
        text: 'Hooks of Codex wait to be trusted: user_prompt_submit, interrupt.',
        remedy: expect.stringContaining('Trust all'),
      },
    ]);
  });

  it('is content when all are trusted, also through a link to the folder', () => {
    mkdirSync(join(home, 'dotfiles'));
    symlinkSync(join(home, 'dotfiles'), folder());
    setUp();
    trust(EVENTS, join(home, 'dotfiles'));
    expect(check()).toEqual([
      expect.objectContaining({ level: 'ok', text: expect.stringContaining('trust') }),
    ]);
  });

  it('finds hooks that are no longer what was trusted', () => {
    setUp();
    trust(EVENTS, folder(), '', { ...HASHES, interrupt: '0'.repeat(64) });
    expect(check()).toEqual([
      {
        level: 'warning',
        text: 'Hooks of Codex were changed after they were trusted, and are not run: interrupt.',
        remedy: expect.stringContaining('Trust all'),
      },
    ]);
  });

  it('does not judge a hook whose definition somebody else has written', () => {
    setUp();
    const path = join(folder(), 'hooks.json');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"async"', '"timeout": 5, "async"'));
    trust(EVENTS);
    expect(check()).toEqual([expect.objectContaining({ level: 'ok' })]);
  });

  it('counts the place of a hook behind other people’s', () => {
    setUp();
    const path = join(folder(), 'hooks.json');
    const { hooks } = JSON.parse(readFileSync(path, 'utf8')) as { hooks: Record<string, unknown[]> };
    hooks.Interrupt?.unshift({ hooks: [{ type: 'command', command: 'say' }] });
    writeFileSync(path, JSON.stringify({ hooks }));
    trust(EVENTS);
    expect(check()).toEqual([
      expect.objectContaining({ text: 'Hooks of Codex wait to be trusted: interrupt.' }),
    ]);
  });

  it('finds hooks that are switched off, one by one and all together', () => {
    setUp();
    trust(EVENTS, folder(), 'enabled = false\n');
    expect(check()).toEqual([
      expect.objectContaining({ text: expect.stringContaining('switched off: session') }),
    ]);
    setUp('features.hooks = false\n');
    expect(check()).toEqual([
      expect.objectContaining({ level: 'error', text: expect.stringContaining('switches all hooks off') }),
    ]);
  });

  it('finds hooks of the plugin that wait to be trusted', () => {
    mkdirSync(folder());
    const config = '[plugins."codex-sync@opensync"]\nenabled = true\n';
    writeFileSync(join(folder(), 'config.toml'), config);
    expect(check()).toEqual([
      expect.objectContaining({ level: 'warning', text: expect.stringContaining('plugin') }),
    ]);
    const state =
      '[hooks.state."codex-sync@opensync:hooks/hooks.json:stop:0:0"]\ntrusted_hash = "sha256:0"\n';
    writeFileSync(join(folder(), 'config.toml'), config + state);
    expect(check()).toEqual([expect.objectContaining({ level: 'ok' })]);
  });

  it('finds another program in the place of notify', () => {
    setUp();
    writeFileSync(join(folder(), 'config.toml'), 'notify = ["say"]\n');
    trust(EVENTS);
    expect(check()).toEqual([
      expect.objectContaining({ level: 'ok', text: expect.stringContaining('trust') }),
      expect.objectContaining({ level: 'warning', text: expect.stringContaining('"notify"') }),
    ]);
  });

  it('finds files that Codex cannot read', () => {
    setUp();
    writeFileSync(join(folder(), 'hooks.json'), '{ // mine\n}');
    writeFileSync(join(folder(), 'config.toml'), 'notify = [');
    expect(check()).toEqual([
      expect.objectContaining({ level: 'error', text: expect.stringContaining('hooks.json') }),
      expect.objectContaining({ level: 'error', text: expect.stringContaining('config.toml') }),
    ]);
  });
});

it('is called already where Codex has the plugin of this repository switched on', () => {
  mkdirSync(join(home, '.codex'));
  const config = (text: string) => writeFileSync(join(home, '.codex/config.toml'), text);
  const found: (boolean | undefined)[] = [trigger.hasOwnPlugin?.(env)];
  for (const rest of ['enabled = true', 'enabled = false']) {
    config(`[plugins."codex-sync@opensync"]\n${rest}\n`);
    found.push(trigger.hasOwnPlugin?.(env));
  }
  expect(found).toEqual([false, true, false]);
});
