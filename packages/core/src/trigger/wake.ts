import { existsSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive } from '../is-alive.js';
import { overwritePrivate } from '../private-file.js';
import { type LiveFolder, liveFolder, type Place, STALE_MS, STARTING } from './live-folder.js';
import type { Start } from './start.js';

/*
 * What a tool waits for: write a mark, and start the worker when there is none. Built-ins only.
 */

export interface Wake extends Place {
  /** Program that runs the worker, absolute. */
  runtime: string;
  /** The plugin's `cli.js`, absolute. */
  cli: string;
  /** What happened, for the log; a word. */
  event: string;
  start: Start;
}

/**
 * Tells the worker to look for news, and starts it when none is alive. Ten calls in a second make one
 * worker. Of private text nothing is handed over: the worker sees from the history what is new.
 * @throws the file system's error when the mark cannot be written
 */
export function wake(options: Wake): void {
  const folder = liveFolder(options);
  makeFolders(folder.path, options.home);
  // The mark comes before the look at the lock: a worker that lets go in between looks at the mark once more.
  overwritePrivate(folder.mark, options.event);
  if (!isHeld(folder) && claim(folder)) start(options, folder);
}

/** Level by level: where nothing can be made, such as below /proc, the recursive way tries for ever (Node 20). */
function makeFolders(path: string, home: string): void {
  if (path === home || existsSync(path)) return;
  makeFolders(dirname(path), home);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Whether a worker is alive or being started. */
export function isHeld({ lock }: LiveFolder): boolean {
  const stats = statSync(lock, { throwIfNoEntry: false });
  if (stats === undefined || Math.abs(Date.now() - stats.mtimeMs) > STALE_MS) return false;
  try {
    const owner = readFileSync(lock, 'utf8');
    return owner === STARTING || isAlive(Number(owner));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Of many hooks that find no worker, one gets to start it; the workers settle what slips through here. */
function claim(folder: LiveFolder): boolean {
  if (create(folder)) return true;
  if (isHeld(folder)) return false;
  // Left over from a worker that was killed. Without `rmSync`, which loads more than all of this.
  removeIfThere(folder.lock);
  return create(folder);
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function create({ lock }: LiveFolder): boolean {
  try {
    writeFileSync(lock, STARTING, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function start({ runtime, cli, vars, start }: Wake, folder: LiveFolder): void {
  // Options for the tool's own Node.js, such as a debugger to wait for, are not meant for the worker.
  const { NODE_OPTIONS: _, ...env } = vars;
  let started = false;
  try {
    started = start(runtime, [cli, 'work', folder.path], env);
  } finally {
    // The program may be gone, or the machine be out of processes: the next event tries again.
    if (!started) removeIfThere(folder.lock);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
