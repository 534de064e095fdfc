import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joined, lookalikes, plantedTexts, plantedValues } from '../test/redact/corpus.js';
import { type RedactOptions, redactSession, redactText, redactValue } from './redact.js';
import { rules } from './redact-rules.js';
import type { Session } from './types.js';

/** Whether any 8 characters of the secret in a row survived; the whole of it when it is short. */
function leaks(secret: string, output: string): boolean {
  const width = secret.length < 12 ? secret.length : 8;
  for (let start = 0; start + width <= secret.length; start += 1) {
    if (output.includes(secret.slice(start, start + width))) return true;
  }
  return false;
}

/** Every code unit, so that lone surrogates come up. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 32, max: 126 })), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes));

/** Text that is made of what the rules look for. */
const temptingText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...rules.flatMap((rule) => rule.keywords)),
      fc.constantFrom(
        'password',
        'API_KEY',
        'token',
        'secret',
        '=',
        ': ',
        '"',
        "'",
        '\\"',
        '\n',
        '[redacted:jwt]',
        ' ',
        '@',
        '.',
        ';',
      ),
      fc.stringMatching(/^[A-Za-z0-9]{1,40}$/),
      fc.constantFrom(...plantedTexts.map((entry) => entry.content)),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(''));

describe('redactText', () => {
  it('leaves nothing of a planted secret', () => {
    const leaked = plantedTexts.filter(({ content, secret }) => leaks(secret, redactText(content)));
    expect(leaked.map(({ name }) => name)).toEqual([]);
    expect(plantedTexts.length).toBeGreaterThanOrEqual(150);
  });

  it('names the kind of every planted secret', () => {
    const misnamed = plantedTexts.filter(
      ({ content, kind }) => !redactText(content).includes(`[redacted:${kind}]`),
    );
    expect(misnamed.map(({ name }) => name)).toEqual([]);
  });

  it('keeps every character around a secret', () => {
    // A private key goes with its BEGIN and END, an AWS secret beside its id with the id.
    const alone = plantedTexts.filter(({ kind }) => kind !== 'private-key' && kind !== 'aws-secret-key');
    const changed = alone.filter(
      ({ content, secret, kind }) => redactText(content) !== content.replace(secret, `[redacted:${kind}]`),
    );
    expect(changed.map(({ name }) => name)).toEqual([]);
  });

  it('leaves look-alikes alone', () => {
    const texts = lookalikes.texts.map(joined);
    const touched = texts.filter((text) => redactText(text) !== text);
    expect(texts.length).toBeGreaterThanOrEqual(300);
    expect(touched.length / texts.length, touched.join('\n')).toBeLessThanOrEqual(0.01);
  });

  it('leaves all look-alikes alone when they stand in one text', () => {
    const text = lookalikes.texts.map(joined).join('\n\n');
    const before = text.split('\n');
    const touched = redactText(text)
      .split('\n')
      .filter((line) => line.includes('[redacted:') && !before.includes(line));
    expect(touched.length / before.length, touched.join('\n')).toBeLessThanOrEqual(0.01);
  });

  it('finds all planted secrets when they stand in one text', () => {
    const output = redactText(plantedTexts.map(({ content }) => content).join('\n\n'));
    expect(plantedTexts.filter(({ secret }) => output.includes(secret)).map(({ name }) => name)).toEqual([]);
  });

  it('finds a secret after an escape, a colour code and percent-encoding', () => {
    const secret = ['gh', 'p_', 'x7Kq9ZtB2mNv4WcR8yLs1DfG5hJp3QaE6uTi'].join('');
    for (const before of [
      '"\\n',
      '"\\t',
      '\u001b[32m',
      '\\u001b[1;33m',
      '?next=%3D',
      '%22',
      'x_',
      '/',
      '+',
    ]) {
      expect(redactText(`${before}${secret}`)).toBe(`${before}[redacted:github-token]`);
    }
  });

  it('reads a name and a value through colour codes', () => {
    expect(redactText('\u001b[36mDB_PASSWORD\u001b[0m')).toContain('DB_PASSWORD');
    expect(redactText('\u001b[36mDB_PASSWORD=\u001b[33mtr0ub4dor\u001b[0m')).not.toContain('tr0ub4dor');
  });

  it('changes nothing the second time', () => {
    for (const { content } of plantedTexts) {
      const once = redactText(content);
      expect(redactText(once)).toBe(once);
    }
    fc.assert(
      fc.property(fc.oneof(temptingText, anyText), (text) => {
        const once = redactText(text);
        expect(redactText(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('returns a text without any keyword as it is', () => {
    const keywords = [
      ...rules.flatMap((rule) => rule.keywords),
      'pass',
      'pwd',
      'secret',
      'token',
      'key',
      'cred',
      'auth',
      'pat',
    ];
    const mayHold = (text: string) =>
      keywords.some((keyword) => text.toLowerCase().includes(keyword.toLowerCase()));
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.string({ maxLength: 200 })).filter((text) => !mayHold(text)),
        (text) => redactText(text) === text,
      ),
    );
  });

  it('never leaves a token in any surroundings', () => {
    // The formats that need no name beside them; the other kinds have their surroundings in the corpus.
    const tokens = plantedTexts
      .filter(({ name }) => / in |end of text/.test(name))
      .filter(({ secret }) => redactText(secret) !== secret);
    const delimiter = fc.constantFrom(
      ...' \n\t\r"\'`=:,;()<>[]{}|&?@#!/',
      '\\n',
      '\\"',
      '%20',
      '": "',
      ' = ',
      '&quot;',
    );
    expect(tokens.length).toBeGreaterThan(100);
    fc.assert(
      fc.property(
        anyText,
        delimiter,
        fc.constantFrom(...tokens),
        delimiter,
        anyText,
        (before, left, { secret }, right, after) => {
          expect(redactText(before + left + secret + right + after)).not.toContain(secret);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('never leaves an assigned secret between any lines', () => {
    const assigned = plantedTexts.filter(({ kind }) => kind === 'password' || kind === 'credential');
    fc.assert(
      fc.property(anyText, fc.constantFrom(...assigned), anyText, (before, { content, secret }, after) => {
        expect(redactText(`${before}\n${content}\n${after}`)).not.toContain(secret);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(anyText, temptingText), (text) => typeof redactText(text) === 'string'));
  });

  it('survives tokens of millions of characters', () => {
    const run = 'aB3_'.repeat(500_000);
    for (const start of [
      ['sk-', 'ant-'],
      ['gh', 'p_'],
      ['pypi', '-'],
      ['eyJhbGciOi.', 'eyJhbGciOi'],
      ['API_', 'KEY='],
      ['token="', ''],
    ]) {
      expect(redactText(start.join('') + run).length).toBeLessThan(2_000_100);
    }
  });

  it('redacts the whole of a long value', () => {
    const value = 'x9Kq2Zt'.repeat(2000);
    expect(redactText(`API_KEY=${value}\nA=1`)).toBe('API_KEY=[redacted:credential]\nA=1');
    expect(redactText(`api_key: "${value}"`)).toBe('api_key: "[redacted:credential]"');
  });
});

describe('redactText with literal secrets', () => {
  const options: RedactOptions = { secrets: ['correct horse/"battery"', 'plain-word'] };

  it('replaces them as they are, in JSON and in a URL', () => {
    expect(redactText('a plain-word b', options)).toBe('a [redacted:secret] b');
    expect(redactText(JSON.stringify({ a: 'correct horse/"battery"' }), options)).toBe(
      '{"a":"[redacted:secret]"}',
    );
    expect(redactText('?q=correct%20horse%2F%22battery%22&x', options)).toBe('?q=[redacted:secret]&x');
  });

  it('ignores short ones, which would be everywhere', () => {
    expect(redactText('an ordinary text', { secrets: ['', 'a', 'ordinar'] })).toBe('an ordinary text');
  });

  it('never touches its own markers', () => {
    const text = 'x [redacted:credential] y';
    expect(
      redactText(text, { secrets: ['redacted', 'credential', 'redacted:credential', '[redacted:'] }),
    ).toBe(text);
  });

  it('never throws for a secret with lone surrogates and stays idempotent', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, secret) => {
        const secrets = [secret, `${secret}12345678`];
        const once = redactText(text + secret + text, { secrets });
        expect(redactText(once, { secrets })).toBe(once);
        if (secret.length >= 8 && !'[redacted:secret]'.includes(secret)) expect(once).not.toContain(secret);
      }),
    );
  });
});

describe('the rule table', () => {
  it.each(rules.map((rule) => [rule.keywords[0], rule] as const))('%s is well-formed', (_, rule) => {
    expect(rule.kind).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(rule.keywords.every((keyword) => keyword.length >= 3)).toBe(true);
    expect(rule.pattern.sticky).toBe(true);
    expect(rule.pattern.hasIndices).toBe(rule.group !== undefined || rule.before !== undefined);
    // V8 throws on `{n,}` over millions of characters, and a quantified group may backtrack without end.
    expect(rule.pattern.source).not.toMatch(/\{\d+,\}|[+*}]\)[+*]/);
  });
});

describe('redactValue', () => {
  it('leaves nothing of a planted secret in arguments', () => {
    const outputs = plantedValues.map((entry) => ({
      ...entry,
      output: JSON.stringify(redactValue(entry.content)),
    }));
    expect(outputs.filter(({ secret, output }) => leaks(secret, output)).map(({ name }) => name)).toEqual([]);
    expect(
      outputs.filter(({ kind, output }) => !output.includes(`[redacted:${kind}]`)).map(({ name }) => name),
    ).toEqual([]);
  });

  it('returns look-alikes as the same object', () => {
    for (const value of lookalikes.values) expect(redactValue(value)).toBe(value);
  });

  it('keeps what is not a string, and the order of keys', () => {
    const value = { b: 1, a: [null, true, 2.5, undefined], password: 'hunter2hunter2', z: new Date(0) };
    const output = redactValue(value);
    expect(output).toEqual({ ...value, password: '[redacted:password]' });
    expect(Object.keys(output as object)).toEqual(['b', 'a', 'password', 'z']);
    expect(value.password).toBe('hunter2hunter2');
  });

  it('shares the parts that did not change', () => {
    const value = { same: { deep: ['x'] }, other: { password: 'hunter2hunter2' } };
    expect((redactValue(value) as typeof value).same).toBe(value.same);
  });

  it('keeps the scheme before a credential', () => {
    expect(redactValue({ Authorization: 'Bearer a1b2c3d4e5' })).toEqual({
      Authorization: 'Bearer [redacted:authorization]',
    });
  });

  it('keeps two secrets that are keys apart', () => {
    const key = (letter: string) => ['gh', 'p_', letter, 'x7Kq9ZtB2mNv4WcR8yLs1DfG5hJp3QaE6uT'].join('');
    expect(redactValue({ [key('a')]: 1, [key('b')]: 2 })).toEqual({
      '[redacted:github-token]': 1,
      '[redacted:github-token] 2': 2,
    });
  });

  it('keeps a key named __proto__ an ordinary key', () => {
    const output = redactValue(JSON.parse('{"__proto__":{"password":"hunter2hunter2"}}'));
    expect(JSON.stringify(output)).toBe('{"__proto__":{"password":"[redacted:password]"}}');
  });

  it('goes 10,000 levels deep', () => {
    let value: unknown = { password: 'hunter2hunter2' };
    for (let level = 0; level < 10_000; level += 1) value = level % 2 === 0 ? [value] : { value };
    let output = redactValue(value);
    for (let level = 9_999; level >= 0; level -= 1) {
      output = level % 2 === 0 ? (output as unknown[])[0] : (output as { value: unknown }).value;
    }
    expect(output).toEqual({ password: '[redacted:password]' });
  });

  it('keeps the shape of any JSON', () => {
    const shape = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shape);
      if (typeof value === 'object' && value !== null) return Object.values(value).map(shape);
      return typeof value;
    };
    const leaf = fc.oneof(temptingText, anyText, fc.integer(), fc.boolean(), fc.constant(null));
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.oneof(temptingText, anyText), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const once = redactValue(value);
        expect(shape(once)).toEqual(shape(value));
        expect(redactValue(once)).toEqual(once);
        expect(redactValue(once)).toBe(once);
      }),
      { numRuns: 300 },
    );
  });
});

