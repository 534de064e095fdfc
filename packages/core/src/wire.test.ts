import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_KEY, type HostedServer, startHostedServer } from '../test/hosted-server.js';
import { createClient } from './client.js';
import type { ApiCall, Message, Part, Session } from './types.js';
import { clip, splitWire, toWire, type WireOptions } from './wire.js';

const AT = Date.UTC(2026, 0, 15, 12);
const OPTIONS: WireOptions = { source: 'tiny-tool', cost: null, thinking: false };

function session(fields: Partial<Session> = {}): Session {
  return { id: 's1', messages: [], calls: [], uncounted: [], problems: [], ...fields };
}

let count = 0;
function message(parts: Part[], fields: Partial<Message> = {}): Message {
  return { id: `m${++count}`, role: 'assistant', parts, ...fields };
}

const text = (value: string): Part => ({ type: 'text', text: value });
const toolCall = (args: unknown): Part => ({ type: 'tool-call', id: 't1', name: 'Bash', args });
const thinking: Part = { type: 'thinking', text: 'deep thought' };

function wired(parts: Part[], options: Partial<WireOptions> = {}) {
  const { messages } = toWire(session({ messages: [message(parts)] }), { ...OPTIONS, ...options });
  return messages[0];
}

function argsOf(args: unknown): unknown {
  const sent = wired([toolCall(args)])?.parts?.[0]?.content;
  return (sent as { args: unknown }).args;
}

const bytesOf = (value: unknown) =>
  Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

describe('the session', () => {
  const usage = { input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 1 };
  const call = (fields: Partial<ApiCall> = {}): ApiCall => ({ id: 'c1', model: 'm-1', usage, ...fields });

  it('carries what is known, as absolute totals', () => {
    const known = session({
      title: ' A title ',
      projectPath: '/home/dev/work',
      projectName: 'work',
      provider: 'anthropic',
      createdAt: AT + 0.7,
      updatedAt: AT + 5_000,
      calls: [call(), call({ id: 'c2' })],
    });
    expect(toWire(known, { ...OPTIONS, cost: 0.25 }).session).toEqual({
      externalId: 's1',
      source: 'tiny-tool',
      title: 'A title',
      projectPath: '/home/dev/work',
      projectName: 'work',
      provider: 'anthropic',
      model: 'm-1',
      createdAt: AT,
      promptTokens: 20,
      completionTokens: 10,
      cost: 0.25,
      durationMs: 5_000,
    });
  });

  it('leaves out what is unknown and never calls it 0', () => {
    const { session: header } = toWire(session({ calls: [call(), { id: 'c2' }] }), OPTIONS);
    expect(header).toEqual({
      externalId: 's1',
      source: 'tiny-tool',
      title: 'Untitled session',
      model: 'm-1',
    });
  });

  it('leaves out what is no number: a date that could not be parsed, a negative count, an endless cost', () => {
    const broken = session({
      createdAt: Number.NaN,
      updatedAt: AT,
      calls: [call({ usage: { ...usage, input: -100, output: Number.NaN } })],
      messages: [
        message([text('x')], {
          createdAt: Number.NaN,
          usage: { ...usage, output: Number.POSITIVE_INFINITY },
        }),
      ],
    });
    const { session: header, messages } = toWire(broken, { ...OPTIONS, cost: Number.POSITIVE_INFINITY });
    for (const field of ['createdAt', 'durationMs', 'promptTokens', 'completionTokens', 'cost']) {
      expect(header).not.toHaveProperty(field);
    }
    expect(messages[0]).toMatchObject({ promptTokens: 10 });
    expect(messages[0]).not.toHaveProperty('createdAt');
    expect(messages[0]).not.toHaveProperty('completionTokens');
  });

  it('has a title of at most 200 characters that never ends in half of one', () => {
    for (let length = 195; length < 205; length++) {
      const title =
        toWire(session({ title: `${'a'.repeat(length)}${'😀'.repeat(20)}` }), OPTIONS).session.title ?? '';
      expect(title.length).toBeLessThanOrEqual(200);
      expect(title.isWellFormed()).toBe(true);
      expect(title.endsWith('…')).toBe(true);
    }
    expect(toWire(session({ title: '  \n' }), OPTIONS).session.title).toBe('Untitled session');
  });
});

