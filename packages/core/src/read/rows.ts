import { basename } from 'node:path';
import { isOpenSyncError } from '../errors.js';
import type { FoundFile, Located, RawSession } from '../source.js';
import type { Problem } from '../types.js';
import { filesVersion } from './discover.js';
import { type SqlRow, withDatabase } from './sqlite.js';
import { countOf } from './values.js';

/** SQL for a history in SQLite. */
export interface RowQueries {
  /**
   * A row for each session: its `id`, `changedAt` in milliseconds since the Unix epoch, and a `version` that
   * differs whenever its records do. Where that is NULL or left out, every change of the database counts.
   */
  sessions: string;
  /**
   * A session's records, in this order; `?` stands for its id. Of a row with a column `json` the value that
   * it holds is the record, of any other the row itself. A column `line`, say of `rowid`, says where it stood.
   */
  records: readonly string[];
}

/**
 * The sessions of the databases among the files; a log (`-wal`) belongs to the database beside it. One that
 * cannot be read stands for itself: loading it fails, and no other. Of a session that several databases have,
 * say since one is a copy, the one counts that changed last.
 */
export function sessionsByRow(
  files: readonly FoundFile[],
  queries: RowQueries,
): RawSession<Located<unknown>>[] {
  const sessions = new Map<string, RawSession<Located<unknown>>>();
  for (const file of files) {
    if (file.path.endsWith('-wal')) continue;
    const parts = files.filter(({ path }) => path === file.path || path === `${file.path}-wal`);
    for (const session of sessionsOf(file, parts, queries)) {
      const known = sessions.get(session.id);
      if (known === undefined || session.changedAt > known.changedAt) sessions.set(session.id, session);
    }
  }
  return [...sessions.values()];
}

function sessionsOf(
  { path }: FoundFile,
  parts: readonly FoundFile[],
  queries: RowQueries,
): RawSession<Located<unknown>>[] {
  const files = parts.map((part) => part.path);
  try {
    const rows = withDatabase(path, (database) => database.all(queries.sessions));
    return rows.map((row) => ({
      id: String(row.id),
      files,
      version: String(row.version ?? filesVersion(parts)),
      changedAt: Number(row.changedAt) || 0,
      load: (_need, report) => recordsOf(path, queries, row, report),
    }));
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    const fail = () => {
      throw error;
    };
    const changedAt = Math.max(...parts.map(({ mtimeMs }) => mtimeMs));
    return [{ id: basename(path), files, version: filesVersion(parts), changedAt, load: fail }];
  }
}

function recordsOf(
  file: string,
  queries: RowQueries,
  { id = null }: SqlRow,
  report: (problem: Problem) => void,
): Located<unknown>[] {
  return withDatabase(file, (database) =>
    queries.records.flatMap((sql) =>
      database.all(sql, id).flatMap(({ json, ...row }) => {
        const location = { file, line: countOf(row.line) ?? 0 };
        if (json === undefined) return [{ value: row, ...location }];
        try {
          return [{ value: JSON.parse(String(json)) as unknown, ...location }];
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          report({ message: 'A record that is not JSON was left out.', location });
          return [];
        }
      }),
    ),
  );
}