describe('redactSession', () => {
  const token = ['gh', 'p_', 'x7Kq9ZtB2mNv4WcR8yLs1DfG5hJp3QaE6uTi'].join('');
  const marker = '[redacted:github-token]';
  const sessionWith = (text: string): Session => ({
    id: token,
    title: `title ${text}`,
    projectPath: `/home/me/${text}`,
    projectName: text,
    gitBranch: `fix/${text}`,
    provider: 'anthropic',
    createdAt: 1,
    messages: [
      {
        id: token,
        role: 'assistant',
        model: 'some-model',
        parts: [
          { type: 'text', text },
          { type: 'thinking', text },
          {
            type: 'tool-call',
            id: token,
            name: 'Bash',
            args: { command: `echo ${text}`, env: { API_KEY: text } },
          },
          { type: 'tool-result', id: token, name: 'Bash', result: text },
          { type: 'file', mediaType: 'image/png', bytes: 3 },
        ],
      },
    ],
    calls: [{ id: token, model: 'some-model' }],
    uncounted: [],
    problems: [{ message: `cannot read ${text}`, location: { file: 'a.jsonl', line: 1 } }],
  });

  it('redacts what people and tools wrote and keeps ids', () => {
    const expected = sessionWith(marker);
    const [call] = expected.messages[0]?.parts.filter((part) => part.type === 'tool-call') ?? [];
    if (call !== undefined)
      call.args = { command: `echo ${marker}`, env: { API_KEY: '[redacted:credential]' } };
    const output = redactSession(sessionWith(token));
    const strings = JSON.stringify(output).replaceAll(`"id":"${token}"`, '');
    expect(strings).not.toContain(token);
    expect(output.id).toBe(token);
    expect(output.messages[0]?.id).toBe(token);
    expect({ ...output, messages: [] }).toEqual({ ...expected, messages: [] });
  });

  it('returns the same session when there is nothing to redact', () => {
    const session = sessionWith('main');
    expect(redactSession(session, { secrets: ['not in there'], homes: ['/home/other'] })).toBe(session);
  });

  it('redacts literal secrets and leaves absent fields absent', () => {
    const session: Session = {
      id: 's',
      title: 'my-literal-secret',
      messages: [],
      calls: [],
      uncounted: [],
      problems: [],
    };
    const output = redactSession(session, { secrets: ['my-literal-secret'] });
    expect(output).toStrictEqual({ ...session, title: '[redacted:secret]' });
  });
});
