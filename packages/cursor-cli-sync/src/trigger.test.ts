import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env, HookCommand } from '@opensync/core/plugin';
import { testTrigger } from '@opensync/core/testing';
import { jsonValue, parseDocument } from '@opensync/core/trigger';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { loadProblem } from './hooks-json.js';
import { trigger } from './trigger.js';

const read = (text: string) => (text.trim() === '' ? undefined : jsonValue(parseDocument(text)));

testTrigger(trigger, {
  plugin: 'cursor-cli-sync',
  files: [
    {
      path: '.cursor/hooks.json',
      read,
      bom: false,
      texts: [
        '',
        '{}\n',
        '{"version": 1, "hooks": {}}',
        '{ "hooks": { } }\n',
        `// mine
{
\t"version": 1, /* always */
\t"hooks": {
\t\t"stop": [ { "command": "say done" } ], // loud
\t\t"afterFileEdit": [
\t\t\t{
\t\t\t\t"command": "./format.sh",
\t\t\t\t"timeout": 5
\t\t\t}
\t\t]
\t}
}
`,
      ],
    },
  ],
});

let home: string;
let env: Env;
const hook: HookCommand = { node: '/usr/bin/node', script: '/opt/hook.cjs', plugin: 'cursor-cli-sync' };

beforeEach(() => {
  home = temporaryDirectory();
  env = { home, vars: { PATH: join(home, 'bin') }, now: () => 0 };
});

const file = (by = hook) => {
  const [settings] = trigger.settings(env, by);
  if (settings === undefined) throw new Error('There is no settings file.');
  return settings;
};

describe('where Cursor is', () => {
  it('is ~/.cursor, wherever other files of it go', () => {
    env.vars = { CURSOR_CONFIG_DIR: join(home, 'config'), CURSOR_DATA_DIR: join(home, 'data') };
    expect(file().path).toBe(join(home, '.cursor/hooks.json'));
  });

  it('is known by its program or its folder', () => {
    expect(trigger.isInstalled(env)).toBe(false);
    mkdirSync(join(home, 'bin'));
    writeFileSync(join(home, 'bin/cursor-agent'), '');
    expect(trigger.isInstalled(env)).toBe(true);
  });
});

describe('what is written', () => {
  it('loads, answers where the hook cannot, and asks for no prompts and no files', () => {
    expect(JSON.parse(file().add(''))).toEqual({
      version: 1,
      hooks: Object.fromEntries(
        ['sessionStart', 'stop', 'subagentStop', 'sessionEnd'].map((event) => [
          event,
          [
            {
              command: `'/usr/bin/node' '/opt/hook.cjs' cursor-cli-sync ${event} 2>/dev/null || echo '{}'`,
            },
          ],
        ]),
      ),
    });
    expect(loadProblem(file().add(''))).toBeUndefined();
  });

  it.each([
    [
      'a URL in somebody else’s command',
      '{"version": 1, "hooks": {"stop": [{"command": "curl https://x"}]}}',
      '"//"',
    ],
    ['an event that Cursor does not know', '{"version": 1, "hooks": {"Stop": []}}', '"Stop"'],
    ['another kind of version', '{"version": "1"}', '"version"'],
    ['a trailing comma', '{"version": 1, "hooks": {},}', 'comma'],
    ['a byte order mark', '\uFEFF{}', 'byte order mark'],
    ['an entry that Cursor refuses', '{"hooks": {"preToolUse": [{"command": 1}]}}', '"hooks.preToolUse"'],
    ['a syntax error', '{"hooks"', 'line 1, column 9'],
  ])('is nothing into a file with %s', (_what, text, reason) => {
    expect(() => file().add(text)).toThrow(reason);
  });

  it('is nothing when our own path would break the file', () => {
    expect(() => file({ ...hook, script: '/opt//hook.cjs' }).add('')).toThrow('"//"');
  });

  it('always loads, whatever other hooks there are', () => {
    const entry = fc.record({ command: fc.string().filter((text) => !/\/[/*]/.test(text)) });
    const hooks = fc.dictionary(
      fc.constantFrom('stop', 'sessionEnd', 'preToolUse'),
      fc.array(entry, { maxLength: 3 }),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(hooks, fc.constantFrom('', '// a "note\n', '/* "x */'), (others, comment) => {
        const text = comment + JSON.stringify({ version: 1, hooks: others });
        const added = file().add(text);
        expect(loadProblem(added)).toBeUndefined();
        expect(read(file().remove(added, text))).toEqual({ version: 1, hooks: others });
      }),
    );
  });
});

describe('remove', () => {
  it('leaves a version that others need', () => {
    const added = JSON.parse(file().add('')) as { hooks: Record<string, unknown> };
    added.hooks.preToolUse = [{ command: 'say' }];
    expect(JSON.parse(file().remove(JSON.stringify(added), ''))).toEqual({
      version: 1,
      hooks: { preToolUse: [{ command: 'say' }] },
    });
  });

  it('takes the version out with the rest where it was not there', () => {
    expect(file().remove(file().add('{}'), '{}')).toBe('{}');
    expect(file().remove(file().add(''), '')).toBe('');
    const unread = '{"hooks": {"stop": [{"command": "say"}]}}';
    expect(JSON.parse(file().remove(file().add(unread), unread))).toEqual(JSON.parse(unread));
  });
});

describe('check', () => {
  it('names a file that the client leaves out, and why', () => {
    expect(trigger.check?.(env, hook)).toEqual([]);
    mkdirSync(join(home, '.cursor'));
    writeFileSync(join(home, '.cursor/hooks.json'), '{"hooks": {}}');
    expect(trigger.check?.(env, hook)).toEqual([
      {
        level: 'error',
        text: `Cursor leaves out all of ${join(home, '.cursor/hooks.json')}: "version" is not a whole number from 1.`,
        remedy: expect.any(String),
      },
    ]);
    writeFileSync(join(home, '.cursor/hooks.json'), file().add(''));
    expect(trigger.check?.(env, hook)).toEqual([]);
  });
});
