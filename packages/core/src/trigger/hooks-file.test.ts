import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commentsOf, settingsText } from '../../test/settings-text.js';
import type { HookCommand } from '../source.js';
import { commandLine } from './command-line.js';
import { type HooksFileOptions, hooksFile } from './hooks-file.js';
import { documentOf, jsonValue, parseDocument, withoutBom } from './json-text.js';

const hook: HookCommand = { node: '/usr/bin/node', script: '/opt/tiny/hook.cjs', plugin: 'tiny-sync' };
const elsewhere: HookCommand = { ...hook, script: '/home/me/tiny/hook.cjs' };
const events = { Start: {}, Stop: { timeout: 3 } };

const file = (options: Partial<HooksFileOptions> = {}) =>
  hooksFile({ path: '/tiny/settings.json', hook, events, grouped: true, ...options });
const flat = (options: Partial<HooksFileOptions> = {}) => file({ grouped: false, ...options });
const read = (text: string) => jsonValue(parseDocument(withoutBom(text))) as Record<string, unknown>;
const ours = (event: string, by = hook) => ({ type: 'command', command: commandLine(by, event) });

describe('add', () => {
  it('makes a file where there is none', () => {
    const text = file().add('');
    expect(text.endsWith('\n')).toBe(true);
    expect(read(text)).toEqual({
      hooks: {
        Start: [{ hooks: [ours('Start')] }],
        Stop: [{ hooks: [{ ...ours('Stop'), timeout: 3 }] }],
      },
    });
    expect(read(flat().add(''))).toEqual({
      hooks: {
        Start: [{ command: commandLine(hook, 'Start') }],
        Stop: [{ command: commandLine(hook, 'Stop'), timeout: 3 }],
      },
    });
  });

  it('puts ours behind other people’s, and leaves every byte of theirs', () => {
    const text = `{
\t// mine, do not touch
\t"model" :  "tiny",
\t"hooks": {
\t\t"Stop": [
\t\t\t{ "matcher": "*", "hooks": [ {"type":"command", "command": "say done"} ] } // loud
\t\t],
\t\t"Other": []
\t}
}`;
    const added = file().add(text);
    expect(added).toContain(
      '{ "matcher": "*", "hooks": [ {"type":"command", "command": "say done"} ] }, // loud\n',
    );
    const { hooks } = read(added) as { hooks: Record<string, unknown[]> };
    expect(hooks.Stop?.[1]).toEqual({ hooks: [{ ...ours('Stop'), timeout: 3 }] });
    expect(Object.keys(hooks)).toEqual(['Stop', 'Other', 'Start']);
    expect(
      added
        .replace(/\t\t\t\{\n[\s\S]*?\n\t\t\t\}\n/, '')
        .split('\n')
        .slice(0, 4),
    ).toEqual(text.split('\n').slice(0, 4));
  });

  it('puts the entries of this install in the place of another one’s', () => {
    const old = file({ hook: elsewhere }).add('{"hooks": {"Stop": [{"hooks": [{"command": "a"}]}]}}');
    const moved = file().add(old);
    expect(moved).not.toContain(elsewhere.script);
    expect(moved).toBe(old.replaceAll(elsewhere.script, hook.script));
  });

  it('takes out entries for events that are not wanted any more, and entries that are there twice', () => {
    const old = file({ events: { Start: {}, Gone: {} } }).add('{}');
    expect(Object.keys(read(file({ events: { Start: {} } }).add(old)).hooks as object)).toEqual(['Start']);
    const twice = JSON.stringify({ hooks: { Start: [{ hooks: [ours('Start'), ours('Start')] }] } });
    expect(read(file({ events: { Start: {} } }).add(twice))).toEqual({
      hooks: { Start: [{ hooks: [ours('Start')] }] },
    });
  });

  it('leaves another plugin of ours alone', () => {
    const other = file({ hook: { ...hook, plugin: 'other-sync' } });
    const both = file().add(other.add(''));
    expect(read(file().remove(both))).toEqual(read(other.add('')));
  });

  it.each([
    ['{"hooks": []}', '"hooks" is not an object'],
    ['{"hooks": {"Stop": {}}}', '"hooks.Stop" is not an array'],
    ['{"hooks": {', 'not valid JSON at line 1, column 12'],
    ['// nothing', 'not valid JSON'],
  ])('refuses %s', (text, message) => {
    expect(() => file().add(text)).toThrow(message);
  });
});

describe('retire', () => {
  const earlier = {
    hooks: {
      Stop: [{ hooks: [{ type: 'command', command: 'tiny-sync hook Stop' }] }],
      PostToolUse: [{ hooks: [{ type: 'command', command: '"/usr/local/bin/tiny-sync" hook PostToolUse' }] }],
      Start: [
        {
          hooks: [
            { type: 'command', command: 'say hook' },
            { type: 'command', command: 'tiny-synced hook' },
          ],
        },
      ],
    },
  };

  it('takes out what an earlier plugin of the same name has put in, and nothing else', () => {
    expect(read(file().retire?.(JSON.stringify(earlier)) ?? '')).toEqual({
      hooks: { Start: earlier.hooks.Start },
    });
    const ours = file().add('');
    expect(file().retire?.(ours)).toBe(ours);
    expect(file().retire?.('')).toBe('');
  });

  it.each([
    '~/bin/lint.sh && tiny-sync hook Stop',
    'echo "see tiny-sync hook docs"; ~/bin/backup.sh',
    'tee -a ~/log | tiny-sync hook Stop',
    '$(evil) tiny-sync hook Stop',
    'tiny-sync hook Stop > /tmp/log',
  ])('leaves %s, which does more', (command) => {
    const text = JSON.stringify({ hooks: { Stop: [{ hooks: [{ type: 'command', command }] }] } });
    expect(file().retire?.(text)).toBe(text);
  });

  it('knows other names', () => {
    const text = JSON.stringify({ hooks: { stop: [{ command: 'old-sync hook stop' }] } });
    expect(read(flat({ predecessors: ['old-sync'] }).retire?.(text) ?? '')).toEqual({});
    expect(flat().retire?.(text)).toBe(text);
  });
});

