import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from './parse-json.js';

function parsedByEngine(text: string): unknown {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { why: 'is not JSON' };
  }
}

describe('parseJson', () => {
  it('says what JSON.parse says, whatever the text', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      ' ',
      '\n',
      '\0',
      '1',
      '-',
      'null',
      'a',
    );
    const text = fc.oneof(
      fc.json(),
      fc
        .tuple(fc.json(), fc.constantFrom(' ', '\t\r\n', '\u00a0', '\ufeff', 'x'))
        .map(([json, end]) => json + end),
      fc.array(fragment).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (one) => {
        expect(parseJson(one)).toEqual(parsedByEngine(one));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no value that is nested too deeply for whatever walks it later', () => {
    const nested = (levels: number) => `${'[{"a":'.repeat(levels / 2)}"]}"${'}]'.repeat(levels / 2)}`;
    expect(parseJson(nested(1_000))).toHaveProperty('value');
    expect(parseJson(nested(1_002))).toEqual({ why: 'is nested more than 1000 levels deep' });
    expect(parseJson('['.repeat(10_000_000))).toEqual({ why: 'is not JSON' });
    expect(parseJson(nested(200_000))).toHaveProperty('why');
  });

  it('takes brackets and commas in a text for text', () => {
    const value = ['[{"\\'.repeat(50_000), ',"'.repeat(1_200_000), '\\'];
    expect(parseJson(JSON.stringify(value))).toEqual({ value });
  });

  it('takes no value that needs many times the memory of its text', () => {
    const items = (count: number) => `[${new Array(count).fill('0').join()}]`;
    expect(parseJson(items(900_000))).toHaveProperty('value');
    expect(parseJson(items(1_100_000))).toEqual({ why: 'holds more than 1000000 values' });
  });
});
