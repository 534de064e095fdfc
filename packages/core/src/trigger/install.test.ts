import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { Env, HookCommand, SettingsFile } from '../source.js';
import { hooksFile } from './hooks-file.js';
import { applyPlan, type InstallPlace, planRemoval, planSetup } from './install.js';

const hook: HookCommand = { node: '/usr/bin/node', script: '/opt/tiny/hook.cjs', plugin: 'tiny-sync' };
const newHook: HookCommand = { ...hook, script: '/opt/tiny-2/hook.cjs' };
const events = { Stop: {} };

let home: string;
let place: InstallPlace;
let settings: string;
let more: string;

beforeEach(() => {
  home = temporaryDirectory();
  const env: Env = { home, vars: {}, now: () => 0 };
  place = { plugin: 'tiny-sync', env };
  settings = join(home, '.tiny', 'settings.json');
  more = join(home, '.tiny', 'deeper', 'more.json');
});

const files = (by = hook): SettingsFile[] => [
  hooksFile({ path: settings, hook: by, events, grouped: true }),
  hooksFile({ path: more, hook: by, events }),
];
const setup = (by = hook) => {
  const plan = planSetup(place, files(by));
  applyPlan(plan);
  return plan.changes.map(({ path }) => path);
};

const remove = () => {
  const plan = planRemoval(place, files());
  applyPlan(plan);
  return plan.changes.map(({ path }) => path);
};

const record = () => join(home, '.tiny-sync', 'setup.json');

function write(path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Every file below the home with its bytes, its permissions and where it links to. */
function snapshot(): Record<string, string> {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.startsWith('.tiny-sync'),
  );
  return Object.fromEntries(
    names.sort().map((name) => {
      const path = join(home, name);
      const stats = lstatSync(path);
      const mode = (stats.mode & 0o7777).toString(8);
      if (stats.isSymbolicLink()) return [name, `-> ${readlinkSync(path)}`];
      return [name, stats.isFile() ? `${mode} ${readFileSync(path, 'latin1')}` : mode];
    }),
  );
}

const ORIGINALS = {
  'an object': '{\n  "a": 1\n}\n',
  'comments and a trailing comma': '// mine\n{ "a": 1, /* x */ }',
  'odd spacing': '{"a":1 ,\t"hooks" :{ "Stop":[ ]\n}  }   ',
  'other people’s hooks': '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say"}]}]}}\n',
  'CRLF and tabs': '{\r\n\t"a": 1\r\n}\r\n',
  'a byte order mark': '\uFEFF{"a": 1}\n',
  'no line break at the end': '{\n    "a": 1\n}',
  'nothing in it': '',
  'a line break alone': '\n',
};

