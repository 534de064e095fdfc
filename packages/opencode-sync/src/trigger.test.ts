import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Env, HookCommand } from '@opensync/core/plugin';
import { testTrigger } from '@opensync/core/testing';
import { jsonValue, parseDocument, withoutBom } from '@opensync/core/trigger';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { trigger } from './trigger.js';

const read = (text: string) => (text.trim() === '' ? undefined : jsonValue(parseDocument(withoutBom(text))));

const texts = [
  '',
  '{}\n',
  '{"plugin": []}',
  '{ "$schema": "https://opencode.ai/config.json", "plugin": ["oh-my-opencode", ["x", {"a": 1}]] }\n',
  `{
\t// mine
\t"$schema": "https://opencode.ai/config.json",
\t"plugin": [
\t\t"file:///home/me/opencode.js", // not ours
\t],
}
`,
];

testTrigger(trigger, {
  plugin: 'opencode-sync',
  files: ['opencode.json', 'opencode.jsonc', 'config.json'].map((name) => ({
    path: `.config/opencode/${name}`,
    read,
    texts,
  })),
});

let home: string;
let env: Env;
const hook: HookCommand = {
  node: '/usr/bin/node',
  script: '/opt/a b/opencode-sync/dist/hook.cjs',
  plugin: 'opencode-sync',
};

const OURS = 'file:///opt/a%20b/opencode-sync/dist/opencode.js';

beforeEach(() => {
  home = temporaryDirectory();
  env = { home, vars: {}, now: () => 0 };
});
/** Writes files below the home, and gives what `add` would change. */
function changes(files: Record<string, string>): Record<string, unknown> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const changed = trigger.settings(env, hook).flatMap(({ path, add }) => {
    const name = path.slice(home.length + 1);
    const text = Object.hasOwn(files, name) ? readFileSync(path, 'utf8') : '';
    return add(text) === text ? [] : [[name, read(add(text))] as const];
  });
  return Object.fromEntries(changed);
}

const JSONC = '.config/opencode/opencode.jsonc';
const JSON_FILE = '.config/opencode/opencode.json';
const OLD = '.config/opencode/config.json';

describe('which file is changed', () => {
  it('is opencode.json where there is none', () => {
    expect(changes({})).toEqual({ [JSON_FILE]: { plugin: [OURS] } });
  });

  it.each([
    [[JSONC, JSON_FILE, OLD], JSONC],
    [[JSON_FILE, OLD], JSON_FILE],
    [[OLD], OLD],
  ])('of %j is %s', (files, expected) => {
    const made = Object.fromEntries(files.map((file) => [file, '{}']));
    expect(changes(made)).toEqual({ [expected]: { plugin: [OURS] } });
  });

  it('is the one that a variable names', () => {
    env.vars = { OPENCODE_CONFIG: join(home, 'mine.json') };
    expect(changes({ [JSONC]: '{}' })).toEqual({ 'mine.json': { plugin: [OURS] } });
    env.vars = { XDG_CONFIG_HOME: join(home, 'xdg') };
    expect(changes({})).toEqual({ 'xdg/opencode/opencode.json': { plugin: [OURS] } });
  });

  it('is the one that has us already, wherever another one has come up since', () => {
    const old = 'file:///old/node_modules/opencode-sync/dist/opencode.js';
    expect(changes({ [OLD]: JSON.stringify({ plugin: ['a', [old, { b: 1 }]] }), [JSONC]: '{}' })).toEqual({
      [OLD]: { plugin: ['a', [OURS, { b: 1 }]] },
    });
  });

  it.each(['opencode-sync', 'opencode-sync@1.2.3'])('is none where %s is installed as a package', (name) => {
    expect(changes({ [JSON_FILE]: JSON.stringify({ plugin: [name] }), [JSONC]: '{}' })).toEqual({});
    const [, file] = trigger.settings(env, hook);
    const text = JSON.stringify({ plugin: [name] });
    expect(file?.remove(text)).toBe(text);
  });

  it('says so when "plugin" is something else', () => {
    expect(() => changes({ [JSON_FILE]: '{"plugin": {}}' })).toThrow('"plugin" is not an array');
  });
});

describe('what is ours', () => {
  it.each([
    'opencode-sync-plugin',
    'file:///home/me/opencode-sync.js',
    'file:///home/me/.config/opencode/opencode.js',
    '@me/opencode-sync',
  ])('is not %s', (name) => {
    expect(changes({ [JSON_FILE]: JSON.stringify({ plugin: [name] }) })).toEqual({
      [JSON_FILE]: { plugin: [name, OURS] },
    });
  });
});

describe('any list of plugins', () => {
  it('is what it was after add and remove', () => {
    const entry = fc.oneof(fc.string(), fc.tuple(fc.string(), fc.jsonValue()), fc.constant(null));
    const configs = fc.record(
      { plugin: fc.array(entry, { maxLength: 3 }), model: fc.string() },
      { requiredKeys: [], noNullPrototype: true },
    );
    const [, file] = trigger.settings(env, hook);
    fc.assert(
      fc.property(configs, fc.constantFrom(undefined, 2, '\t'), (config, indent) => {
        const text = JSON.stringify(config, null, indent);
        // JSON has no -0.
        const value = read(text) as typeof config;
        const added = file?.add(text) ?? '';
        expect(read(added)).toEqual({ ...value, plugin: [...(value.plugin ?? []), OURS] });
        expect(read(file?.remove(added, text) ?? '')).toEqual(value);
      }),
    );
  });
});

describe('where OpenCode is', () => {
  it('is known by its program or one of its folders', () => {
    expect(trigger.isInstalled(env)).toBe(false);
    mkdirSync(join(home, '.local/share/opencode'), { recursive: true });
    expect(trigger.isInstalled(env)).toBe(true);
    rmSync(join(home, '.local'), { recursive: true });
    mkdirSync(join(home, '.config/opencode'), { recursive: true });
    expect(trigger.isInstalled(env)).toBe(true);
    rmSync(join(home, '.config'), { recursive: true });
    writeFileSync(join(home, 'opencode'), '');
    env.vars = { PATH: home };
    expect(trigger.isInstalled(env)).toBe(true);
  });
});

it('replaces the earlier plugin, whatever its version', () => {
  const [file] = trigger.settings(env, hook);
  const text = '{ "plugin": ["a", "opencode-sync-plugin@0.3.5", "b"] }';
  expect(read(file?.retire?.(text) ?? '')).toEqual({ plugin: ['a', 'b'] });
  expect(file?.retire?.('{ "plugin": ["opencode-sync"] }')).toBe('{ "plugin": ["opencode-sync"] }');
});