describe('the time of a message', () => {
  it('is an integer, rises strictly and stays its own where it can', () => {
    fc.assert(
      fc.property(
        fc.option(fc.double({ min: AT - 10, max: AT + 10, noNaN: true }), { nil: undefined }),
        fc.array(fc.option(fc.double({ min: AT - 5, max: AT + 20, noNaN: true }), { nil: undefined })),
        (createdAt, times) => {
          const messages = times.map((at) => message([text('x')], at === undefined ? {} : { createdAt: at }));
          const wire = toWire(session({ ...(createdAt !== undefined && { createdAt }), messages }), OPTIONS);
          let previous: number | undefined;
          for (const [index, { createdAt: at }] of wire.messages.entries()) {
            const own = previous === undefined ? (times[index] ?? createdAt) : times[index];
            if (own === undefined && previous === undefined) {
              expect(at).toBeUndefined();
              continue;
            }
            expect(Number.isSafeInteger(at)).toBe(true);
            if (previous !== undefined) expect(at).toBeGreaterThan(previous);
            if (own !== undefined && own >= (previous ?? 0) + 1) expect(at).toBe(Math.floor(own));
            previous = at;
          }
        },
      ),
    );
  });

  it('is kept in order by a message that is not sent itself', () => {
    const messages = [
      message([text('a')], { createdAt: AT }),
      message([thinking], { createdAt: AT + 100 }),
      message([text('b')]),
    ];
    expect(toWire(session({ messages }), OPTIONS).messages.map(({ createdAt }) => createdAt)).toEqual([
      AT,
      AT + 101,
    ]);
  });

  it('stays inside the dates the server can show', () => {
    const wire = toWire(session({ messages: [message([text('x')], { createdAt: 1e300 })] }), OPTIONS);
    expect(new Date(wire.messages[0]?.createdAt ?? Number.NaN).getTime()).toBe(8.64e15);
    const before = toWire(session({ messages: [message([text('x')], { createdAt: -5 })] }), OPTIONS);
    expect(before.messages[0]?.createdAt).toBe(1);
  });
});

describe('a message', () => {
  it('is named after source, session and itself, since the server keeps one index for everybody', () => {
    const messages = [message([text('x')], { id: 'n1' })];
    expect(toWire(session({ messages }), OPTIONS).messages[0]).toMatchObject({
      externalId: 'tiny-tool:s1:n1',
      sessionExternalId: 's1',
      source: 'tiny-tool',
    });
  });

  it('carries its text as a part and, for the search, beside the parts', () => {
    expect(wired([text('one'), toolCall({ a: 1 }), text('two')])).toMatchObject({
      textContent: 'one\n\ntwo',
      parts: [
        { type: 'text', content: 'one' },
        { type: 'tool-call', content: { id: 't1', name: 'Bash', args: { a: 1 } } },
        { type: 'text', content: 'two' },
      ],
    });
    expect(wired([toolCall({})])).not.toHaveProperty('textContent');
  });

  it('keeps thinking back unless it is asked for, and is not sent when there is nothing else', () => {
    expect(wired([thinking])).toBeUndefined();
    expect(JSON.stringify(wired([thinking, text('x')]))).not.toContain('deep thought');
    const asked = wired([thinking], { thinking: true });
    expect(asked?.parts).toEqual([{ type: 'thinking', content: { text: 'deep thought' } }]);
    expect(asked).not.toHaveProperty('textContent');
  });

  it('is not sent when it is empty', () => {
    expect(wired([])).toBeUndefined();
    expect(wired([text('')])).toBeUndefined();
    expect(wired([{ type: 'thinking', text: '' }], { thinking: true })).toBeUndefined();
  });

  it('says so when a tool gave nothing, and names binary content instead of carrying it', () => {
    const result: Part = { type: 'tool-result', id: 't1', name: 'Bash', result: '', isError: true };
    expect(wired([result])?.parts?.[0]?.content).toEqual({
      id: 't1',
      name: 'Bash',
      result: '(no output)',
      isError: true,
    });
    expect(wired([{ ...result, isError: false }])?.parts?.[0]?.content).not.toHaveProperty('isError');
    const files: Part[] = [
      { type: 'file', mediaType: 'image/png', bytes: 12 },
      { type: 'file', mediaType: 'text/x\ud800' },
    ];
    expect(wired(files)?.textContent).toBe('[image/png, 12 bytes]\n\n[text/x\ufffd]');
  });

  it('leaves tokens out when there was no call', () => {
    expect(wired([text('x')])).not.toHaveProperty('promptTokens');
    expect(wired([text('x')])).not.toHaveProperty('completionTokens');
  });
});