describe('setup and its removal', () => {
  it.each(Object.entries(ORIGINALS))('leave a file with %s byte for byte as it was', (_name, text) => {
    write(settings, text, 0o640);
    const before = snapshot();
    expect(setup()).toEqual([settings, more]);
    expect(readFileSync(settings, 'utf8')).toContain(hook.script);
    expect(statSync(settings).mode & 0o7777).toBe(0o640);
    expect(remove()).toEqual([settings, more]);
    expect(snapshot()).toEqual(before);
    expect(existsSync(record())).toBe(false);
  });

  it('leave nothing where there was nothing', () => {
    setup();
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    remove();
    expect(snapshot()).toEqual({});
  });

  it('leave a folder that has other files by now', () => {
    setup();
    write(join(home, '.tiny', 'theirs.txt'), 'x');
    remove();
    expect(Object.keys(snapshot())).toEqual(['.tiny', '.tiny/theirs.txt']);
  });

  it('go through links to the file behind them, and leave the links', () => {
    write(join(home, 'dotfiles', 'tiny.json'), '{"a": 1}', 0o600);
    mkdirSync(dirname(settings));
    symlinkSync('../dotfiles/tiny.json', join(dirname(settings), 'link.json'));
    symlinkSync('link.json', settings);
    const before = snapshot();
    setup();
    expect(readFileSync(join(home, 'dotfiles', 'tiny.json'), 'utf8')).toContain(hook.script);
    expect(readlinkSync(settings)).toBe('link.json');
    remove();
    expect(snapshot()).toEqual(before);
  });

  it('go through a folder that is a link, and a link that leads to no file yet', () => {
    mkdirSync(join(home, 'dotfiles'));
    symlinkSync('dotfiles', dirname(settings));
    symlinkSync('../dotfiles/new/tiny.json', settings);
    const before = snapshot();
    setup();
    expect(readFileSync(join(home, 'dotfiles', 'new', 'tiny.json'), 'utf8')).toContain(hook.script);
    remove();
    expect(snapshot()).toEqual(before);
  });

  it('change nothing the second time', () => {
    write(settings, ORIGINALS['an object']);
    setup();
    const before = snapshot();
    expect(setup()).toEqual([]);
    expect(snapshot()).toEqual(before);
    remove();
    expect(remove()).toEqual([]);
  });

  it('keep what somebody else has written since, and leave nothing of ours', () => {
    write(settings, '{"a": 1}');
    setup();
    write(settings, readFileSync(settings, 'utf8').replace('"a": 1', '"a": 2 /* two */'), 0o600);
    write(more, readFileSync(more, 'utf8').replace('{', '{ "b": 3,'));
    remove();
    expect(readFileSync(settings, 'utf8')).toBe('{"a": 2 /* two */}');
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(more, 'utf8'))).toEqual({ b: 3 });
    expect(existsSync(record())).toBe(false);
  });

  it('take a file away that was made and holds nothing but ours, whoever has written it since', () => {
    setup();
    writeFileSync(more, `${readFileSync(more, 'utf8')}\n`);
    remove();
    expect(snapshot()).toEqual({});
  });

  it('do without a file that somebody has deleted since', () => {
    write(settings, '{"a": 1}');
    setup();
    rmSync(settings);
    expect(remove()).toEqual([more]);
    expect(snapshot()).toEqual({ '.tiny': snapshot()['.tiny'] });
  });

  it('remember the original over an upgrade to another folder', () => {
    const { 'odd spacing': text } = ORIGINALS;
    write(settings, text);
    setup();
    expect(setup(newHook)).toEqual([settings, more]);
    expect(readFileSync(settings, 'utf8')).not.toContain(hook.script);
    remove();
    expect(readFileSync(settings, 'utf8')).toBe(text);
    expect(existsSync(more)).toBe(false);
  });

  it('remember what somebody has written between two setups', () => {
    write(settings, '{"a": 1}');
    setup();
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('1', '2'));
    setup(newHook);
    remove();
    expect(readFileSync(settings, 'utf8')).toBe('{"a": 2}');
  });

  it('take ours out one by one where nothing is remembered', () => {
    write(settings, '{"a": 1}');
    setup();
    rmSync(record());
    remove();
    expect(JSON.parse(readFileSync(settings, 'utf8'))).toEqual({ a: 1 });
  });

  it('find files again that a variable has moved away from', () => {
    write(settings, '{"a": 1}');
    setup();
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('1', '2'));
    const moved = { ...(files()[0] as SettingsFile), path: join(home, 'elsewhere', 'settings.json') };
    const plan = planRemoval(place, [moved]);
    applyPlan(plan);
    expect(readFileSync(settings, 'utf8')).toBe('{"a": 2}');
    expect(existsSync(more)).toBe(false);
    expect(plan.left).toEqual([]);
  });

  it('are exact for any bytes that the tool could read', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    const texts = fc.tuple(value, fc.constantFrom(undefined, 1, 4, '\t'), fc.constantFrom('', '\n', ' \r\n'));
    fc.assert(
      fc.property(texts, ([{ hooks: _, ...rest }, indent, end]) => {
        const bytes = Buffer.from(JSON.stringify(rest, null, indent) + end);
        write(settings, bytes);
        setup();
        remove();
        expect(readFileSync(settings).equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('all or nothing', () => {
  const failing = (start: () => unknown): string => {
    const before = snapshot();
    let message = '';
    try {
      start();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(snapshot()).toEqual(before);
    expect(existsSync(record())).toBe(false);
    return message;
  };

  it('names a read-only file and how to open it', () => {
    write(more, '{}', 0o444);
    const message = failing(() => setup());
    expect(message).toContain(`Cannot write ${more}`);
    expect(message).toContain('chmod u+w');
  });

  it('names a read-only folder', () => {
    mkdirSync(dirname(more), { recursive: true });
    chmodSync(dirname(more), 0o555);
    expect(failing(() => setup())).toContain(`${dirname(more)} is read-only`);
    chmodSync(dirname(more), 0o755);
  });

  it('names a broken file, and where it is broken', () => {
    write(more, '{\n  "a": \n}');
    const message = failing(() => setup());
    expect(message).toContain(`${more}: not valid JSON at line 3, column 1`);
    expect(message).toContain('Correct the file');
  });

  it.each([
    ['a folder', () => mkdirSync(more, { recursive: true }), 'is not a file'],
    ['text in another encoding', () => write(more, Buffer.from([0x7b, 0xff, 0x7d])), 'is not UTF-8'],
    ['a circle of links', () => circle(), 'ELOOP'],
  ])('names %s', (_what, make, reason) => {
    make();
    const message = failing(() => setup());
    expect(message).toContain(more);
    expect(message).toContain(reason);
  });

  function circle(): void {
    mkdirSync(dirname(more), { recursive: true });
    symlinkSync('more.json', more);
  }

  it('goes back when a file cannot be written in the end', () => {
    write(settings, '{"a": 1}', 0o640);
    const { changes, ...plan } = planSetup(place, files());
    const [first, second] = changes.map((change) => ({ ...change, target: { ...change.target } }));
    if (first === undefined || second === undefined) throw new Error('Both files have to change.');
    second.target.path = join(settings, 'no folder');
    const message = failing(() => applyPlan({ ...plan, changes: [first, second] }));
    expect(message).toContain(`Cannot write ${more} (`);
    expect(message).toContain('Nothing was changed.');
  });

  it('does not overwrite what another program has written in the meantime', () => {
    write(settings, '{"a": 1}');
    const plan = planSetup(place, files());
    write(settings, '{"a": 2}');
    expect(failing(() => applyPlan(plan))).toContain(`${settings} has just been changed`);
  });

  it('removes nothing when one file cannot be written', () => {
    write(settings, '{"a": 1}');
    setup();
    chmodSync(more, 0o400);
    const before = snapshot();
    expect(() => remove()).toThrow(`Cannot write ${more}`);
    expect(snapshot()).toEqual(before);
    chmodSync(more, 0o600);
    remove();
    expect(readFileSync(settings, 'utf8')).toBe('{"a": 1}');
  });
});

describe('what is remembered', () => {
  it('is for its owner alone', () => {
    write(settings, '{"key": "secret"}');
    setup();
    expect(statSync(record()).mode & 0o777).toBe(0o600);
  });

  it.each(['{broken', '[]', '{"files": {"/x": {"before": 1}}}', '{"files": null}'])(
    'is an error that names it when it is %s',
    (text) => {
      write(record(), text);
      expect(() => setup()).toThrow(`Cannot read ${record()}`);
      expect(() => remove()).toThrow('Delete it');
    },
  );
});

describe('an earlier plugin', () => {
  const text =
    '{\n  // mine\n  "model": "x", "hooks": {"Stop": [{"hooks": [{"command": "tiny-sync hook Stop"}]}]}\n}\n';

  it('is replaced, and does not come back', () => {
    write(settings, text);
    setup();
    const connected = readFileSync(settings, 'utf8');
    expect(connected).toContain('/opt/tiny/hook.cjs');
    expect(connected).not.toContain('tiny-sync hook Stop');
    remove();
    expect(readFileSync(settings, 'utf8')).toBe('{\n  // mine\n  "model": "x"\n}\n');
  });
});
