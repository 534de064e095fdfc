import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Env, HookCommand, SettingsFile, Trigger } from '../source.js';
import { applyPlan, planRemoval, planSetup } from '../trigger/install.js';

/** A settings file of the tool, and texts of it as people have them. */
export interface SettingsCase {
  /** Relative to the home directory. */
  path: string;
  /** Each is tried with other line breaks and without the last one as well. */
  texts: readonly string[];
  /** What the tool reads of a text; `undefined` for one without settings. */
  read(text: string): unknown;
  /** Whether the tool reads a text behind a byte order mark. Default true. */
  bom?: boolean;
}

export interface TriggerTest {
  /** Name of the plugin. */
  plugin: string;
  files: readonly SettingsCase[];
  /** Environment variables. */
  vars?: Record<string, string>;
}

/** Holds a trigger to the promises of `setup`: see docs/setup.md. */
export function testTrigger(trigger: Trigger, { plugin, files, vars = {} }: TriggerTest): void {
  let home: string;
  let env: Env;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'opensync-trigger-'));
    env = { home, vars, now: () => 0 };
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const hookAt = (folder: string): HookCommand => ({
    node: '/opt/node 20/bin/node',
    script: `/opt/${folder}/${plugin}/dist/hook.cjs`,
    plugin,
  });
  const place = () => ({ plugin, env });
  const setup = (folder = 'lib') => {
    const plan = planSetup(place(), trigger.settings(env, hookAt(folder)));
    applyPlan(plan);
    return plan.changes.map(({ path }) => path);
  };
  const remove = () => applyPlan(planRemoval(place(), trigger.settings(env, hookAt('lib'))));
  const settingsAt = (path: string, folder = 'lib'): SettingsFile => {
    const found = trigger.settings(env, hookAt(folder)).find((file) => file.path === join(home, path));
    if (found === undefined) throw new Error(`The trigger has no settings file ~/${path}.`);
    return found;
  };
  const marks = (text: string) => /\/opt\/lib|\/opt\/new/.test(text);

  describe.each(files)('setup on ~/$path', ({ path, texts, read, bom }) => {
    const write = (text: string, mode = 0o640) => {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
      chmodSync(join(home, path), mode);
    };
    const variants = [...new Set(texts.flatMap((text) => variantsOf(text, bom)))];

    it.each(variants)('leaves %j byte for byte as it was, with its permissions', (text) => {
      write(text);
      const before = snapshot(home, plugin);
      expect(setup()).toContain(join(home, path));
      expect(snapshot(home, plugin)).not.toEqual(before);
      expect(setup()).toEqual([]);
      remove();
      expect(snapshot(home, plugin)).toEqual(before);
    });

    it.each(variants)(
      'takes its entries out of %j and leaves the rest, whoever has written it since',
      (text) => {
        write(text);
        setup();
        write(`${readFileSync(join(home, path), 'utf8')}\n\n`);
        remove();
        const left = readFileSync(join(home, path), 'utf8');
        expect(read(left)).toEqual(read(text));
        expect(marks(left)).toBe(false);
      },
    );

    it.each(variants)('adds to %j once, and replaces the entries of another install', (text) => {
      write(text);
      const { add, remove: takeOut } = settingsAt(path);
      const added = add(text);
      expect(marks(added)).toBe(true);
      expect(add(added)).toBe(added);
      const moved = settingsAt(path, 'new').add(added);
      expect(moved).not.toContain('/opt/lib/');
      expect(add(moved)).toBe(added);
      expect(read(takeOut(moved, text))).toEqual(read(text));
    });

    it('goes through a link to the file behind it, and leaves the link', () => {
      write(texts[0] ?? '');
      const file = join(home, path);
      const target = join(home, 'dotfiles', basename(path));
      mkdirSync(dirname(target));
      renameSync(file, target);
      symlinkSync(target, file);
      const before = snapshot(home, plugin);
      setup();
      expect(lstatSync(file).isSymbolicLink()).toBe(true);
      expect(marks(readFileSync(target, 'utf8'))).toBe(true);
      remove();
      expect(snapshot(home, plugin)).toEqual(before);
    });

    it('changes nothing at all when the file is read-only', () => {
      write(texts[0] ?? '', 0o444);
      const before = snapshot(home, plugin);
      expect(() => setup()).toThrow(join(home, path));
      expect(snapshot(home, plugin)).toEqual(before);
    });
  });

  it('leaves nothing where there were no settings', () => {
    setup();
    expect(Object.keys(snapshot(home, plugin))).not.toEqual([]);
    remove();
    expect(snapshot(home, plugin)).toEqual({});
  });
}

/** A text, with CRLF, without its last line break, and behind a byte order mark. */
function variantsOf(text: string, bom = true): string[] {
  const crlf = text.replaceAll(/\r?\n/g, '\r\n');
  return [text, crlf, text.trimEnd(), ...(bom ? [`\uFEFF${text}`] : [])];
}

/** Everything below a home but the plugin's own folder: bytes, permissions and links. */
function snapshot(home: string, plugin: string): Record<string, string> {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.startsWith(`.${plugin}`),
  );
  return Object.fromEntries(names.sort().map((name) => [name, stateOf(join(home, name))]));
}

function stateOf(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  const mode = (stats.mode & 0o7777).toString(8);
  return stats.isFile() ? `${mode} ${readFileSync(path, 'latin1')}` : mode;
}
