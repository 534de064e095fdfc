import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SessionRow, sessionRows } from '../cli/rows.js';
import { readSessions } from '../session.js';
import type { RawSession, Source } from '../source.js';
import { findSessions } from '../sync.js';
import type { Message, Session } from '../types.js';
import { toWire } from '../wire.js';
import {
  allFiles,
  copyHistory,
  environment,
  fingerprint,
  type History,
  rawSessions,
  removeHistory,
} from './history.js';
import { visitedPaths } from './visited-paths.js';

/** A history written by the real tool. */
export interface SourceFixture {
  /** For the name of the tests: the tool's version, say. */
  name: string;
  /** Absolute path of its folder. It is copied, and the copy is the home directory. */
  folder: string;
  /** Environment variables with which the source finds it; `$FIXTURE` in them stands for the copy. */
  vars?: Record<string, string>;
  /**
   * Absolute path of a JSON file with the rows that `list --json` gives for the fixture, `files` and
   * `synced` left out. Written when it is missing or the environment has `UPDATE_GOLDEN=1`.
   */
  golden?: string;
}

export interface TestSourceOptions {
  fixtures: SourceFixture[];
  /**
   * Files that their tool only ever appends lines to: their beginnings are earlier states of the
   * history, and must give the same ids. Default: names that end in `.jsonl`. `false`: the tool has none.
   */
  appended?: RegExp | false;
}

/** States of a growing file that are tried; each costs a reading of its session. */
const MAX_CUTS = 12;
/** 2015: before any of these tools. */
const EARLIEST = Date.UTC(2015, 0, 1);
const DAY = 86_400_000;

/** Registers tests (vitest) that any source must pass. */
export function testSource<R>(source: Source<R>, options: TestSourceOptions): void {
  describe(`the source ${source.id}`, () => {
    testEmptyHome(source, options.fixtures);
    for (const fixture of options.fixtures) {
      describe(fixture.name, () => testFixture(source, fixture, options.appended ?? /\.jsonl$/));
    }
  });
}

/** The process's own home and variables must not matter: a source that reads them would find the decoy. */
function testEmptyHome<R>(source: Source<R>, fixtures: readonly SourceFixture[]): void {
  it('reads nothing outside the home and the variables it is given', () => {
    const empty = mkdtempSync(join(tmpdir(), 'opensync-empty-'));
    const before = { ...process.env };
    try {
      for (const { folder, vars = {} } of fixtures) {
        Object.assign(process.env, environment(folder, vars).vars, { HOME: folder, USERPROFILE: folder });
        expect(findSessions(source, environment(empty, {}))).toEqual([]);
      }
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      rmSync(empty, { recursive: true, force: true });
    }
  });
}

