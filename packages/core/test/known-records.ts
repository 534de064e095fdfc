import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jsonl } from '@opensync/core';
import { expect, it } from 'vitest';

/** What must hold of a trigger's `unknownRecord`, with the folder of a tool's real histories. */
export function testKnownRecords(fixtures: string, unknownRecord: (value: unknown) => string | undefined) {
  it('knows every record of the real histories', () => {
    const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' });
    const unknown = new Set<string>();
    let records = 0;
    for (const name of files.filter((file) => file.endsWith('.jsonl'))) {
      for (const { value } of jsonl(join(fixtures, name), { report: () => undefined })) {
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
}
