import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestError } from './request-error.js';
import { checkDocument } from './values.js';

/** What the check says of a document, or undefined when it is content. */
function problem(document: object, name?: string): string | undefined {
  try {
    checkDocument(document, name);
    return undefined;
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

it('takes every JSON document whose keys are plain, as far as it is small and flat', () => {
  const key = fc.string({ unit: 'grapheme-ascii' }).filter((text) => !text.startsWith('$'));
  const text = fc.string({ unit: 'grapheme' });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      text,
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node')),
      fc.dictionary(key, tie('node')),
    ),
  })).node;
  fc.assert(fc.property(value, (content) => problem({ content }) === undefined));
});

it('never repeats the text of a document in a refusal', () => {
  const secret = 'p4ssw0rd is here';
  for (const content of [{ [`$${secret}`]: 1 }, { [secret]: { é: 1 } }, { [secret]: '\ud83d' }]) {
    const refusal = problem({ content }, 'parts[0]');
    expect(refusal).toMatch(/^parts\[0\]\.content/);
    expect(refusal).not.toContain(secret);
  }
});

it('counts bytes of UTF-8, field names included', () => {
  const longKeys = Object.fromEntries(
    Array.from({ length: 1024 }, (_, index) => [`${index}`.padEnd(1024, 'k'), 1]),
  );
  expect(problem({ a: 'é'.repeat(500_000) })).toBeUndefined();
  expect(problem({ a: 'é'.repeat(524_288) })).toContain('too large');
  expect(problem({ a: longKeys })).toContain('too large');
});

it('counts levels from the document down', () => {
  const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
  expect(problem(nested(16))).toBeUndefined();
  expect(problem(nested(17))).toContain('too nested');
});
