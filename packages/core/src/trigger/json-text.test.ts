import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commentsOf, settingsText } from '../../test/settings-text.js';
import {
  appendValue,
  behindBom,
  elementsOf,
  type JsonNode,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  removeValue,
  replaceValue,
} from './json-text.js';

const keyed = (text: string, name: string): JsonNode =>
  memberOf(parseDocument(text), name)?.value as JsonNode;
const read = (text: string) => jsonValue(parseDocument(text));

describe('parseDocument', () => {
  it('says line and column of what is not JSON', () => {
    expect(() => parseDocument('{\n  "a": 1\n  "b": 2\n}')).toThrow(
      'not valid JSON at line 3, column 3 (comma expected)',
    );
    expect(() => parseDocument('{"a": "un')).toThrow('line 1, column 7 (unexpected end of string)');
    expect(() => parseDocument('{} {}')).toThrow('line 1, column 4');
  });

  it('takes comments and trailing commas unless it is strict', () => {
    const text = '{ // note\n "a": [1,], }';
    expect(read(text)).toEqual({ a: [1] });
    expect(() => parseDocument(text, { strict: true })).toThrow('line 1, column 3');
    expect(() => parseDocument('{"a": [1,]}', { strict: true })).toThrow('line 1, column 10');
  });

  it.each(['[]', 'null', '"text"', '1'])('refuses %s, which is no object', (text) => {
    expect(() => parseDocument(text)).toThrow('not a JSON object');
  });
});

describe('appendValue', () => {
  it('follows the indentation and the line breaks that are there', () => {
    const text = '{\r\n\t"a": [\r\n\t\t1\r\n\t]\r\n}';
    expect(appendValue(text, keyed(text, 'a'), { b: 2 })).toBe(
      '{\r\n\t"a": [\r\n\t\t1,\r\n\t\t{\r\n\t\t\t"b": 2\r\n\t\t}\r\n\t]\r\n}',
    );
  });

  it('stays on the line where the rest is on one', () => {
    const text = '{"a": [1], "b": {}}';
    expect(appendValue(text, keyed(text, 'a'), { c: 2 })).toBe('{"a": [1, {"c":2}], "b": {}}');
    expect(appendValue(text, keyed(text, 'b'), 2, 'c')).toBe('{"a": [1], "b": {"c": 2}}');
  });

  it('puts the value behind the comments of the one before it', () => {
    const text = '{\n  "a": [\n    1 // one\n    // the end\n  ]\n}';
    expect(appendValue(text, keyed(text, 'a'), 2)).toBe(
      '{\n  "a": [\n    1, // one\n    // the end\n    2\n  ]\n}',
    );
  });

  it('keeps a trailing comma one', () => {
    const text = '{\n  "a": [\n    1,\n  ],\n}';
    expect(appendValue(text, keyed(text, 'a'), 2)).toBe('{\n  "a": [\n    1,\n    2,\n  ],\n}');
  });

  it('opens an empty container', () => {
    const text = '{\n  "a": {}\n}';
    expect(appendValue(text, keyed(text, 'a'), 1, 'b')).toBe('{\n  "a": {\n    "b": 1\n  }\n}');
  });
});

describe('removeValue', () => {
  const without = (text: string, index: number) => {
    const list = keyed(text, 'a');
    return removeValue(text, list, elementsOf(list)[index] as JsonNode);
  };

  it.each([
    ['{"a": [1, 2, 3]}', 0, '{"a": [2, 3]}'],
    ['{"a": [1, 2, 3]}', 1, '{"a": [1, 3]}'],
    ['{"a": [1, 2, 3]}', 2, '{"a": [1, 2]}'],
    ['{"a": [\n  1\n]}', 0, '{"a": []}'],
    ['{"a": [1 // one\n]}', 0, '{"a": [// one\n]}'],
    ['{"a": [ // one\n 1]}', 0, '{"a": [ // one\n]}'],
    ['{"a": [1, // one\n 2]}', 1, '{"a": [1 // one\n]}'],
    ['{"a": [1 /* one */, 2]}', 0, '{"a": [/* one */ 2]}'],
    ['{"a": [\n  1,\n  2, // two\n]}', 1, '{"a": [\n  1, // two\n]}'],
  ])('of %j takes number %i', (text, index, expected) => {
    expect(without(text, index)).toBe(expected);
  });
});

describe('any text', () => {
  const settings = fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__', 'c // d', 'e"'),
    fc.oneof(
      fc.array(fc.oneof(fc.nat(9), fc.constant({ f: [] }), fc.constant('/* text */'))),
      fc.jsonValue(),
    ),
    { maxKeys: 4, noNullPrototype: true },
  );
  const texts = settingsText(settings);
  const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

  it('gains what is appended to any of its containers, and keeps all comments', () => {
    fc.assert(
      fc.property(texts, fc.nat(), ({ text }, pick) => {
        const root = parseDocument(text);
        const lists = membersOf(root)
          .map(({ value }) => value)
          .filter(({ type }) => type === 'array');
        const list = lists[pick % Math.max(lists.length, 1)];
        const added =
          list === undefined ? appendValue(text, root, { x: 1 }, 'new') : appendValue(text, list, { x: 1 });
        expect(commentsOf(added)).toEqual(commentsOf(text));
        if (list === undefined) expect(read(added)).toEqual({ ...(read(text) as object), new: { x: 1 } });
        else {
          const now = parseDocument(added);
          const index = membersOf(root).findIndex(({ value }) => value === list);
          const grown = membersOf(now)[index]?.value as JsonNode;
          expect(jsonValue(grown)).toEqual([...(jsonValue(list) as unknown[]), { x: 1 }]);
          const taken = removeValue(added, grown, elementsOf(grown).at(-1) as JsonNode);
          expect(json(read(taken))).toEqual(json(read(text)));
          expect(commentsOf(taken)).toEqual(commentsOf(text));
        }
      }),
    );
  });

  it('loses any one of its members and nothing else', () => {
    fc.assert(
      fc.property(texts, fc.nat(), ({ text }, pick) => {
        const root = parseDocument(text);
        const members = membersOf(root);
        fc.pre(members.length > 0);
        const member = members[pick % members.length] as (typeof members)[number];
        const rest = members.filter(({ name }) => name !== member.name);
        const removed = parseDocument(removeValue(text, root, member.property));
        expect(membersOf(removed).map(({ name, value }) => [name, jsonValue(value)])).toEqual(
          rest.map(({ name, value }) => [name, jsonValue(value)]),
        );
      }),
    );
  });
});

describe('replaceValue', () => {
  it('keeps the indentation of the value that was there', () => {
    const text = '{\n  "a": [\n    {\n      "b": 1\n    }\n  ]\n}';
    expect(replaceValue(text, elementsOf(keyed(text, 'a'))[0] as JsonNode, { c: 2 })).toBe(
      text.replace('"b": 1', '"c": 2'),
    );
  });
});

describe('behindBom', () => {
  it('edits the text and leaves the mark', () => {
    expect(behindBom('\uFEFF{}', (body) => `${body}\n`)).toBe('\uFEFF{}\n');
    expect(behindBom('{}', (body) => `${body}\n`)).toBe('{}\n');
  });
});
