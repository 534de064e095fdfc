import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addNotify, isNotified, readToml, removeNotify, retireNotify } from './notify.js';

const hook = { node: '/usr/bin/node', script: '/opt/codex-sync/hook.cjs', plugin: 'codex-sync' };
const moved = { ...hook, script: '/home/me/codex-sync/hook.cjs' };
const OURS = 'notify = ["/usr/bin/node", "/opt/codex-sync/hook.cjs", "codex-sync", "notify"]';
const chained = (...rest: string[]) => [hook.node, hook.script, 'codex-sync', 'notify', '--', ...rest];

const add = (text: string) => addNotify(text, hook);
const remove = (text: string, before?: string) => removeNotify(text, 'codex-sync', before);

describe('addNotify', () => {
  it.each([
    ['an empty file', '', `${OURS}\n`],
    [
      'top-level settings',
      'model = "x"  # best\n\n[tui]\na = 1\n',
      `model = "x"  # best\n${OURS}\n\n[tui]\na = 1\n`,
    ],
    ['tables alone', '# mine\n[tui]\na = 1\n', `${OURS}\n# mine\n[tui]\na = 1\n`],
    ['comments alone', '# notify = ["x"]', `${OURS}\n# notify = ["x"]`],
    ['no line break at the end', 'model = "x"', `model = "x"\n${OURS}`],
    ['CRLF', 'model = "x"\r\n[tui]\r\n', `model = "x"\r\n${OURS}\r\n[tui]\r\n`],
    ['a byte order mark', '\uFEFFmodel = "x"\n', `\uFEFFmodel = "x"\n${OURS}\n`],
    ['notify in a table', '[tui]\nnotify = true\n', `${OURS}\n[tui]\nnotify = true\n`],
    ['notify as part of a name', 'tui.notify = true\n', `tui.notify = true\n${OURS}\n`],
    ['notify in an inline table', 'tui = { notify = [] }\n', `tui = { notify = [] }\n${OURS}\n`],
    ['notify in a text', 'a = """\nnotify = ["x"]\n"""\n', `a = """\nnotify = ["x"]\n"""\n${OURS}\n`],
    ['a list over several lines', 'a = [\n  1, # one\n]\n[t]\n', `a = [\n  1, # one\n]\n${OURS}\n[t]\n`],
  ])('adds one line to %s', (_what, text, expected) => {
    expect(add(text)).toBe(expected);
    expect(remove(expected)).toBe(text);
    expect(isNotified(expected, hook)).toBe(true);
    expect(isNotified(text, hook)).toBe(false);
  });

  it.each([
    ['one line', 'notify = ["say", "it\'s \\"done\\""] # loud\n', ['say', 'it\'s "done"']],
    ['several lines', 'a = 1\nnotify = [\n  \'C:\\say\', # loud\n  """\nx""",\n]\n[t]\n', ['C:\\say', 'x']],
    ['a quoted name', '"notify" = ["say"]\n', ['say']],
    ['an empty list', 'notify = []\n', []],
    ['characters that need escaping', 'notify = ["\\u0001\\u007f\\t\\\\ü😀"]\n', ['\x01\x7f\t\\ü😀']],
  ])('chains a command on %s, and gives it back', (_what, text, command) => {
    const added = add(text);
    expect(readToml(added)).toEqual({ ...readToml(text), notify: chained(...command) });
    expect(remove(added, text)).toBe(text);
    expect(readToml(remove(added))).toEqual(readToml(text));
    expect(readToml(remove(`# new\n${added}`))).toEqual(readToml(text));
    expect(add(added)).toBe(added);
  });

  it('puts this install in the place of another one, and keeps the chain', () => {
    const added = addNotify('notify = ["say"]\n', moved);
    expect(isNotified(added, hook)).toBe(false);
    expect(readToml(add(added))).toEqual({ notify: chained('say') });
  });

  it('knows itself behind another program that chains', () => {
    const wrapped = `notify = ["wrap", "--then", "${hook.node}", "${moved.script}", "codex-sync", "notify", "--", "say"]\n`;
    expect(readToml(add(wrapped)).notify).toEqual(['wrap', '--then', ...chained('say')]);
    expect(readToml(remove(wrapped)).notify).toEqual(['wrap', '--then', 'say']);
  });

  it.each([
    ['a = [1\n', 'not valid TOML at line'],
    ['a = 1\na = 2\n', 'not valid TOML at line 2, column 1'],
    ['notify = "say"\n', '"notify" is not a list of texts'],
    ['notify = ["say", 1]\n', '"notify" is not a list of texts'],
    ['[notify]\na = 1\n', '"notify" is not a list of texts'],
    ['notify.a = 1\n', '"notify" is not a list of texts'],
  ])('refuses %j', (text, message) => {
    expect(() => add(text)).toThrow(message);
  });
});

