import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MIGRATIONS } from './schema.js';
import { connect, type SqliteConnection, type SqliteStatement, type SqliteValue } from './sqlite.js';

/** SQL is constant text with `?` for every value; statements are prepared once. */
export interface Database {
  run(sql: string, ...values: SqliteValue[]): void;
  /** Runs an INSERT; returns the new row's integer key. */
  insert(sql: string, ...values: SqliteValue[]): number;
  get<Row>(sql: string, ...values: SqliteValue[]): Row | undefined;
  all<Row>(sql: string, ...values: SqliteValue[]): Row[];
  /** All or nothing, and on disk when it returns. */
  transaction<T>(work: () => T): T;
  /** Inside a transaction: when `work` throws, what it did is undone and the rest stands. */
  savepoint<T>(work: () => T): T;
  close(): void;
}

/** Opens or creates the file and brings it to the newest schema. */
export function openDatabase(file: string): Database {
  try {
    createPrivately(file);
    const connection = connect(file);
    try {
      configure(connection);
      migrate(connection);
      return wrap(connection, file);
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    throw new Error(`Cannot open the database ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** Transcripts are private, in a file that was copied back from somewhere as well. */
function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  // SQLite gives side files that it makes the mode of the main file.
  for (const path of [file, `${file}-wal`, `${file}-shm`]) closeToOthers(path);
}

function closeToOthers(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && (found.mode & 0o077) !== 0 && found.uid === process.getuid?.()) chmodSync(path, 0o600);
}

/**
 * `synchronous=FULL`, because a client remembers what was acknowledged and never sends it again:
 * an answer must outlive not only a killed process, for which NORMAL would do in WAL mode, but a
 * power cut too. A batch pays for it once.
 */
function configure(connection: SqliteConnection): void {
  connection.exec('PRAGMA busy_timeout = 5000');
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = FULL');
  connection.exec('PRAGMA foreign_keys = ON');
}

/** Two processes may start on one new file: the version is read under the write lock. */
function migrate(connection: SqliteConnection): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(connection.prepare('PRAGMA user_version').get()?.user_version);
    if (version > MIGRATIONS.length) {
      throw new Error(
        `it was written by a newer version of this program (schema ${version}; this one knows up to ` +
          `${MIGRATIONS.length}). Update @opensync/server, or choose another file with --db.`,
      );
    }
    for (const step of MIGRATIONS.slice(version)) connection.exec(step);
    connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** Files that were deleted or replaced take what is written to them along. */
export class DatabaseGone extends Error {
  override readonly name = 'DatabaseGone';
}

/** Throws when what the connection writes to is no longer what others will find under its name. */
function watchFiles(file: string): () => void {
  const identity = () =>
    [file, `${file}-wal`].map((path) => {
      const found = statSync(path, { throwIfNoEntry: false, bigint: true });
      return found && `${found.dev}:${found.ino}`;
    });
  const before = identity();
  return () => {
    const gone = identity().some((now, index) => now !== before[index]);
    if (gone) throw new DatabaseGone(`The database ${file} was removed or replaced while the server runs.`);
  };
}

function wrap(connection: SqliteConnection, file: string): Database {
  const checkFiles = watchFiles(file);
  const statements = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const bracket = <T>(begin: string, commit: string, undo: readonly string[], work: () => T): T => {
    prepare(begin).run();
    try {
      const result = work();
      prepare(commit).run();
      return result;
    } catch (error) {
      // A full disk has SQLite undo the whole transaction by itself.
      if (connection.isTransaction) for (const sql of undo) prepare(sql).run();
      throw error;
    }
  };
  return {
    run: (sql, ...values) => void prepare(sql).run(...values.map(encode)),
    insert: (sql, ...values) => Number(prepare(sql).run(...values.map(encode)).lastInsertRowid),
    get: <Row>(sql: string, ...values: SqliteValue[]) => {
      const row = prepare(sql).get(...values.map(encode));
      return row && (decodeRow(row) as Row);
    },
    all: <Row>(sql: string, ...values: SqliteValue[]) =>
      prepare(sql)
        .all(...values.map(encode))
        .map((row) => decodeRow(row) as Row),
    transaction: (work) => {
      const result = bracket('BEGIN IMMEDIATE', 'COMMIT', ['ROLLBACK'], work);
      checkFiles();
      return result;
    },
    savepoint: (work) =>
      bracket('SAVEPOINT item', 'RELEASE item', ['ROLLBACK TO item', 'RELEASE item'], work),
    close: () => connection.close(),
  };
}

/**
 * Before Node 24 the drivers cut a text at its first U+0000 when they read it. It is therefore
 * stored as U+001A "0", and U+001A as U+001A "1".
 */
function encode(value: SqliteValue): SqliteValue {
  if (typeof value !== 'string' || !(value.includes('\0') || value.includes('\x1a'))) return value;
  return value.replaceAll('\x1a', '\x1a1').replaceAll('\0', '\x1a0');
}

function decodeRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const [column, value] of Object.entries(row)) {
    if (typeof value === 'string' && value.includes('\x1a')) {
      row[column] = value.replaceAll('\x1a0', '\0').replaceAll('\x1a1', '\x1a');
    }
  }
  return row;
}
