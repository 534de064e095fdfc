import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env, HookCommand } from '@opensync/core/plugin';
import { testTrigger } from '@opensync/core/testing';
import { jsonValue, parseDocument, withoutBom } from '@opensync/core/trigger';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { trigger } from './trigger.js';

const read = (text: string) => (text.trim() === '' ? undefined : jsonValue(parseDocument(withoutBom(text))));

testTrigger(trigger, {
  plugin: 'claude-code-sync',
  files: [
    {
      path: '.claude/settings.json',
      read,
      texts: [
        '',
        '{}\n',
        '{"model": "opus"}',
        `{
  "$schema": "https://json.schemastore.org/claude-code-settings.json",
  "permissions": { "allow": ["Bash(git diff:*)"] },
  "hooks": {
    "Stop": [
      { "hooks": [ { "type": "command", "command": "notify-send 'done // really'" } ] }
    ],
    "PreToolUse": [
      {
        "matcher": "Bash",
        "hooks": [{ "type": "command", "command": "~/bin/check.sh", "timeout": 5 }]
      }
    ]
  }
}
`,
        '{\n\t// mine\n\t"hooks": {\n\t\t"SessionEnd": [], /* later */\n\t},\n}\n',
      ],
    },
  ],
});

let home: string;
let env: Env;
const hook: HookCommand = { node: '/usr/bin/node', script: '/opt/hook.cjs', plugin: 'claude-code-sync' };

beforeEach(() => {
  home = temporaryDirectory();
  env = { home, vars: { PATH: join(home, 'bin') }, now: () => 0 };
});

const settings = () => trigger.settings(env, hook).map(({ path }) => path);

describe('where Claude Code is', () => {
  it('follows CLAUDE_CONFIG_DIR', () => {
    expect(settings()).toEqual([join(home, '.claude/settings.json')]);
    env.vars = { CLAUDE_CONFIG_DIR: join(home, 'config') };
    expect(settings()).toEqual([join(home, 'config/settings.json')]);
  });

  it('is known by its program or its folder', () => {
    expect(trigger.isInstalled(env)).toBe(false);
    mkdirSync(join(home, 'bin'));
    writeFileSync(join(home, 'bin/claude'), '');
    expect(trigger.isInstalled(env)).toBe(true);
    rmSync(join(home, 'bin'), { recursive: true });
    mkdirSync(join(home, '.claude'));
    expect(trigger.isInstalled(env)).toBe(true);
  });
});

describe('what is written', () => {
  it('is one group for each event, with a longer time for the last', () => {
    const [file] = trigger.settings(env, hook);
    const { hooks } = JSON.parse(file?.add('') ?? '') as { hooks: Record<string, { hooks: object[] }[]> };
    expect(Object.keys(hooks)).toEqual([
      'SessionStart',
      'UserPromptSubmit',
      'Stop',
      'SubagentStop',
      'SessionEnd',
    ]);
    expect(hooks.Stop).toEqual([
      {
        hooks: [
          {
            type: 'command',
            command: "'/usr/bin/node' '/opt/hook.cjs' claude-code-sync Stop 2>/dev/null || :",
          },
        ],
      },
    ]);
    expect(hooks.SessionEnd?.[0]?.hooks[0]).toMatchObject({ timeout: 10 });
  });
});

describe('check', () => {
  const check = (text: string) => {
    mkdirSync(join(home, '.claude'), { recursive: true });
    writeFileSync(join(home, '.claude/settings.json'), text);
    return trigger.check?.(env, hook);
  };

  it('finds nothing to say about settings in order, or none', () => {
    expect(trigger.check?.(env, hook)).toEqual([]);
    expect(check('\uFEFF{"hooks": {}}')).toEqual([]);
  });

  it('finds settings that the client does not read', () => {
    expect(check('{\n  // mine\n}')).toEqual([
      expect.objectContaining({ level: 'error', text: expect.stringContaining('line 2, column 3') }),
    ]);
  });

  it('finds that hooks are switched off', () => {
    expect(check('{"disableAllHooks": true}')).toEqual([
      expect.objectContaining({ level: 'error', text: expect.stringContaining('switches all hooks off') }),
    ]);
    expect(check('{"disableAllHooks": false}')).toEqual([]);
  });
});
