import { copyFileSync, mkdtempSync, rmSync, type Stats, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorCode, errorMessage, OpenSyncError } from '../errors.js';

/** Values as SQLite has them; a BLOB is bytes, an integer beyond 2^53 the nearest number. */
export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** A database of another program, open for reading. */
export interface ReadDatabase {
  all(sql: string, ...values: SqlValue[]): SqlRow[];
  /** Row by row, for what may not fit into memory. */
  iterate(sql: string, ...values: SqlValue[]): Iterable<SqlRow>;
  /** Names of a table's columns; empty when there is no such table. Versions of a tool differ in them. */
  columns(table: string): ReadonlySet<string>;
}

/** Larger databases are not copied for the sake of leaving no file beside them. */
const MAX_COPY_BYTES = 256 << 20;

/**
 * Opens another program's database, which may be writing to it, and closes it after `use`.
 *
 * The database and its log are never changed, checkpointed or locked against their owner. Neither is a
 * file left beside them: SQLite makes a `-shm`, and a `-wal`, next to a database that it opens, so
 * - one that nobody has open (no log, no `-shm`) is opened as immutable;
 * - one that left a log behind without `-shm` is copied and read there, unless it is very large;
 * - one that is in use has both files already and is opened read-only beside them.
 * @throws OpenSyncError `read` when it cannot be opened, is damaged or is no database
 */
export function withDatabase<T>(file: string, use: (database: ReadDatabase) => T): T {
  try {
    return openSafely(file, use);
  } catch (error) {
    if (error instanceof OpenSyncError) throw error;
    throw new OpenSyncError('read', `Cannot read ${file}: ${errorMessage(error)}.`, { cause: error });
  }
}

function openSafely<T>(file: string, use: (database: ReadDatabase) => T): T {
  const before = statSync(file);
  const log = sizeOf(`${file}-wal`);
  const isInUse = sizeOf(`${file}-shm`) !== undefined;
  if (isInUse) return open(file, 'shared', use);
  if (log) return before.size + log > MAX_COPY_BYTES ? open(file, 'shared', use) : openCopy(file, use);
  const result = open(file, 'immutable', use);
  // An immutable database is read without locks: what its owner changed meanwhile may be torn.
  return isSame(before, statSync(file)) && !sizeOf(`${file}-wal`) ? result : open(file, 'shared', use);
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

/** The log first: a checkpoint in between then moves pages into the database, which is copied after it. */
function openCopy<T>(file: string, use: (database: ReadDatabase) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-read-'));
  try {
    const copy = join(folder, basename(file));
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    copyFileSync(file, copy);
    return open(copy, 'shared', use);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Statement {
  all(...values: SqlValue[]): unknown[];
  iterate(...values: SqlValue[]): Iterable<unknown>;
  /** Of the drivers that refuse large integers otherwise. */
  setReadBigInts?(enabled: boolean): void;
}

/** What the drivers have in common. */
interface Driver {
  prepare(sql: string): Statement;
  close(): void;
}

function open<T>(file: string, mode: 'shared' | 'immutable', use: (database: ReadDatabase) => T): T {
  const driver = openDriver(
    `${pathToFileURL(file).href}?mode=ro${mode === 'immutable' ? '&immutable=1' : ''}`,
  );
  try {
    driver.prepare('PRAGMA busy_timeout = 2000').all();
    return use(reader(driver));
  } finally {
    driver.close();
  }
}

function reader(driver: Driver): ReadDatabase {
  return {
    all(sql, ...values) {
      try {
        return driver.prepare(sql).all(...values) as SqlRow[];
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        return [...iterateLarge(driver, sql, values)];
      }
    },
    *iterate(sql, ...values) {
      let count = 0;
      try {
        for (const row of driver.prepare(sql).iterate(...values)) {
          count++;
          yield row as SqlRow;
        }
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        for (const row of iterateLarge(driver, sql, values)) if (count-- <= 0) yield row;
      }
    },
    columns(table) {
      const rows = driver.prepare('SELECT name FROM pragma_table_info(?)').all(table) as SqlRow[];
      return new Set(rows.map(({ name }) => String(name)));
    },
  };
}

/** One row of a damaged database must not take the others with it. */
function isTooLarge(error: unknown): boolean {
  return errorCode(error) === 'ERR_OUT_OF_RANGE' || /too large to be represented/.test(errorMessage(error));
}

/** Slower, and only where it has to be. */
function* iterateLarge(driver: Driver, sql: string, values: SqlValue[]): Generator<SqlRow> {
  const statement = driver.prepare(sql);
  statement.setReadBigInts?.(true);
  for (const row of statement.iterate(...values)) {
    const entries = Object.entries(row as Record<string, SqlValue | bigint>);
    yield Object.fromEntries(
      entries.map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    );
  }
}

type DatabaseClass = new (file: string, options: { readOnly: boolean }) => Driver;

/**
 * Node's own driver; where this Node has none, a package with the same interface. Bun has another.
 * @param uri `file:` URL with SQLite's own parameters
 */
function openDriver(uri: string): Driver {
  if (process.versions.bun !== undefined) return openWithBun(uri);
  const Database = builtIn();
  return Database === undefined ? openAttached(installed(), uri) : new Database(uri, { readOnly: true });
}

/**
 * The package keeps a closed database's file open until its statements are collected, which a run over
 * thousands of databases never waits for. A database that was attached is let go of when it is detached.
 */
function openAttached(Database: DatabaseClass, uri: string): Driver {
  const connection = new Database(':memory:', { readOnly: false });
  connection.prepare('ATTACH ? AS tool').all(uri);
  return {
    prepare: (sql) => connection.prepare(sql),
    close() {
      try {
        connection.prepare('DETACH tool').all();
      } catch (error) {
        // A query that was given up half-way holds on to it, until it is collected.
        if (!/locked/.test(errorMessage(error))) throw error;
      }
      connection.close();
    },
  };
}

function builtIn(): DatabaseClass | undefined {
  const { emitWarning } = process;
  // Some versions announce on first use that the module is experimental, into the tool's terminal.
  process.emitWarning = () => undefined;
  try {
    return (process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: DatabaseClass } | undefined)
      ?.DatabaseSync;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function installed(): DatabaseClass {
  try {
    return (createRequire(import.meta.url)('@photostructure/sqlite') as { DatabaseSync: DatabaseClass })
      .DatabaseSync;
  } catch (error) {
    const message =
      'This needs SQLite. Use Node.js 22.13 or newer, or install the package @photostructure/sqlite beside this one.';
    throw new OpenSyncError('read', message, { cause: error });
  }
}

/** Of SQLite's `sqlite3_open_v2`: Bun takes the URL for the name of a file without them. */
const [OPEN_READONLY, OPEN_URI] = [0x01, 0x40];

/** A literal import of Bun's module fails to load under Node, one of Node's fails under Bun. */
function openWithBun(uri: string): Driver {
  const name = ['bun', 'sqlite'].join(':');
  const { Database } = createRequire(import.meta.url)(name) as {
    Database: new (file: string, flags: number) => Driver;
  };
  return new Database(uri, OPEN_READONLY | OPEN_URI);
}
