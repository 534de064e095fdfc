import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import { tinySource } from '../test/tiny-source.js';
import { readSessions, sessionsToSend } from './session.js';
import type { RawSession } from './source.js';
import { findSessions } from './sync.js';
import type { Session } from './types.js';

let home: string;
beforeEach(() => {
  home = temporaryDirectory();
});

function found(text: string): RawSession {
  const include = ['*.jsonl'];
  const source = { ...tinySource, files: () => [{ folder: home, include }] };
  writeFileSync(join(home, 's1.jsonl'), text);
  const [raw] = findSessions(source, { home, vars: {}, now: () => 0 });
  return raw as RawSession;
}

const session = (id: string): Session => ({ id, messages: [], calls: [], uncounted: [], problems: [] });

describe('readSessions', () => {
  it('gives prices and takes secrets out, the known ones as well', () => {
    const usage = {
      input: 1_000_000,
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      output: 0,
      reasoning: null,
    };
    const text = 'key osk_my_own_secret_value and word correct-horse-battery';
    const raw = found(
      `${JSON.stringify({ id: 'm1', parts: [{ type: 'text', text }], usage, model: 'house-1' })}\n`,
    );
    const prices = { 'house-1': { input: 2, output: 4 } };
    const secrets = ['correct-horse-battery'];
    const [one] = readSessions(tinySource, raw as never, 'all', { prices, secrets });
    expect(one?.priced.cost).toBe(2);
    const shown = JSON.stringify(one?.session.messages);
    expect(shown).not.toContain('osk_my_own');
    expect(shown).not.toContain('correct-horse-battery');
    expect(shown).toContain('[redacted:');
  });

  it('tells of a hundred lines that could not be read, and how many more there are', () => {
    const raw = found('{broken\n'.repeat(200_000));
    const [one] = readSessions(tinySource, raw as never, 'all', {});
    const problems = one?.session.problems ?? [];
    expect(problems).toHaveLength(101);
    expect(problems[99]).toMatchObject({ location: { line: 100 } });
    expect(problems[100]?.message).toBe('199900 more problems are not listed.');
  });

  it('bounds what a transform has to tell as well', () => {
    const raw = found('{"id":"m1"}\n');
    const problems = Array.from({ length: 5_000 }, (_, n) => ({ message: `number ${n}` }));
    const source = {
      ...tinySource,
      transform: () => ['s1', 's2'].map((id) => ({ ...session(id), problems: [...problems] })),
    };
    for (const { session: one } of readSessions(source, raw as never, 'all', {}))
      expect(one.problems).toHaveLength(101);
  });

  it('fails with the name of a file that cannot be opened', () => {
    const raw = found('');
    const gone = {
      ...raw,
      load: () => tinySource.sessions([{ path: '/nowhere/x.jsonl', size: 0, mtimeMs: 0 }], {} as never),
    };
    const [lost] = gone.load();
    expect(() => readSessions(tinySource, lost as never, 'all', {})).toThrow(
      expect.objectContaining({ kind: 'read', message: expect.stringContaining('/nowhere/x.jsonl') }),
    );
  });
});

describe('sessionsToSend', () => {
  it('has a word for a file of which nothing could be read', () => {
    const raw = found('{broken\n');
    const env = { home, vars: {}, now: () => 0 };
    const reading = {
      ...tinySource,
      transform: (records: Iterable<unknown>) => [...records].flatMap(() => [session('s1')]),
    };
    expect(sessionsToSend(reading, raw as never, 'all', { config: {}, env }).unplaced).toMatchObject([
      { message: 'A line that is not JSON was left out.', location: { line: 1 } },
    ]);
  });
});
