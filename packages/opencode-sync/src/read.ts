import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import {
  type Env,
  type FilePattern,
  type FoundFile,
  filesVersion,
  isOpenSyncError,
  type RawSession,
} from '@opensync/core/plugin';
import { databaseSessions } from './database.js';
import { idOf, legacySession } from './legacy.js';
import type { OpencodeRecord } from './records.js';

const LOG = '-wal';

/**
 * Databases and, from before 1.2, one JSON file a session; what belongs to such a file is looked for
 * only when the database does not have the session, since a migration leaves the whole tree behind.
 */
export function files(env: Env): FilePattern[] {
  const folder = dataFolder(env);
  const json = { folder, include: ['storage/session/*/*.json', 'project/*/storage/session/info/*.json'] };
  return [...databases(folder, env.vars.OPENCODE_DB || undefined), json];
}

export function dataFolder({ home, vars }: Env): string {
  const base = vars.XDG_DATA_HOME;
  return join(base ? resolve(base) : join(home, '.local', 'share'), 'opencode');
}

/** Channels have a database each. The log is a pattern of its own: most changes touch nothing else. */
function databases(folder: string, named: string | undefined): FilePattern[] {
  if (named === undefined) return [{ folder, include: ['opencode*.db', `opencode*.db${LOG}`] }];
  if (named === ':memory:') return [];
  const file = isAbsolute(named) ? named : join(folder, named);
  // A pattern cannot quote, but "?" matches these characters as well.
  const name = basename(file).replace(/[*{}]/g, '?');
  return [{ folder: dirname(file), include: [name, `${name}${LOG}`] }];
}

/** One raw session for each session id. What a migration left behind as JSON is the database's. */
export function sessions(found: readonly FoundFile[]): RawSession<OpencodeRecord>[] {
  const logs = new Map(found.filter(({ path }) => path.endsWith(LOG)).map((file) => [file.path, file]));
  const result = new Map<string, RawSession<OpencodeRecord>>();
  for (const file of found.filter(({ path }) => !path.endsWith('.json') && !logs.has(path))) {
    const log = logs.get(`${file.path}${LOG}`);
    const all = log === undefined ? [file] : [file, log];
    for (const raw of orFailing(basename(file.path), all, () => databaseSessions(file.path, all))) {
      // A copy of a database holds the same sessions: the one that went on is the session.
      const known = result.get(raw.id);
      if (known === undefined || raw.changedAt > known.changedAt) result.set(raw.id, raw);
    }
  }
  for (const file of found.filter(({ path }) => path.endsWith('.json'))) {
    const id = idOf(file.path);
    if (result.has(id)) continue;
    for (const raw of orFailing(id, [file], () => [legacySession(file)])) result.set(id, raw);
  }
  return [...result.values()];
}

/** What cannot be opened stands for itself, so that loading it fails and is reported, and nothing else is. */
function orFailing(
  id: string,
  found: readonly FoundFile[],
  read: () => RawSession<OpencodeRecord>[],
): RawSession<OpencodeRecord>[] {
  try {
    return read();
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    const fail = () => {
      throw error;
    };
    const changedAt = Math.max(...found.map(({ mtimeMs }) => mtimeMs));
    return [
      { id, files: found.map(({ path }) => path), version: filesVersion(found), changedAt, load: fail },
    ];
  }
}