function testFixture<R>(source: Source<R>, fixture: SourceFixture, appended: RegExp | false): void {
  let history: History;
  beforeAll(() => {
    history = copyHistory(fixture.folder, fixture.vars ?? {});
  });
  afterAll(() => removeHistory(history));

  it('finds sessions, all of them in the files it was pointed at', () => {
    const raws = rawSessions(source, history);
    expect(raws.length).toBeGreaterThan(0);
    expect(new Set(raws.map(({ id }) => id)).size).toBe(raws.length);
    for (const file of raws.flatMap(({ files }) => files))
      expect(file.startsWith(history.folder + sep)).toBe(true);
  });

  if (fixture.golden !== undefined) {
    const { golden } = fixture;
    it('gives the rows of the golden file', () => {
      const rows = goldenRows(source, history);
      if (!existsSync(golden) || process.env.UPDATE_GOLDEN === '1') {
        writeFileSync(golden, `${JSON.stringify(rows, null, 2)}\n`);
      }
      expect(rows).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
    });
  }

  it('gives the same result for the same input', () => {
    for (const raw of rawSessions(source, history))
      expect(sessionsOf(source, raw)).toEqual(sessionsOf(source, raw));
  });

  it('gives the same version as long as nothing changes', () => {
    const versions = () => rawSessions(source, history).map(({ id, version }) => [id, version]);
    expect(versions()).toEqual(versions());
  });

  it('gives the same row for a summary as for everything', () => {
    for (const raw of rawSessions(source, history)) {
      const whole = {
        ...fieldsOf(raw),
        load: (_: unknown, report: Parameters<RawSession<R>['load']>[1]) => raw.load('all', report),
      };
      expect(rowsOf(source, raw)).toEqual(rowsOf(source, whole));
    }
  });

  it('gives every message an id of its own, and no two on the server alike', () => {
    const ids = everySession(source, history).flatMap((session) => {
      const { messages } = toWire(session, { source: source.id, cost: null, thinking: true });
      expect(new Set(session.messages.map(({ id }) => id)).size).toBe(session.messages.length);
      return messages.map(({ externalId }) => externalId);
    });
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id.startsWith(`${source.id}:`))).toBe(true);
  });

  it('counts tokens in disjoint buckets, whole and never negative', () => {
    for (const { id, calls } of everySession(source, history)) {
      expect(new Set(calls.map((call) => call.id)).size, id).toBe(calls.length);
      for (const { usage } of calls) {
        if (usage === undefined) continue;
        const { reasoning, ...buckets } = usage;
        for (const tokens of Object.values(buckets))
          expect(Number.isSafeInteger(tokens) && tokens >= 0, id).toBe(true);
        expect(reasoning === null || (reasoning >= 0 && reasoning <= usage.output), id).toBe(true);
      }
    }
  });

  it('puts every result directly behind the call it answers', () => {
    for (const session of everySession(source, history)) session.messages.forEach(expectResultsBehindCalls);
  });

  it('gives times in milliseconds, none of them absurd', () => {
    for (const { id, createdAt, updatedAt, messages, calls } of everySession(source, history)) {
      const times = [
        createdAt,
        updatedAt,
        ...messages.map((m) => m.createdAt),
        ...calls.map((call) => call.createdAt),
      ];
      for (const at of times) {
        if (at !== undefined) expect(at > EARLIEST && at < Date.now() + DAY, `${id}: ${at}`).toBe(true);
      }
      if (createdAt !== undefined && updatedAt !== undefined)
        expect(updatedAt).toBeGreaterThanOrEqual(createdAt);
    }
  });

  it('carries no binary content', () => {
    for (const session of everySession(source, history)) {
      expect(JSON.stringify(session)).not.toMatch(/;base64,[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{3000}/);
    }
  });

  it('looks at its own files and at nothing that a transcript names', () => {
    const inside = (path: string) => path === history.folder || path.startsWith(history.folder + sep);
    // Whatever is loaded at the first reading, a database driver say, looks for itself.
    everySession(source, history);
    const paths = visitedPaths(() => everySession(source, history));
    expect(paths.filter((path) => !inside(path))).toEqual([]);
    // Otherwise the list would be empty for a source that cannot be watched.
    expect(paths.length).toBeGreaterThan(0);
  });

  it('leaves every file as it was, and none beside it', () => {
    const before = fingerprint(history.folder);
    everySession(source, history);
    expect(fingerprint(history.folder)).toEqual(before);
  });

  if (appended !== false) testGrowth(source, fixture, appended);
}

