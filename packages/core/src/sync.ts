import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { CheckpointStore } from './checkpoint.js';
import type { Client } from './client.js';
import { type Config, DEFAULTS } from './config.js';
import { errorCode, type OpenSyncError } from './errors.js';
import { discover } from './read/discover.js';
import type { Env, FoundFile, RawSession, Source } from './source.js';

/** Everything a sync touches, handed in. */
export interface SyncContext<R = unknown> {
  source: Source<R>;
  env: Env;
  config: Config;
  /** The server; a function is called when there is something to send. */
  client: Client | (() => Promise<Client>);
  checkpoints: CheckpointStore;
  sleep?: (ms: number) => Promise<void>;
  /** Milliseconds since some moment, by a clock that nobody sets. Default: `performance.now`. */
  elapsed?: () => number;
}

export interface SyncOptions {
  /** Which sessions; all when absent. */
  only?: (raw: RawSession) => boolean;
  /** Compares with nothing and sends everything again. */
  force?: boolean;
  /** Takes all of a long history even when the server is known to suffer from it. */
  all?: boolean;
  /** Sessions in flight at once. */
  concurrency?: number;
  /** Ends the run before the next session; what is left is for the next run. */
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
  /** What a person should know: a session that failed, a message the server refuses. */
  onNotice?: (text: string) => void;
}

/** Counts of sessions include subagents, but for one that failed: it counts as one, however many it holds. */
export interface SyncSummary {
  /** Sessions looked at, and those that were not reached. Not counted: what another process is syncing. */
  sessions: number;
  /** Sessions whose own fields were sent. */
  sessionsSent: number;
  messagesSent: number;
  /** Sessions that the server has already. */
  unchanged: number;
  /** Sessions that could not be read or sent; the next sync tries them again. */
  failed: number;
  /** Sessions and messages that the server refuses for good. */
  poison: number;
  durationMs: number;
  /** Why the whole run ended early, when it did. */
  stopped?: OpenSyncError;
}

/** Syncs the session, with its subagents, that a file belongs to. Every trigger ends here. */
export function syncFile<R>(
  context: SyncContext<R>,
  file: string,
  options: SyncOptions = {},
): Promise<SyncSummary> {
  const path = resolve(file);
  return syncHistory(context, {
    ...options,
    only: ({ files }) => files.some((known) => isSameFile(known, path)),
  });
}

/** A trigger may name a file by another way through symbolic links than discovery went. */
export function isSameFile(known: string, path: string): boolean {
  return known === path || (basename(known) === basename(path) && realpath(known) === realpath(path));
}

/** `path` by its real name; as it is when it is not there. */
export function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return path;
    throw error;
  }
}

/** Syncs every session of the history, newest first. */
export async function syncHistory<R>(
  context: SyncContext<R>,
  options: SyncOptions = {},
): Promise<SyncSummary> {
  const { source, env, config, checkpoints } = context;
  const startedAt = env.now();
  const summary: SyncSummary = {
    sessions: 0,
    sessionsSent: 0,
    messagesSent: 0,
    unchanged: 0,
    failed: 0,
    poison: 0,
    durationMs: 0,
  };
  const stamp = stampOf(source as Source, config);
  const found = discover(source, env);
  const state = stateOf(context, options, found, stamp);
  const settled = state === undefined ? undefined : checkpoints.settled();
  if (settled !== undefined && settled.digest === state) {
    summary.sessions = summary.unchanged = settled.sessions;
  } else {
    const raws = [...source.sessions(found, env)];
    await syncDue(context, options, raws, stamp, summary);
    if (state !== undefined) settle(checkpoints, raws, stamp, state);
  }
  summary.durationMs = env.now() - startedAt;
  return summary;
}

/** Notes that the server holds all of the history, if it does. */
function settle(
  checkpoints: CheckpointStore,
  raws: readonly RawSession[],
  stamp: string,
  digest: string,
): void {
  let sessions = 0;
  for (const raw of raws) {
    const known = checkpoints.complete().get(raw.id);
    if (known?.version !== versionOf(raw, stamp)) return;
    sessions += known.sessions;
  }
  checkpoints.setSettled({ digest, sessions });
}

/** Before everything is sent anew: what then does not arrive must be due the next time. */
function forget(checkpoints: CheckpointStore, due: readonly RawSession[]): void {
  checkpoints.setSettled({ digest: '', sessions: 0 });
  for (const { id } of due) checkpoints.setComplete(id, { version: 'forced', sessions: 0 });
}

async function syncDue<R>(
  context: SyncContext<R>,
  options: SyncOptions,
  raws: readonly RawSession<R>[],
  stamp: string,
  summary: SyncSummary,
): Promise<void> {
  const complete = context.checkpoints.complete();
  const due: RawSession<R>[] = [];
  for (const raw of raws) {
    if (options.only?.(raw as RawSession) === false) continue;
    const known = complete.get(raw.id);
    if (options.force === true || known?.version !== versionOf(raw, stamp)) {
      due.push(raw);
    } else {
      summary.sessions += known.sessions;
      summary.unchanged += known.sessions;
    }
  }
  if (due.length === 0) return;
  if (options.force === true) forget(context.checkpoints, due);
  // What reads, prices and sends is loaded when there is something to send: most runs find nothing.
  const { syncSessions } = await import('./sync-run.js');
  await syncSessions(context, options, due.sort(newestFirst), summary);
}

/** The sessions of a source, newest first, not read. */
export function findSessions<R>(source: Source<R>, env: Env): RawSession<R>[] {
  return [...source.sessions(discover(source, env), env)].sort(newestFirst);
}

/** A digest of the whole history: the same as last time means that there is nothing to look up. */
function stateOf<R>(
  { source }: SyncContext<R>,
  options: SyncOptions,
  found: readonly FoundFile[],
  stamp: string,
): string | undefined {
  const isWhole = options.only === undefined && options.force !== true && options.all !== true;
  if (!isWhole || source.changesShowInFiles !== true) return undefined;
  const stats = new Float64Array(2 * found.length);
  let names = stamp;
  let index = 0;
  for (const { path, size, mtimeMs } of found) {
    names += `\n${path}`;
    stats[index++] = size;
    stats[index++] = mtimeMs;
  }
  return createHash('sha256').update(`${names}\0`).update(stats).digest('base64url');
}

function newestFirst(a: RawSession, b: RawSession): number {
  return b.changedAt - a.changedAt || (a.id < b.id ? -1 : 1);
}

/**
 * What besides the history decides what is sent: the code that reads it and the settings. When it
 * changes, every session is read and compared once more.
 */
export function stampOf(source: Source, config: Config): string {
  const { privacy = {}, thinking = DEFAULTS.thinking, prices = {} } = config;
  const { toolResults = DEFAULTS.toolResults, hideHome = DEFAULTS.hideHome } = config;
  const parts = [source.version, privacy, thinking, toolResults, hideHome, prices];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 8);
}

/** The version of a session under which the index knows it. */
export function versionOf(raw: Pick<RawSession, 'version'>, stamp: string): string {
  return `${stamp}:${raw.version}`;
}
