import { createRequire } from 'node:module';

/** The part of `node:sqlite` that is used here; `@photostructure/sqlite` has the same. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
  readonly isTransaction: boolean;
}

export interface SqliteStatement {
  run(...parameters: SqliteValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...parameters: SqliteValue[]): Record<string, unknown> | undefined;
  all(...parameters: SqliteValue[]): Record<string, unknown>[];
}

export type SqliteValue = string | number | null;

interface SqliteModule {
  DatabaseSync: new (file: string) => SqliteConnection;
}

/** Node's own first. It is missing before Node 22.13, and has no full-text index in 22.13 to 22.15 and 23. */
const DRIVERS = ['node:sqlite', '@photostructure/sqlite'];

const require = createRequire(import.meta.url);

/** Opens a file with the first driver that loads and can search. */
export function connect(file: string): SqliteConnection {
  const { DatabaseSync } = loadDriver();
  return new DatabaseSync(file);
}

function loadDriver(): SqliteModule {
  const reasons: string[] = [];
  for (const name of DRIVERS) {
    try {
      const driver = withoutWarnings(() => require(name) as SqliteModule);
      assertFullText(driver);
      return driver;
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`);
    }
  }
  throw new Error(
    `No SQLite with full-text search on Node ${process.version}. Use Node 22.16 or newer, or ` +
      `install @photostructure/sqlite. (${reasons.join('; ')})`,
  );
}

function assertFullText(driver: SqliteModule): void {
  const probe = new driver.DatabaseSync(':memory:');
  try {
    probe.exec("CREATE VIRTUAL TABLE probe USING fts5(text, content='', contentless_delete=1)");
  } finally {
    probe.close();
  }
}

/** Node 22 to 24.14 calls its SQLite experimental on standard error, once, when it is loaded. */
function withoutWarnings<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}
