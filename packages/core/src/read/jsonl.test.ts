import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { Problem } from '../types.js';
import { firstRecord, type JsonlOptions, jsonl } from './jsonl.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = temporaryDirectory();
  file = join(folder, 'history.jsonl');
});

const MIB = 1 << 20;

function read(content: string | Buffer, options: Partial<JsonlOptions> = {}) {
  writeFileSync(file, content);
  const problems: Problem[] = [];
  const found = [...jsonl(file, { report: (problem) => problems.push(problem), ...options })];
  return { values: found.map(({ value }) => value), lines: found.map(({ line }) => line), found, problems };
}

describe('jsonl', () => {
  it('hands out each value with the file and line it stood on', () => {
    const { found, problems } = read('{"a":1}\n\n[2]\n"three"\n');
    expect(found).toEqual([
      { value: { a: 1 }, file, line: 1 },
      { value: [2], file, line: 3 },
      { value: 'three', file, line: 4 },
    ]);
    expect(problems).toEqual([]);
  });

  it('splits at \\n alone, since a JSON string may hold other line separators raw', () => {
    const { values } = read('{"a":"x\u2028y\u2029z\u0085"}\n2\n');
    expect(values).toEqual([{ a: 'x\u2028y\u2029z\u0085' }, 2]);
  });

  it('takes lines that end in \\r\\n, blank ones included', () => {
    const { values, lines, problems } = read('{"a":1}\r\n\r\n{"b":2}\r\n');
    expect(values).toEqual([{ a: 1 }, { b: 2 }]);
    expect(lines).toEqual([1, 3]);
    expect(problems).toEqual([]);
  });

  it('finds nothing in an empty file', () => {
    expect(read('')).toMatchObject({ values: [], problems: [] });
  });

  it('leaves a last line that is still being written for later, without a word', () => {
    const { values, problems } = read('{"a":1}\n{"b":"to be contin');
    expect(values).toEqual([{ a: 1 }]);
    expect(problems).toEqual([]);
  });

  it('counts a last line that is whole although its \\n is missing', () => {
    expect(read('{"a":1}\n{"b":2}').values).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('reports a broken line with its place and reads the rest', () => {
    const { values, problems } = read('{"a":1}\n{"b":\n{"c":3}\n');
    expect(values).toEqual([{ a: 1 }, { c: 3 }]);
    expect(problems).toEqual([
      { message: 'A line that is not JSON was left out.', location: { file, line: 2 } },
    ]);
  });

  it('overlooks a byte order mark at the beginning of the file and only there', () => {
    const { values, problems } = read('\ufeff{"a":1}\n\ufeff{"b":2}\n');
    expect(values).toEqual([{ a: 1 }]);
    expect(problems).toHaveLength(1);
  });

  it('survives bytes that are not UTF-8 and reports NUL, which is no JSON', () => {
    const invalid = Buffer.from([...Buffer.from('{"a":"'), 0xff, 0xc3, ...Buffer.from('"}\n')]);
    const { values, problems } = read(Buffer.concat([invalid, Buffer.from('\0\0\0\n{"b":"\\u0000"}\n')]));
    expect(values).toEqual([{ a: '\ufffd\ufffd' }, { b: '\0' }]);
    expect(problems.map(({ location }) => location?.line)).toEqual([2]);
  });

  it.each([MIB - 3, MIB - 2, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])(
    'reads a line of %d bytes and those around it',
    (bytes) => {
      const long = JSON.stringify('é'.repeat(1) + 'x'.repeat(bytes - 4));
      expect(Buffer.byteLength(long)).toBe(bytes);
      const { values, lines } = read(`1\n${long}\n${long}\n2\n${long}`);
      expect(values).toEqual([1, JSON.parse(long), JSON.parse(long), 2, JSON.parse(long)]);
      expect(lines).toEqual([1, 2, 3, 4, 5]);
    },
  );

  it('leaves out a line above 64 MiB, says how long it is, and reads the rest', () => {
    const long = Buffer.alloc(64 * MIB + 1, 0x20);
    const { values, problems } = read(Buffer.concat([Buffer.from('1\n'), long, Buffer.from('\n2\n')]));
    expect(values).toEqual([1, 2]);
    expect(problems).toEqual([
      { message: `A line of ${64 * MIB + 1} bytes was left out.`, location: { file, line: 2 } },
    ]);
  });

  it('does not parse what `keep` turns down, and shows it whole lines across chunks', () => {
    const seen: number[] = [];
    const long = JSON.stringify('y'.repeat(MIB + 10));
    const keep = (line: Buffer) => {
      seen.push(line.length);
      return line[0] !== 0x7b;
    };
    const { values, lines, problems } = read(`{broken\n${long}\n{"a":1}\n7\n`, { keep });
    expect(values).toEqual([JSON.parse(long), 7]);
    expect(lines).toEqual([2, 4]);
    expect(seen).toEqual([7, MIB + 12, 7, 1]);
    expect(problems).toEqual([]);
  });

  it('reads back any JSON values, whatever their number and size', () => {
    const long = fc.integer({ min: MIB - 9, max: MIB + 9 }).map((length) => 'z'.repeat(length));
    const value = fc.oneof({ arbitrary: fc.jsonValue(), weight: 9 }, { arbitrary: long, weight: 1 });
    const separator = fc.constantFrom('\n', '\r\n', '\n\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, separator), { maxLength: 12 }),
        fc.boolean(),
        (rows, isTerminated) => {
          let line = 1;
          let text = '';
          const lines: number[] = [];
          for (const [index, [item, between]] of rows.entries()) {
            const isLast = index === rows.length - 1;
            lines.push(line);
            text += JSON.stringify(item) + (isLast && !isTerminated ? '' : between);
            line += between.split('\n').length - 1;
          }
          const result = read(text);
          expect(result.values).toEqual(rows.map(([item]) => JSON.parse(JSON.stringify(item))));
          expect(result.lines).toEqual(lines);
          expect(result.problems).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives the same values for a file that is cut anywhere, up to the cut', () => {
    const rows = ['{"a":"ä"}', '{"b":[1,2,{"c":null}]}', '"d\\ne"', '{"f":"😀"}'];
    const bytes = Buffer.from(`${rows.join('\n')}\n`);
    for (let length = 0; length <= bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const whole = rows.filter((_, index) => {
        const end = Buffer.byteLength(rows.slice(0, index + 1).join('\n'));
        return length >= end;
      });
      expect(read(cut)).toMatchObject({ values: whole.map((row) => JSON.parse(row)), problems: [] });
    }
  });

  it('lets go of the file when the reader stops early', () => {
    writeFileSync(file, '1\n2\n3\n');
    const reader = jsonl(file, { report: () => undefined });
    expect(reader.next().value).toMatchObject({ value: 1 });
    expect(reader.return(undefined).done).toBe(true);
    expect(reader.next().done).toBe(true);
  });

  it('names a file that cannot be read', () => {
    const missing = join(folder, 'missing.jsonl');
    const directory = join(folder, 'directory.jsonl');
    mkdirSync(directory);
    for (const path of [missing, directory]) {
      const read = () => [...jsonl(path, { report: () => undefined })];
      expect(read).toThrow(expect.objectContaining({ kind: 'read', message: expect.stringContaining(path) }));
    }
  });
});

describe('the first record of a file', () => {
  it('is its first line that is JSON, and none of a file without any', () => {
    writeFileSync(file, 'torn {\n\n{"id":"s1"}\n{"id":"s2"}\n');
    expect(firstRecord(file)).toEqual({ id: 's1' });
    writeFileSync(file, '');
    expect(firstRecord(file)).toBeUndefined();
    expect(firstRecord(join(folder, 'missing.jsonl'))).toBeUndefined();
  });
});