describe('a text that is too long', () => {
  it.each([
    ['ASCII', 'x'],
    ['two bytes', 'é'],
    ['three bytes', '漢'],
    ['four bytes', '😀'],
    ['replacement characters', '\ufffd'],
  ])(
    'of %s keeps its beginning and end, says how much is missing, and has at most 200 kB',
    (_name, character) => {
      const bytes = Buffer.byteLength(character);
      const long = `BEGIN${character.repeat(Math.ceil(400_000 / bytes))}END`;
      const sent = wired([text(long)])?.parts?.[0]?.content as string;
      expect(bytesOf(sent)).toBeLessThanOrEqual(200_000);
      expect(sent.startsWith(`BEGIN${character}`) && sent.endsWith(`${character}END`)).toBe(true);
      const note = /\n\[truncated (\d+) bytes\]\n/.exec(sent);
      expect(bytesOf(sent) - bytesOf(note?.[0] ?? '') + Number(note?.[1])).toBe(bytesOf(long));
      if (character !== '\ufffd') expect(sent).not.toContain('\ufffd');
    },
  );

  it('is untouched at the limit', () => {
    const whole = 'é'.repeat(100_000);
    expect(wired([text(whole)])?.parts?.[0]?.content).toBe(whole);
  });

  it('shares 3 MB with the other parts of its message', () => {
    for (const [parts, length] of [
      [50, 200_000],
      [3_000, 10_000],
      [20_000, 300],
    ] as const) {
      const sent = wired(Array.from({ length: parts }, (_, n) => text(`${n} ${'x'.repeat(length)}`)));
      expect(bytesOf(sent?.parts)).toBeLessThanOrEqual(3_000_000);
      expect(bytesOf(sent)).toBeLessThan(3_500_000);
      expect(sent?.parts?.[0]?.content).toMatch(/^0 xxx/);
    }
  });

  it('counts as JSON writes it, which makes six bytes of a control character', () => {
    const sent = wired(Array.from({ length: 10 }, () => text('\u0001'.repeat(190_000))));
    expect(bytesOf(sent?.parts)).toBeLessThanOrEqual(3_000_000);
  });

  it('is joined by a note when a message has more parts than a reader looks at', () => {
    const sent = wired(Array.from({ length: 9_000 }, (_, n) => text(`part ${n}`)));
    expect(sent?.parts).toHaveLength(2_001);
    expect(sent?.parts?.at(-1)?.content).toBe('[7000 more parts left out]');
  });
});

