import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { withDatabase } from './sqlite.js';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
});

/** The script of another program: writes rows in WAL mode, says "ready", and leaves in the way it is told. */
const WRITER = `
  let sqlite;
  try { sqlite = require('node:sqlite'); } catch { sqlite = require(process.argv[2]); }
  const db = new sqlite.DatabaseSync(process.argv[1]);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE IF NOT EXISTS t (n INTEGER, b BLOB)");
  db.exec("INSERT INTO t VALUES (1, x'0102'), (2, NULL)");
  process.stdout.write('ready');
  process.stdin.on('data', (data) => {
    if (String(data) === 'close') { db.close(); process.exit(0); }
    db.exec('INSERT INTO t VALUES (3, NULL)');
    process.stdout.write('more');
  });
`;

async function startWriter(file: string) {
  const driver = createRequire(import.meta.url).resolve('@photostructure/sqlite');
  const writer = spawn(process.execPath, ['--no-warnings', '-e', WRITER, file, driver]);
  await once(writer.stdout, 'data');
  return writer;
}

/** Names and contents of everything in the folder. A `-shm` is shared memory of the owner, and may change. */
function state(): Record<string, string> {
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex');
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((file) => [file, file.endsWith('-shm') ? 'shared memory' : hash(file)]),
  );
}

const count = (file: string) => withDatabase(file, (db) => db.all('SELECT count(*) AS n FROM t')[0]?.n);

describe('withDatabase', () => {
  it('reads a closed database and leaves nothing beside it', async () => {
    const file = join(folder, 'closed.db');
    const writer = await startWriter(file);
    writer.stdin.write('close');
    await once(writer, 'exit');
    const before = state();
    expect(Object.keys(before)).toEqual(['closed.db']);
    expect(count(file)).toBe(2);
    expect(state()).toEqual(before);
  });

  it('sees rows that are only in the log of a program that is writing, and changes neither file', async () => {
    const file = join(folder, 'live.db');
    const writer = await startWriter(file);
    const before = state();
    expect(count(file)).toBe(2);
    expect(state()).toEqual(before);
    writer.stdin.write('more');
    await once(writer.stdout, 'data');
    expect(count(file)).toBe(3);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  });

  it('sees rows in a log that was left behind, and leaves no file beside it', async () => {
    const writer = await startWriter(join(folder, 'origin.db'));
    const file = join(folder, 'left.db');
    for (const suffix of ['', '-wal']) copyFileSync(join(folder, `origin.db${suffix}`), `${file}${suffix}`);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const before = state();
    expect(count(file)).toBe(2);
    expect(state()).toEqual(before);
    expect(existsSync(`${file}-shm`)).toBe(false);
  });

  it('takes a name with characters that mean something in a URL', async () => {
    const file = join(folder, 'a b#c?d%20.db');
    const writer = await startWriter(file);
    writer.stdin.write('close');
    await once(writer, 'exit');
    expect(count(file)).toBe(2);
  });

  it('gives rows one by one, bytes as bytes, and the columns a table has', async () => {
    const file = join(folder, 'rows.db');
    const writer = await startWriter(file);
    const rows = withDatabase(file, (db) => [...db.iterate('SELECT n, b FROM t WHERE n <= ? ORDER BY n', 2)]);
    expect(rows.map(({ n, b }) => [n, b === null ? null : [...(b as Uint8Array)]])).toEqual([
      [1, [1, 2]],
      [2, null],
    ]);
    expect(withDatabase(file, (db) => [db.columns('t'), db.columns('none')])).toEqual([
      new Set(['n', 'b']),
      new Set(),
    ]);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  });

  it('gives an integer that no number can hold as the nearest one, and takes no other row along', async () => {
    const file = join(folder, 'large.db');
    const writer = await startWriter(file);
    writer.stdin.write('close');
    await once(writer, 'exit');
    const sql = 'SELECT n, CASE n WHEN 2 THEN 9007199254740993 ELSE n END AS large FROM t ORDER BY n';
    const expected = [
      { n: 1, large: 1 },
      { n: 2, large: 2 ** 53 },
    ];
    const [all, one] = withDatabase(file, (db) => [db.all(sql), [...db.iterate(sql)]]);
    expect(all.map((row) => ({ ...row }))).toEqual(expected);
    expect(one.map((row) => ({ ...row }))).toEqual(expected);
  });

  it.each([
    ['missing', undefined],
    ['not a database', 'hello '.repeat(2000)],
  ])('names a file that is %s', (_, content) => {
    const file = join(folder, 'bad.db');
    if (content !== undefined) writeFileSync(file, content);
    expect(() => count(file)).toThrow(
      expect.objectContaining({ kind: 'read', message: expect.stringContaining(file) }),
    );
  });

  it('cannot write, whatever it is asked to do', async () => {
    const file = join(folder, 'closed.db');
    const writer = await startWriter(file);
    expect(() => withDatabase(file, (db) => db.all('DELETE FROM t'))).toThrow(/readonly/i);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  });
});
