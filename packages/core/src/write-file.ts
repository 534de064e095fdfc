import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

interface WriteFileOptions {
  /** Permissions of the file, whatever it had before. Default 0o600: only its owner reads it. */
  mode?: number;
  /** Whether it must survive a power cut right after the call; waiting for the disk takes milliseconds. Default true. */
  durable?: boolean;
}

/**
 * Writes a file whole or not at all: a crash or a reader at any moment sees the old text or the new.
 * Missing folders are made for their owner alone. A symbolic link at `path` is replaced by the file and
 * what it pointed to is left as it was: a private text must not land where a link happens to lead.
 * @throws the file system's error; the file is then unchanged and no temporary file is left
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteFileOptions = {},
): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    writeNew(temporary, content, options);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeNew(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, durable = true }: WriteFileOptions,
): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, content);
    // The umask may have taken bits away, and a wider mode is set only once the content is complete.
    fchmodSync(file, mode);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