describe('remove', () => {
  it('takes out ours alone when somebody has added to our group', () => {
    const added = read(file({ events: { Stop: {} } }).add('')) as { hooks: { Stop: { hooks: unknown[] }[] } };
    added.hooks.Stop[0]?.hooks.unshift({ type: 'command', command: 'say done' });
    expect(read(file().remove(JSON.stringify(added)))).toEqual({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: 'say done' }] }] },
    });
  });

  it.each([
    ['before our entry', /"hooks": \[\s*\{\s*"type"/, '"hooks": [ // mine\n{ "type"'],
    ['in our group', '"hooks": [\n          {', '// mine\n"hooks": [\n{'],
    ['in the list of an event', '"Stop": [', '"Stop": [ // mine\n'],
    ['beside the event', '"Stop"', '// mine\n"Stop"'],
    ['on top', '{', '{ // mine'],
  ])('keeps a comment that somebody has put %s', (_where, at, comment) => {
    const settings = file({ events: { Stop: {} } });
    const added = settings.add('').replace(at, comment);
    expect(added).toContain('// mine');
    const removed = settings.remove(added, '');
    expect(removed).toContain('// mine');
    expect(removed).not.toContain('hook.cjs');
  });

  it('leaves nothing of a file that was not there', () => {
    expect(file().remove(file().add(''), '')).toBe('');
    expect(file().remove(file().add('\n'), '\n')).toBe('\n');
  });

  it('keeps empty lists that were there before', () => {
    const text = '{"hooks": {"Stop": []}}';
    expect(read(file().remove(file().add(text), text))).toEqual({ hooks: { Stop: [] } });
    expect(read(file().remove(file().add('{"hooks": {}}'), '{"hooks": {}}'))).toEqual({ hooks: {} });
    expect(read(file().remove(file().add(text)))).toEqual({});
  });

  it.each([
    '',
    '{}',
    '{"hooks": {"Stop": [{"hooks": []}, 1, null, {"hooks": 2}], "x": 3}}',
    '{"hooks": null}',
  ])('leaves %j as it is', (text) => {
    expect(file().remove(text)).toBe(text);
  });
});

describe('any settings', () => {
  const command = fc.constantFrom(
    'say done',
    "node '/x/hook.cjs' other-sync Stop",
    'curl https://a.example/*x*/',
    commandLine(elsewhere, 'Stop'),
    commandLine(elsewhere, 'Gone'),
  );
  const foreign = command.filter((text) => !text.includes('tiny-sync'));
  const settings = (commands: fc.Arbitrary<string>, grouped = true) => {
    const entry = fc.record(
      { type: fc.constant('command'), command: commands, timeout: fc.nat(9) },
      { requiredKeys: ['command'] },
    );
    const group = fc.record(
      { matcher: fc.string(), hooks: fc.array(entry, { maxLength: 3 }) },
      { requiredKeys: ['hooks'] },
    );
    const list = fc.array(fc.oneof(grouped ? group : entry, fc.constant(null)), { maxLength: 3 });
    const hooks = fc.dictionary(fc.constantFrom('Start', 'Stop', 'Other'), list, { noNullPrototype: true });
    const rest = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3, noNullPrototype: true });
    return fc
      .tuple(rest, fc.option(hooks, { nil: undefined }))
      .map(([{ hooks: _, ...others }, value]) => ({ ...others, ...(value && { hooks: value }) }));
  };
  const marks = fc.constantFrom('', '\uFEFF');

  it.each([
    ['grouped', true],
    ['flat', false],
  ])('are what they were after add and remove (%s)', (_name, grouped) => {
    fc.assert(
      fc.property(settingsText(settings(foreign, grouped)), marks, ({ text }, mark) => {
        const original = mark + text;
        const added = file({ grouped }).add(original);
        const removed = file({ grouped }).remove(added, original);
        expect(read(removed)).toEqual(read(original));
        expect(removed.startsWith('\uFEFF')).toBe(mark !== '');
        expect(commentsOf(added)).toEqual(commentsOf(text));
        expect(commentsOf(removed)).toEqual(commentsOf(text));
      }),
    );
  });

  it.each([
    ['grouped', true],
    ['flat', false],
  ])('are set up once however often (%s)', (_name, grouped) => {
    fc.assert(
      fc.property(settingsText(settings(command, grouped)), ({ text }) => {
        const once = file({ grouped }).add(text);
        expect(file({ grouped }).add(once)).toBe(once);
        expect(once.split(hook.script).length - 1).toBe(Object.keys(events).length);
        expect(once).not.toContain(`${elsewhere.script}' tiny-sync`.replaceAll('"', '\\"'));
        expect(file({ grouped }).remove(once)).not.toContain('tiny-sync');
      }),
    );
  });

  it('need no comments when the tool takes none', () => {
    fc.assert(
      fc.property(settingsText(settings(foreign), { strict: true }), ({ text }) => {
        const strict = file({ strict: true });
        expect(JSON.parse(strict.remove(strict.add(text), text))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('documentOf', () => {
  it('keeps the line breaks of an empty file', () => {
    expect(documentOf('\r\n')).toBe('{}\r\n');
    expect(file().add('\r\n').replaceAll('\r\n', '')).not.toContain('\n');
  });
});