/** What a transcript looks like while the tool writes it, and after it broke off. */
function testGrowth<R>(source: Source<R>, fixture: SourceFixture, appended: RegExp): void {
  /** Runs `check` on each appended file of a copy of its own. */
  const forEachFile = (check: (history: History, file: string, text: string) => void) => {
    const history = copyHistory(fixture.folder, fixture.vars ?? {});
    try {
      const known = new Set(rawSessions(source, history).flatMap(({ files }) => files));
      for (const file of allFiles(history.folder).filter((path) => appended.test(path) && known.has(path))) {
        const text = readFileSync(file, 'utf8');
        check(history, file, text);
        writeFileSync(file, text);
      }
    } finally {
      removeHistory(history);
    }
  };

  it('keeps the ids and the order of a transcript as it grows', () => {
    forEachFile((history, file, text) => {
      const final = new Map(sessionsWith(source, history, file).map((session) => [session.id, session]));
      for (const cut of cuts(text)) {
        writeFileSync(file, text.slice(0, cut));
        for (const earlier of sessionsWith(source, history, file)) {
          const later = final.get(earlier.id);
          expect(later, `${file} at ${cut}`).toBeDefined();
          if (later !== undefined) expectContinuation(earlier, later);
        }
      }
    });
  });

  it('is not disturbed by a line that is still being written', () => {
    forEachFile((history, file, text) => {
      // To an empty file it makes a difference that the tool has begun to write.
      if (text === '') return;
      const before = sessionsWith(source, history, file);
      writeFileSync(file, `${text}${text.endsWith('\n') ? '' : '\n'}{"type":"assistant","torn":"`);
      expect(sessionsWith(source, history, file)).toEqual(before);
    });
  });

  it('is not disturbed by a record of a type it does not know', () => {
    forEachFile((history, file, text) => {
      const before = sessionsWith(source, history, file).map(withoutProblems);
      writeFileSync(
        file,
        `${text}${text.endsWith('\n') ? '' : '\n'}{"type":"of-a-future-version","payload":{"type":"x"}}\n`,
      );
      expect(sessionsWith(source, history, file).map(withoutProblems)).toEqual(before);
    });
  });

  it('throws for no broken line and no empty file', () => {
    forEachFile((history, file, text) => {
      for (const broken of [
        '',
        '\n',
        'not json\n',
        '[]\n',
        'null\n',
        `${text.slice(0, 200)}\u0000\ufffd\n${text}`,
      ]) {
        writeFileSync(file, broken);
        expect(() => sessionsWith(source, history, file)).not.toThrow();
      }
    });
  });
}

/** Offsets behind some lines and inside some others, spread over the text. */
function cuts(text: string): number[] {
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1);
  const step = Math.max(1, Math.floor(ends.length / MAX_CUTS));
  return ends.filter((_, index) => index % step === 0).flatMap((end) => [end, Math.max(0, end - 7)]);
}

/** A raw session's fields, which may be accessors of a class. */
function fieldsOf<R>({ id, files, version, changedAt }: RawSession<R>) {
  return { id, files, version, changedAt };
}

function sessionsOf<R>(source: Source<R>, raw: RawSession<R>): Session[] {
  return readSessions(source, raw, 'all', {}).map(({ session }) => session);
}

function everySession<R>(source: Source<R>, history: History): Session[] {
  return rawSessions(source, history).flatMap((raw) => sessionsOf(source, raw));
}

function sessionsWith<R>(source: Source<R>, history: History, file: string): Session[] {
  const raws = rawSessions(source, history).filter(({ files }) => files.includes(file));
  return raws.flatMap((raw) => sessionsOf(source, raw));
}

function rowsOf<R>(source: Source<R>, raw: RawSession<R>): SessionRow[] {
  return sessionRows(raw, { source, config: {} });
}

function goldenRows<R>(source: Source<R>, history: History): unknown[] {
  const rows = rawSessions(source, history).flatMap((raw) => rowsOf(source, raw));
  const text = JSON.stringify(rows.map(({ files: _, synced: __, ...row }) => row));
  const plain = JSON.parse(text.replaceAll(JSON.stringify(history.folder).slice(1, -1), '')) as {
    id: string;
  }[];
  return plain.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function withoutProblems(session: Session): Session {
  return { ...session, problems: [] };
}

function expectResultsBehindCalls({ parts }: Message): void {
  parts.forEach((part, index) => {
    if (part.type !== 'tool-result') return;
    const before = parts[index - 1];
    expect(
      before?.type === 'tool-call' && before.id === part.id,
      `result ${part.id} stands behind its call`,
    ).toBe(true);
  });
}

/** Every message of the earlier state is in the later one, in the same order and with the same time and role. */
function expectContinuation(earlier: Session, later: Session): void {
  const wire = (session: Session) => {
    const { messages } = toWire(session, { source: 'test', cost: null, thinking: true });
    return messages.map(({ externalId, role }) => ({ externalId, role }));
  };
  const ids = new Set(wire(earlier).map(({ externalId }) => externalId));
  expect(wire(later).filter(({ externalId }) => ids.has(externalId))).toEqual(wire(earlier));
}