describe('arguments of a tool', () => {
  it('pass as they are when the server takes them', () => {
    const args = { command: 'ls "$HOME"', list: [1, -0.5, true, null, ''], nested: { '': { _x: '漢😀' } } };
    expect(argsOf(args)).toEqual(args);
  });

  it('get names that the server takes and a reader recognises, and lose none of them', () => {
    const args = JSON.parse('{"$ref":1,"_$ref":2,"größe":3,"__proto__":4,"a\\nb":5}');
    expect(Object.entries(argsOf(args) as object)).toEqual([
      ['_$ref', 1],
      ['_$ref~2', 2],
      ['gr\\u00f6\\u00dfe', 3],
      ['___proto__', 4],
      ['a\\u000ab', 5],
    ]);
  });

  it('lose no entry when many long names are cut to the same one', () => {
    const args = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`${'k'.repeat(1_200)}${n}`, n]));
    const sent = argsOf(args) as Record<string, number>;
    expect(Object.values(sent)).toEqual(Array.from({ length: 150 }, (_, n) => n));
    expect(Math.max(...Object.keys(sent).map((key) => key.length))).toBeLessThanOrEqual(1_024);
  });

  it('become what JSON can say', () => {
    const args = {
      not: Number.NaN,
      big: 12n,
      none: undefined,
      run: () => 1,
      half: 'a\ud800',
      list: [undefined],
    };
    expect(argsOf(args)).toEqual({ not: null, big: '12', half: 'a\ufffd', list: [null] });
    expect(argsOf(undefined)).toBeNull();
  });

  it('say what was left out of a long list or object', () => {
    const list = argsOf(Array.from({ length: 8_100 }, (_, n) => n)) as unknown[];
    expect(list.slice(7_999)).toEqual([7_999, '[100 more left out]']);
    const object = argsOf(Object.fromEntries(Array.from({ length: 1_005 }, (_, n) => [`k${n}`, n])));
    expect(object).toMatchObject({ k999: 999, '...': '[5 more left out]' });
  });

  it('become text below ten levels, with their content in it', () => {
    let args: unknown = 'the core';
    for (let level = 0; level < 500; level++) args = level % 2 === 0 ? { a: args } : [args];
    expect(JSON.stringify(argsOf(args))).toContain('the core');
  });

  it('survive a cycle and 10,000 levels, of which the outer ones are shown', () => {
    const cycle: Record<string, unknown> = { name: 'the ring' };
    cycle.self = cycle;
    expect(JSON.stringify(argsOf(cycle))).toContain('the ring');
    let args: unknown = 1;
    for (let level = 0; level < 10_000; level++) args = { a: args, b: `level ${10_000 - level}` };
    expect(JSON.stringify(argsOf(args))).toContain('level 12');
  });
});

