import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '@opensync/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../core/src/wire.js';
import { type CodexRecord, transform } from '../src/transform.js';
import { linesOf } from './histories.js';
import { copyOfFixture, fixture, only, preparedOf, rolloutsBelow, VERSIONS } from './home.js';

type Json = Record<string, unknown>;

const rollouts = VERSIONS.flatMap((version) =>
  rolloutsBelow(fixture(version)).map((path) => ({
    version,
    path,
    id: String(/([0-9a-f-]{36})\.jsonl$/.exec(path)?.[1]),
    lines: linesOf(version, path) as unknown as Json[],
  })),
);
type Rollout = (typeof rollouts)[number];
const named = rollouts.map((rollout) => [`${rollout.version} ${rollout.id}`, rollout] as const);

function read({ id, path }: Rollout, lines: readonly unknown[]): Session {
  const records: CodexRecord[] = lines.map((value, index) => ({
    kind: 'line',
    value,
    file: path,
    line: index + 1,
  }));
  return only(transform([{ kind: 'file', segment: undefined }, ...records], { id }));
}

describe.each(named)('the rollout %s', (_name, rollout) => {
  const { lines } = rollout;
  const whole = read(rollout, lines);
  const idsAndTimes = ({ messages }: Session) =>
    messages.map(({ id, createdAt, role }) => ({ id, createdAt, role }));

  it('gives the same session every time, and its records stay as they are', () => {
    const before = JSON.stringify(lines);
    expect(read(rollout, lines)).toEqual(whole);
    expect(JSON.stringify(lines)).toBe(before);
  });

  it('keeps ids, times and tokens of every shorter state', () => {
    let output = 0;
    for (let length = 0; length <= lines.length; length++) {
      const session = read(rollout, lines.slice(0, length));
      expect(idsAndTimes(session)).toEqual(idsAndTimes(whole).slice(0, session.messages.length));
      const sum = session.calls.reduce((total, { usage }) => total + (usage?.output ?? 0), 0);
      expect(sum).toBeGreaterThanOrEqual(output);
      output = sum;
    }
  });

  it('accounts for every record that looks like a bill', () => {
    const bills = lines.filter(({ type, payload }) => {
      const { type: kind, info } = payload === undefined ? {} : (payload as Json);
      return type === 'token_usage_record' || (kind === 'token_count' && info !== null);
    });
    const isBill = ({ location }: { location?: { line: number } }) =>
      bills.includes(lines[(location?.line ?? 0) - 1] as Json);
    expect([...whole.calls, ...whole.uncounted].filter(isBill)).toHaveLength(bills.length);
  });
});

describe('a history that breaks off', () => {
  it('keeps the ids that it had before, wherever that is', () => {
    const wholes = new Map(
      VERSIONS.flatMap((version) =>
        preparedOf(fixture(version)).map(({ session }) => [session.id, session.messages]),
      ),
    );
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...rollouts), share, ({ version, path, id }, part) => {
        const home = copyOfFixture(version);
        const { size } = statSync(join(home, path));
        truncateSync(join(home, path), Math.floor(part * size));
        const cut = preparedOf(home).find(({ session }) => session.id === id);
        const ids = wholes.get(id)?.map((message) => message.id);
        expect(ids).toEqual(expect.arrayContaining(cut?.session.messages.map((message) => message.id) ?? []));
      }),
      { numRuns: 60, seed: 20261122 },
    );
  });
});

describe('a field of another type than expected', () => {
  /** One line of each kind that a client writes, with the rollout it stands in. */
  const kinds = new Map<string, { rollout: Rollout; index: number }>();
  for (const rollout of rollouts) {
    rollout.lines.forEach((line, index) => {
      const { type = '', role = '', item } = (line.payload ?? line) as Json;
      const name = [
        rollout.version,
        line.type ?? line.record_type ?? '',
        type,
        role,
        (item as Json | undefined)?.type ?? '',
      ];
      if (!kinds.has(name.join(' '))) kinds.set(name.join(' '), { rollout, index });
    });
  }

  it.each([...kinds])('takes no other message along: %s', (_name, { rollout, index }) => {
    const { lines } = rollout;
    const line = lines[index] as Json;
    const whole = read(rollout, lines);
    const touched = JSON.stringify(line);
    const others = whole.messages.filter(({ id, parts }) => {
      const texts = parts.flatMap((part) => ('text' in part ? [part.text] : 'id' in part ? [part.id] : []));
      return (
        ![id, ...texts].some((text) => touched.includes(JSON.stringify(text).slice(1, -1))) &&
        !id.endsWith(`-${index + 1}`)
      );
    });
    // Whose lines the following ones are hangs on a thread's first.
    const isMeta = line.type === 'session_meta' || index === 0;
    // Before 0.153 nothing else stands between two responses.
    const separates = (line.payload as Json | undefined)?.type === 'token_count';
    const paths = pathsIn(line).filter((path) => !separates || path[1] === 'info');
    for (const path of paths) {
      for (const value of [null, 7, {}, []]) {
        const session = read(rollout, lines.with(index, withValue(line, path, value) as Json));
        const found = new Map(session.messages.map(({ id, role, parts }) => [id, { role, parts }]));
        for (const { id, role, parts } of isMeta ? [] : others)
          expect({ path, ...found.get(id) }).toEqual({ path, role, parts });
      }
    }
  });
});

/** Paths to each field, not deeper than a transform looks. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null || path.length > 4) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const next = [...path, Array.isArray(value) ? Number(key) : key];
    return [next, ...pathsIn(item, next)].slice(0, 40);
  });
}

function withValue(container: unknown, [key, ...rest]: (string | number)[], value: unknown): unknown {
  const copy = structuredClone(container) as Json;
  copy[String(key)] = rest.length === 0 ? value : withValue(copy[String(key)], rest, value);
  return copy;
}

describe('lines that hold any JSON at all', () => {
  /** Every type of line and payload that a client writes, with the names of their fields. */
  const shapes = new Map(
    rollouts.flatMap(({ lines }) =>
      lines.map((line) => {
        const payload = (line.payload ?? line) as Json;
        return [`${line.type} ${payload.type}`, { type: line.type, payload }] as const;
      }),
    ),
  );

  it('are read without an error, the same each time, and what is sent is well-formed', () => {
    const json = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('__proto__', -1, 1e308, 2 ** 53));
    const line = fc
      .tuple(fc.constantFrom(...shapes.values()), fc.array(fc.tuple(fc.nat(), json), { maxLength: 3 }), json)
      .map(([{ type, payload }, changes, timestamp]) => {
        const fields = Object.keys(payload).filter((key) => key !== 'type');
        const changed = changes.map(([index, value]) => [
          fields[index % Math.max(1, fields.length)] ?? 'x',
          value,
        ]);
        return { type, timestamp, payload: { ...payload, ...Object.fromEntries(changed) } };
      });
    fc.assert(
      fc.property(fc.array(fc.oneof(line, json)), (values) => {
        const records: CodexRecord[] = [
          { kind: 'file', segment: undefined },
          ...values.map((value, index) => ({ kind: 'line' as const, value, file: 'x', line: index + 1 })),
        ];
        const sessions = transform(records, { id: 'x' });
        expect(transform(records, { id: 'x' })).toEqual(sessions);
        for (const session of sessions) {
          expect(new Set(session.messages.map((one) => one.id)).size).toBe(session.messages.length);
          const sent = JSON.stringify(toWire(session, { source: 'codex-cli', cost: null, thinking: true }));
          expect(sent.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 500, seed: 20261124 },
    );
  });
});
