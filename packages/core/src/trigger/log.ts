import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appendPrivate } from '../private-file.js';

const MAX_BYTES = 256 * 1024;

/** What hooks and workers, which have no screen, have to say. The one before it is kept beside it, as `.1`. */
export function logFile(home: string, plugin: string): string {
  return join(home, `.${plugin}`, 'live.log');
}

/** Appends a line with its time. @throws the file system's error */
export function log(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(file, `${file}.1`);
  const line = `${new Date().toISOString()} ${process.pid} ${text.replaceAll('\n', ' ')}\n`;
  appendPrivate(file, line);
}