describe('whatever a tool was called with', () => {
  let server: HostedServer;
  beforeAll(async () => {
    server = await startHostedServer();
  });
  afterAll(() => server.close());

  /** Sends it as a message and gives back what the server then holds of its arguments. */
  async function stored(part: Part, id: string): Promise<unknown> {
    const client = createClient({ url: server.url, apiKey: API_KEY, retries: 0 });
    const wire = toWire(session({ createdAt: AT, messages: [message([part], { id })] }), {
      ...OPTIONS,
      thinking: true,
    });
    expect(await client.syncSession(wire.session)).toMatchObject({ success: true });
    for (const one of wire.messages) expect(await client.syncMessage(one)).toMatchObject({ success: true });
    return server.store.messages.get(`tiny-tool:s1:${id}`)?.parts[0]?.content;
  }

  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
    fc.constantFrom('__proto__', '$ref', '$schema', 'größe', '\ud800', 'constructor', ''),
  );
  const anyArgs = fc.anything({
    key: anyText,
    values: [anyText, fc.double(), fc.bigInt(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
    maxDepth: 30,
    depthSize: 'large',
    withNullPrototype: true,
    withSparseArray: true,
  });

  it('the server takes it', async () => {
    await fc.assert(
      fc.asyncProperty(anyArgs, anyText, anyText, async (args, name, id) => {
        const part: Part = { type: 'tool-call', id, name, args };
        expect(await stored(part, 'any')).toHaveProperty('args');
      }),
      { numRuns: 150 },
    );
  });

  it.each<[string, () => unknown]>([
    ['10,000 levels of lists', () => Array.from({ length: 10_000 }).reduce((inner) => [inner], 'x')],
    [
      '10,000 levels of objects',
      () => Array.from({ length: 10_000 }).reduce((inner) => ({ $a: inner }), 'x'),
    ],
    ['a list of 100,000', () => Array.from({ length: 100_000 }, (_, n) => `item ${n}`)],
    [
      'lists of lists',
      () => Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => ({ $n: 1 }))),
    ],
    ['5,000 keys', () => Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`ключ ${n}`, n]))],
    ['a string of 1 MB', () => ({ content: 'x'.repeat(1 << 20) })],
    ['a string of 1 MB of control characters', () => ({ content: '\u0001'.repeat(1 << 20) })],
    ['many strings of 1 MB', () => Array.from({ length: 12 }, (_, n) => `${n}${'漢'.repeat(1 << 18)}`)],
    ['keys of 1 MB', () => ({ [`a${'k'.repeat(1 << 20)}`]: 1, [`a${'k'.repeat(1 << 20)}b`]: 2 })],
    ['a date, a map and a class', () => [new Date(0), new Map([['a', 1]]), new URL('http://localhost')]],
  ])('the server takes %s', async (name, make) => {
    expect(await stored(toolCall(make()), name)).toHaveProperty('args');
  });

  it('a reader still finds the content', async () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 4, maxLength: 12 });
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'large', maxDepth: 25 }, word, tie('list'), tie('object')),
      list: fc.array(tie('tree'), { maxLength: 4 }),
      object: fc.dictionary(
        fc.oneof(
          word,
          word.map((key) => `$${key}`),
        ),
        tie('tree'),
        { maxKeys: 4 },
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async (args) => {
        const shown = JSON.stringify(await stored(toolCall(args), 'tree'));
        for (const found of JSON.stringify(args).match(/[a-j]{4,}/g) ?? []) expect(shown).toContain(found);
      }),
      { numRuns: 100 },
    );
  });

  it('the server takes any text, result, title and name', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (one, two) => {
        const parts: Part[] = [text(one), { type: 'tool-result', id: two, name: one, result: two }, thinking];
        const messages = [message(parts, { id: two, model: one })];
        const wire = toWire(
          session({ id: `s${one}`, title: two, projectPath: one, projectName: two, provider: one, messages }),
          { ...OPTIONS, thinking: true },
        );
        const client = createClient({ url: server.url, apiKey: API_KEY, retries: 0 });
        expect(await client.syncSession(wire.session)).toMatchObject({ success: true });
        for (const item of wire.messages)
          expect(await client.syncMessage(item)).toMatchObject({ success: true });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a session that goes on', () => {
  const line = fc.record({
    at: fc.option(fc.integer({ min: AT, max: AT + 1_000 }), { nil: undefined }),
    kind: fc.constantFrom('text', 'thinking', 'empty'),
    size: fc.constantFrom(1, 10, 100),
  });
  const toMessages = (lines: { at: number | undefined; kind: string; size: number }[]): Message[] =>
    lines.map(({ at, kind, size }, index) => ({
      id: `n${index}`,
      role: 'user',
      parts: kind === 'empty' ? [] : [{ type: kind as 'text' | 'thinking', text: 'x'.repeat(size) }],
      ...(at !== undefined && { createdAt: at }),
    }));

  it('keeps the ids, times and content of the messages it had', () => {
    fc.assert(
      fc.property(fc.array(line), fc.nat(), fc.boolean(), (lines, cut, withThinking) => {
        const all = toMessages(lines);
        const options = { ...OPTIONS, thinking: withThinking };
        const longer = toWire(session({ createdAt: AT, messages: all }), options);
        const shorter = toWire(
          session({ createdAt: AT, messages: all.slice(0, cut % (all.length + 1)) }),
          options,
        );
        expect(longer.messages.slice(0, shorter.messages.length)).toEqual(shorter.messages);
      }),
    );
  });

  it('gives the same for the same and leaves what it is given alone', () => {
    const messages = [message([text('x'), toolCall({ $a: [1, { b: 'c' }] })])];
    const given = session({ createdAt: AT, messages });
    const before = structuredClone(given);
    expect(toWire(given, OPTIONS)).toEqual(toWire(structuredClone(given), OPTIONS));
    expect(given).toEqual(before);
  });
});

