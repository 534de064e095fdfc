import { readFileSync, renameSync, rmSync, utimesSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../errors.js';
import { overwritePrivate } from '../private-file.js';
import { type LiveFolder, lastMark, MARK, STARTING, TOUCH_MS } from './live-folder.js';
import { isHeld } from './wake.js';

/** Two that started at the same moment know after so long which of them it is. */
const SETTLE_MS = 100;

/**
 * Runs `work` while this process is the one worker of a folder, again whenever a hook has left a mark
 * meanwhile. Returns at once when there is another worker.
 * @param work ends by itself when nothing happens any more, and at once when the signal is aborted;
 *   calls `onLook` before each look at the history
 */
export async function asWorker(
  folder: LiveFolder,
  work: (signal: AbortSignal, onLook: () => void) => Promise<void>,
): Promise<void> {
  while (await takeOver(folder)) {
    const lost = new AbortController();
    const timer = setInterval(() => {
      if (isOurs(folder)) touch(folder);
      else lost.abort();
    }, TOUCH_MS);
    let seenAt: number | undefined;
    try {
      await work(lost.signal, () => {
        seenAt = lastMark(folder)?.at;
      });
    } finally {
      clearInterval(timer);
    }
    if (lost.signal.aborted || !isOurs(folder)) return;
    // Let go first, and look at the mark then: a hook writes its mark first, and looks at the lock then.
    rmSync(folder.lock, { force: true });
    if (lastMark(folder)?.at === seenAt) return;
  }
}

const LOOK_AT_MARK_MS = 500;

/** Calls back for every mark that a hook leaves; returns how to end that. */
export function onMark(folder: LiveFolder, onEvent: () => void): () => void {
  try {
    const watcher = watch(folder.path, { persistent: false }, (_, name) => {
      if (name === MARK) onEvent();
    });
    // The folder is gone: so are the lock and the worker's right to go on.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch (error) {
    // Out of watchers, as a machine with many large projects is.
    if (errorCode(error) === undefined) throw error;
    return pollMark(folder, onEvent);
  }
}

function pollMark(folder: LiveFolder, onEvent: () => void): () => void {
  let seenAt = lastMark(folder)?.at;
  const timer = setInterval(() => {
    const at = lastMark(folder)?.at;
    if (at !== seenAt) onEvent();
    seenAt = at;
  }, LOOK_AT_MARK_MS);
  return () => clearInterval(timer);
}

/** Of a worker that ends before it began: the next hook may start another one at once. */
export function letGo(folder: LiveFolder): void {
  const owner = ownerOf(folder);
  if (owner === STARTING || owner === String(process.pid)) rmSync(folder.lock, { force: true });
}

async function takeOver(folder: LiveFolder): Promise<boolean> {
  const owner = ownerOf(folder);
  if (owner !== undefined && owner !== STARTING && isHeld(folder)) return false;
  const own = `${folder.lock}.${process.pid}`;
  overwritePrivate(own, String(process.pid));
  renameSync(own, folder.lock);
  await sleep(SETTLE_MS);
  return isOurs(folder);
}

function isOurs(folder: LiveFolder): boolean {
  return ownerOf(folder) === String(process.pid);
}

function ownerOf({ lock }: LiveFolder): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function touch({ lock }: LiveFolder): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(lock, now, now);
  } catch (error) {
    // It was taken over this very moment; the next look at it tells.
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