describe('removeNotify', () => {
  it('leaves the command of somebody who has taken our place', () => {
    expect(remove('notify = ["say"]\n')).toBe('notify = ["say"]\n');
    expect(remove('')).toBe('');
  });

  it('leaves a comment that somebody has put behind it', () => {
    expect(remove(`a = 1\n${OURS} # a note\nb = 2\n`)).toBe('a = 1\n# a note\nb = 2\n');
  });
});

describe('any settings', () => {
  const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
  const quoted = (value: string) => JSON.stringify(value).replaceAll('\x7f', '\\u007f');
  const command = fc.array(text, { maxLength: 4 });
  const line = fc.oneof(
    fc.constantFrom('', '# notify = ["x"]', '\t'),
    fc.nat().map((number) => `key-${number} = "notify = [" # "`),
  );
  const settings = fc
    .record({
      top: fc.uniqueArray(line, { selector: (value) => (value.startsWith('key') ? value : {}) }),
      notify: fc.option(command, { nil: undefined }),
      table: fc.constantFrom('', '[tui]\nnotify = ["x"]\n', '[[a]]\n  notify = 1\n[[a]]'),
      lineBreak: fc.constantFrom('\n', '\r\n'),
      end: fc.boolean(),
    })
    .map(({ top, notify, table, lineBreak, end }) => {
      const own = notify === undefined ? [] : [`notify = [${notify.map(quoted).join(' ,\n')}]`];
      return [...top, ...own, ...(table === '' ? [] : [table]), ...(end ? [''] : [])]
        .join('\n')
        .replaceAll('\n', lineBreak);
    });

  it('are what they were after add and remove, and have ours once', () => {
    fc.assert(
      fc.property(settings, (original) => {
        const added = add(original);
        expect(add(added)).toBe(added);
        expect(readToml(added).notify).toEqual(
          readToml(original).notify === undefined
            ? [hook.node, hook.script, 'codex-sync', 'notify']
            : chained(...(readToml(original).notify as string[])),
        );
        expect({ ...readToml(added), notify: 0 }).toEqual({ ...readToml(original), notify: 0 });
        expect(remove(added, original)).toBe(original);
        expect(readToml(remove(added))).toEqual(readToml(original));
      }),
    );
  });
});

describe('retireNotify', () => {
  it.each([
    [
      'its name',
      '# Added by codex-sync setup\nnotify = ["codex-sync", "hook", "agent-turn-complete"]\na = 1\n',
    ],
    ['its path', 'notify = ["/usr/bin/codex-sync", "hook", "agent-turn-complete"]\na = 1\n'],
    ['its Windows name', 'notify = ["C:\\\\npm\\\\codex-sync.cmd", "hook", "agent-turn-complete"]\na = 1\n'],
    ['npx', 'notify = ["npx", "-y", "codex-sync", "hook", "agent-turn-complete"]\na = 1\n'],
    ['a shell', 'notify = ["sh", "-c", "codex-sync hook agent-turn-complete"]\na = 1\n'],
  ])('takes out the command of an earlier plugin, by %s', (_what, text) => {
    const retired = retireNotify(text, 'codex-sync');
    expect(readToml(retired)).toEqual({ a: 1 });
  });

  it.each(['', 'notify = ["say"]\n', 'notify = ["say", "codex-sync hook"]\n', `${OURS}\n`])(
    'leaves %j',
    (text) => {
      expect(retireNotify(text, 'codex-sync')).toBe(text);
    },
  );
});
