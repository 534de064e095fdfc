import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonl } from '@opensync/core';
import { expect, it } from 'vitest';
import { unknownRecord } from './known-records.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

it('knows every record of the real histories', () => {
  const files = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.jsonl'),
  );
  const unknown = new Set<string>();
  let records = 0;
  for (const name of files) {
    for (const { value } of jsonl(join(FIXTURES, name), { report: () => undefined })) {
      records++;
      const type = unknownRecord(value);
      if (type !== undefined) unknown.add(`${type} in ${name}`);
    }
  }
  expect(records).toBeGreaterThan(100);
  expect([...unknown]).toEqual([]);
});

it('names what it does not know, whatever it is', () => {
  expect(unknownRecord({ type: 'dream', payload: null })).toBe('dream');
  for (const value of [null, 7, 'x', [], {}]) expect(unknownRecord(value)).toBe('a line without a type');
});
