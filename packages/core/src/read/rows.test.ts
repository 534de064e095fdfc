import { statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { Problem } from '../types.js';
import { sessionsByRow } from './rows.js';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
});

const TABLES = `
  CREATE TABLE session (id TEXT, cwd TEXT, updated INTEGER);
  CREATE TABLE message (session_id TEXT, data TEXT);
`;
const QUERIES = {
  sessions: 'SELECT id, updated AS changedAt, updated AS version FROM session',
  records: [
    'SELECT rowid AS line, cwd FROM session WHERE id = ?',
    'SELECT rowid AS line, data AS json FROM message WHERE session_id = ? ORDER BY rowid',
  ],
};

function database(name: string, sql: string): string {
  const path = join(folder, name);
  const { DatabaseSync } = (process.getBuiltinModule('node:sqlite') ??
    createRequire(import.meta.url)('@photostructure/sqlite')) as {
    DatabaseSync: new (file: string) => { exec(sql: string): void; close(): void };
  };
  const db = new DatabaseSync(path);
  db.exec(`${TABLES}${sql}`);
  db.close();
  return path;
}

function found(...paths: string[]) {
  return paths.map((path) => ({ path, size: statSync(path).size, mtimeMs: statSync(path).mtimeMs }));
}

describe('sessionsByRow', () => {
  it('reads the rows of each session, and what a column holds as JSON', () => {
    const path = database(
      'a.db',
      `INSERT INTO session VALUES ('s1', '/one', 10), ('s2', '/two', 20);
       INSERT INTO message VALUES ('s2', '{"text":"x"}'), ('s1', '{"text":"a"}'), ('s1', '[1]');`,
    );
    const sessions = sessionsByRow(found(path), QUERIES);
    expect(sessions).toMatchObject([
      { id: 's1', files: [path], version: '10', changedAt: 10 },
      { id: 's2', files: [path], version: '20', changedAt: 20 },
    ]);
    expect([...(sessions[0]?.load('all', () => undefined) ?? [])]).toEqual([
      { value: { line: 1, cwd: '/one' }, file: path, line: 1 },
      { value: { text: 'a' }, file: path, line: 2 },
      { value: [1], file: path, line: 3 },
    ]);
  });

  it('reports a record that is not JSON, with its place, and goes on', () => {
    const path = database(
      'a.db',
      `INSERT INTO session VALUES ('s1', NULL, 10);
       INSERT INTO message VALUES ('s1', '{"torn'), ('s1', NULL), ('s1', '{"text":"b"}');`,
    );
    const problems: Problem[] = [];
    const [session] = sessionsByRow(found(path), QUERIES);
    const records = [...(session?.load('all', (problem) => problems.push(problem)) ?? [])];
    expect(records.map(({ value }) => value)).toEqual([{ line: 1, cwd: null }, null, { text: 'b' }]);
    const message = 'A record that is not JSON was left out.';
    expect(problems).toEqual([{ message, location: { file: path, line: 1 } }]);
  });

  it('takes the log for a part of its database, and of no other', () => {
    const [one, two] = [
      database('a.db', "INSERT INTO session VALUES ('s1', NULL, 1);"),
      database('b.db', ''),
    ];
    const log = `${one}-wal`;
    writeFileSync(log, '');
    const sessions = sessionsByRow(found(log, one, two), QUERIES);
    expect(sessions).toMatchObject([{ id: 's1', files: [log, one] }]);
  });

  it('knows of every change of the database where a session has no version', () => {
    const path = database('a.db', "INSERT INTO session VALUES ('s1', NULL, NULL);");
    const [file] = found(path);
    if (file === undefined) throw new Error('not found');
    const versionAt = (mtimeMs: number) => sessionsByRow([{ ...file, mtimeMs }], QUERIES)[0]?.version;
    expect(versionAt(1)).toBe(versionAt(1));
    expect(versionAt(1)).not.toBe(versionAt(2));
  });

  it('takes the session that went on when a copy of the database lies beside it', () => {
    const older = database('backup.db', "INSERT INTO session VALUES ('s1', NULL, 1);");
    const newer = database('a.db', "INSERT INTO session VALUES ('s1', NULL, 2);");
    expect(sessionsByRow(found(older, newer), QUERIES)).toMatchObject([{ id: 's1', files: [newer] }]);
    expect(sessionsByRow(found(newer, older), QUERIES)).toMatchObject([{ id: 's1', files: [newer] }]);
  });

  it('fails for a database that cannot be read, and for no other', () => {
    const sound = database('a.db', "INSERT INTO session VALUES ('s1', NULL, 1);");
    const broken = join(folder, 'b.db');
    writeFileSync(broken, 'no database');
    const sessions = sessionsByRow(found(broken, sound), QUERIES);
    expect(sessions.map(({ id }) => id).sort()).toEqual(['b.db', 's1']);
    const failing = sessions.find(({ id }) => id === 'b.db');
    expect(() => failing?.load('all', () => undefined)).toThrow(`Cannot read ${broken}`);
  });
});
