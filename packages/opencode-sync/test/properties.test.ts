import { readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Session } from '@opensync/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../core/src/wire.js';
import type { OpencodeRecord } from '../src/records.js';
import { transform } from '../src/transform.js';
import {
  copyOf,
  databaseOf,
  filesBelow,
  fingerprint,
  rawOf,
  rawsOf,
  rowsOf,
  rowsOfEverything,
  sessionOf,
  VERSIONS,
} from './home.js';

const transcripts = VERSIONS.flatMap((version) =>
  rawsOf(copyOf(version)).map((raw) => {
    const records = [...raw.load('all', fail)];
    return [`${version} ${raw.id}`, raw.id, records] as const;
  }),
);

function fail(problem: unknown): never {
  throw new Error(JSON.stringify(problem));
}

function read(id: string, records: Iterable<OpencodeRecord>): Session {
  return transform(records, { id })[0] as Session;
}

describe.each(transcripts)('the transcript %s', (_, id, records) => {
  const whole = read(id, records);

  it('gives the same session every time, and its records stay as they are', () => {
    const before = JSON.stringify(records);
    expect(read(id, records)).toEqual(whole);
    expect(JSON.stringify(records)).toBe(before);
  });

  it('keeps ids, times and tokens of every shorter state', () => {
    const ids = whole.messages.map(({ id: messageId, createdAt }) => [messageId, createdAt]);
    let before = 0;
    for (let length = 0; length <= records.length; length++) {
      const session = read(id, records.slice(0, length));
      const shorter = session.messages.map(({ id: messageId, createdAt }) => [messageId, createdAt]);
      expect(shorter).toEqual(ids.filter(([messageId]) => shorter.some(([other]) => other === messageId)));
      // Parts are cut off a message that says already what came of them: only whole messages compare.
      if (length < records.length && records[length]?.kind !== 'message') continue;
      const tokens = session.calls.reduce(
        (sum, { usage }) => sum + (usage?.input ?? 0) + (usage?.output ?? 0),
        0,
      );
      expect(tokens).toBeGreaterThanOrEqual(before);
      before = tokens;
    }
  });

  it('has unique ids, and each tool result directly behind its call', () => {
    expect(new Set(whole.messages.map((message) => message.id)).size).toBe(whole.messages.length);
    for (const { parts } of whole.messages) {
      parts.forEach((part, index) => {
        if (part.type !== 'tool-result') return;
        expect(parts[index - 1]).toMatchObject({ type: 'tool-call', id: part.id, name: part.name });
      });
    }
  });

  it('says of every count in it where it is counted, or why it is not', () => {
    const counted = [...whole.calls, ...whole.uncounted].map(
      ({ location }) => `${location?.file}:${location?.line}`,
    );
    for (const { value, file, line } of records) {
      if ((value as { tokens?: { input?: number } }).tokens?.input)
        expect(counted).toContain(`${file}:${line}`);
    }
  });

  it('reads the same with parts and fields that nobody knows yet', () => {
    const future: OpencodeRecord[] = records.flatMap((record) => {
      const known = { ...record, value: { ...(record.value as object), future: { deep: [1] } } };
      if (record.kind !== 'message') return [known];
      return [known, { ...record, kind: 'part', id: 'prt_f', value: { type: 'of-the-future', tokens: 1 } }];
    });
    expect(read(id, future)).toEqual(whole);
  });

  it('is read without an error when values in it are anything at all, and what is sent stays valid', () => {
    const anything = fc.anything({ withNullPrototype: true, withBigInt: false });
    fc.assert(
      fc.property(fc.nat(), fc.nat(), anything, (where, field, value) => {
        const mutated = records.map((record) => structuredClone(record));
        const target = mutated[where % mutated.length] as OpencodeRecord;
        const fields = Object.keys(target.value as object);
        const name = fields[field % (fields.length + 1)];
        if (name === undefined) target.value = value;
        else (target.value as Record<string, unknown>)[name] = value;
        const session = read(id, mutated);
        const wire = toWire(session, { source: 'opencode', cost: null, thinking: true });
        for (const message of wire.messages)
          expect(message.externalId.startsWith(`opencode:${id}:`)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe.each([['1.18.33'], ['1.18.33-wal'], ['1.1.65'], ['0.5.29']])('the history of %s', (version) => {
  it('is listed as it is read whole', () => {
    const home = copyOf(version);
    expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  });

  it('has the same files, versions and order every time', () => {
    const home = copyOf(version);
    const state = () =>
      rawsOf(home).map(({ id, files, version: current, changedAt }) => [id, files, current, changedAt]);
    expect(state()).toEqual(state());
  });
});

const LEGACY = [
  ['1.1.65', 'ses_dfdac0b52ffeFhSDhkURv9gHsO'],
  ['0.5.29', 'ses_dfdabc57cffecwoJjaeZoKsYyn'],
] as const;

describe.each(LEGACY)('the JSON files of %s', (version, id) => {
  const partsOf = (home: string, type: string) =>
    filesBelow(home)
      .filter((file) => basename(file).startsWith('prt_'))
      .map((file) => join(home, file))
      .filter((file) => {
        const part = JSON.parse(readFileSync(file, 'utf8')) as { type: string; sessionID: string };
        return part.type === type && part.sessionID === id;
      });

  it('are read and not changed', () => {
    const home = copyOf(version);
    const before = fingerprint(home);
    rowsOfEverything(home);
    expect(fingerprint(home)).toEqual(before);
  });

  it('tell when a message or a part of the last one changes, comes or goes', () => {
    const home = copyOf(version);
    const lastPart = partsOf(home, 'step-finish').at(-1) as string;
    const message = rawOf(home, id).files.at(-1) as string;
    const versions = [rawOf(home, id).version];
    const note = () => versions.push(rawOf(home, id).version);
    utimesSync(message, 1, 1);
    note();
    writeFileSync(lastPart, `${readFileSync(lastPart, 'utf8')} `);
    note();
    rmSync(lastPart);
    note();
    rmSync(message);
    note();
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('that are cut off are reported, and the rest is read', () => {
    const home = copyOf(version);
    const whole = sessionOf(home, id);
    const [text] = partsOf(home, 'text');
    const [tool] = partsOf(home, 'tool');
    if (text === undefined || tool === undefined) throw new Error('The fixture has changed.');
    truncateSync(text, 40);
    truncateSync(tool, 0);
    const session = sessionOf(home, id);
    expect(session.problems.map(({ location }) => location?.file).sort()).toEqual([text, tool].sort());
    expect(session.calls).toEqual(whole.calls);
    const row = rowsOf(home).find((one) => one.id === id);
    expect(row?.toolCalls).toBe(4);
  });

  it('that cannot be opened fail their session alone', () => {
    const home = copyOf(version);
    const folder = dirname(rawOf(home, id).files.at(-1) as string);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
    expect(() => sessionOf(home, id)).toThrow(expect.objectContaining({ kind: 'read' }));
    const raws = rawsOf(home);
    expect(raws).toHaveLength(10);
    for (const raw of raws) if (raw.id !== id) expect([...raw.load('all', fail)].length).toBeGreaterThan(0);
  });
});

describe('a database that is damaged', () => {
  const whole = readFileSync(databaseOf(copyOf('1.18.33')));
  const damages: [string, (seed: number) => Buffer][] = [
    ['cut off', (seed) => whole.subarray(0, seed % whole.length)],
    [
      'overwritten',
      (seed) => {
        const bytes = Buffer.from(whole);
        return bytes.fill(
          seed % 256,
          seed % whole.length,
          Math.min((seed % whole.length) + 3000, whole.length),
        );
      },
    ],
  ];

  it.each(damages)('and %s fails in no other way than as a file that cannot be read', (_, damage) => {
    const home = copyOf('1.1.65');
    fc.assert(
      fc.property(fc.nat({ max: whole.length }), (seed) => {
        writeFileSync(databaseOf(home), damage(seed));
        let legacy = 0;
        for (const raw of rawsOf(home)) {
          if (raw.files.some((file) => file.endsWith('.json'))) legacy++;
          try {
            transform(
              raw.load('all', () => undefined),
              raw,
            );
          } catch (error) {
            expect(error).toMatchObject({ kind: 'read' });
          }
        }
        expect(legacy).toBe(10);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a database with a damaged page', () => {
  const home = copyOf('1.18.33');
  const bytes = readFileSync(databaseOf(home));
  const size = bytes.readUInt16BE(16);
  const before = new Map(rawsOf(home).map((raw) => [raw.id, transform(raw.load('all', fail), raw)]));

  it('still gives the sessions on the other pages, as they were', () => {
    let whole = 0;
    let partly = 0;
    for (let page = 1; page < bytes.length / size; page++) {
      writeFileSync(databaseOf(home), Buffer.from(bytes).fill(0, page * size, (page + 1) * size));
      let same = 0;
      for (const raw of rawsOf(home)) {
        try {
          const read = transform(
            raw.load('all', () => undefined),
            raw,
          );
          if (JSON.stringify(read) === JSON.stringify(before.get(raw.id))) same++;
        } catch (error) {
          expect(error).toMatchObject({ kind: 'read' });
        }
      }
      if (same === before.size) whole++;
      else if (same > 0) partly++;
    }
    // Most pages hold content of one session; the rest are lists of everything.
    expect(whole + partly).toBeGreaterThan((bytes.length / size) * 0.93);
  });
});
