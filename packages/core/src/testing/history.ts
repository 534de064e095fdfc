import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env, RawSession, Source } from '../source.js';
import { findSessions } from '../sync.js';

/** A copy of a fixture that a test may change, and the environment in which a source finds it. */
export interface History {
  folder: string;
  env: Env;
}

/** What stands for the copy's folder in a fixture's variables. */
const FOLDER = '$FIXTURE';

/**
 * Copies a fixture to a temporary folder, which is the home, too.
 * @param vars environment variables; `$FIXTURE` in them stands for the copy's folder
 */
export function copyHistory(fixture: string, vars: Readonly<Record<string, string>>): History {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-history-'));
  cpSync(fixture, folder, { recursive: true, preserveTimestamps: true });
  return { folder, env: environment(folder, vars) };
}

export function environment(folder: string, vars: Readonly<Record<string, string>>): Env {
  const entries = Object.entries(vars).map(([name, value]) => [name, value.replaceAll(FOLDER, folder)]);
  return { home: folder, vars: Object.fromEntries(entries), now: () => Date.now() };
}

export function removeHistory({ folder }: History): void {
  rmSync(folder, { recursive: true, force: true });
}

export function allFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** Name, size, time and content of every file. A `-shm` is shared memory: every reader of the database marks it. */
export function fingerprint(folder: string): string[] {
  return allFiles(folder).map((path) => {
    if (path.endsWith('-shm')) return path;
    const { size, mtimeMs } = statSync(path);
    return `${path} ${size} ${mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  });
}

export function rawSessions<R>(source: Source<R>, history: History): RawSession<R>[] {
  return findSessions(source, history.env);
}