describe('splitWire', () => {
  const many = (count: number, size = 1) =>
    toWire(
      session({
        createdAt: AT,
        title: 'Long',
        projectName: 'work',
        messages: Array.from({ length: count }, (_, n) => ({
          id: `n${n}`,
          role: 'user',
          createdAt: AT + n * 10,
          parts: [text('x'.repeat(size))],
        })),
      }),
      { ...OPTIONS, cost: 1 },
    );

  it('leaves a session alone that the server can open', () => {
    const wire = many(4_000);
    expect(splitWire(wire)).toEqual([wire]);
  });

  it('goes on in a session of its own after 4,000 messages, titled so and without the totals', () => {
    const [first, second, ...rest] = splitWire(many(4_001));
    expect(rest).toEqual([]);
    expect(first?.session).toEqual(many(1).session);
    expect(first?.messages).toHaveLength(4_000);
    expect(second?.session).toEqual({
      externalId: 's1:2',
      source: 'tiny-tool',
      title: 'Long (part 2)',
      projectName: 'work',
      createdAt: AT + 40_000,
    });
    expect(second?.messages).toMatchObject([{ externalId: 'tiny-tool:s1:n4000', sessionExternalId: 's1:2' }]);
  });

  it('holds every message exactly once and in order, whatever their sizes, within both limits', () => {
    const sizes = fc.array(fc.constantFrom(1, 1_000, 60_000, 199_000), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), (one, repeats) => {
        const all = Array.from({ length: repeats }, () => one).flat();
        const messages = all.map(
          (size, n): Message => ({ id: `n${n}`, role: 'user', parts: [text('x'.repeat(size))] }),
        );
        const wire = toWire(session({ createdAt: AT, messages }), OPTIONS);
        const parts = splitWire(wire);
        expect(parts.map(({ session }) => session.externalId)).toEqual(
          parts.map((_, index) => (index === 0 ? 's1' : `s1:${index + 1}`)),
        );
        const ids = parts.flatMap(({ messages }) => messages.map(({ externalId }) => externalId));
        expect(ids).toEqual(wire.messages.map(({ externalId }) => externalId));
        for (const part of parts) {
          expect(part.messages.reduce((sum, one) => sum + bytesOf(one), 0)).toBeLessThanOrEqual(12 << 20);
          expect(part.messages.every((one) => one.sessionExternalId === part.session.externalId)).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('keeps its boundaries while the session grows', () => {
    const long = splitWire(many(9_000, 2_000));
    expect(long.length).toBeGreaterThan(2);
    for (const count of [1, 3_999, 4_000, 4_001, 6_000, 8_500]) {
      const short = splitWire(many(count, 2_000));
      for (const [index, part] of short.entries()) {
        const same = long[index];
        expect(part.session).toEqual(same?.session);
        expect(part.messages).toEqual(same?.messages.slice(0, part.messages.length));
        if (index < short.length - 1) expect(part.messages).toHaveLength(same?.messages.length ?? 0);
      }
    }
  });
});

describe('clip', () => {
  it('never gives more than the limit nor half a character, and cuts only what is too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 3, max: 30 }), (value, limit) => {
        const clipped = clip(value, limit);
        expect(clipped.length).toBeLessThanOrEqual(limit);
        expect(clipped.isWellFormed()).toBe(true);
        if (value.length <= limit) expect(clipped).toBe(value.toWellFormed());
        else expect(value.toWellFormed().startsWith(clipped.slice(0, -1))).toBe(true);
      }),
    );
  });
});
