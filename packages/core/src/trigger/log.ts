import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appendPrivate } from '../private-file.js';

const MAX_BYTES = 256 * 1024;

/** What hooks and workers, which have no screen, have to say. The one before it is kept beside it, as `.1`. */
export function logFile(home: string, plugin: string): string {
  return join(home, `.${plugin}`, 'live.log');
}

/** Appends a line with its time. @throws the file system's error */
export function log(file: string, text: string): void {
  if (!existsSync(dirname(file))) mkdirSync(dirname(file), { mode: 0o700 });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) rotate(file);
  const line = `${new Date().toISOString()} ${process.pid} ${text.replaceAll('\n', ' ')}\n`;
  appendPrivate(file, line);
}

function rotate(file: string): void {
  try {
    renameSync(file, `${file}.1`);
  } catch (error) {
    // Another process has just done it.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

/**
 * The same for those who have nobody to tell that not even this can be written, and who must not fail for
 * it: the disk is full, or the log somebody else's.
 */
export function logIfPossible(file: string, text: string): void {
  try {
    log(file, text);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
