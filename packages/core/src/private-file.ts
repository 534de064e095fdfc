import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';

/*
 * Files of ours that are appended to or overwritten in place. Built-ins only: the hook needs them.
 *
 * A link in the place of such a file, symbolic or hard, is replaced by a file: what we write must not
 * land in another file of the same person, whoever made the link.
 */

const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
/** Windows has no such flag; there only people with special rights make symbolic links. */
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;

/** @throws the file system's error */
export function appendPrivate(path: string, text: string): void {
  writeTo(openOwn(path, O_APPEND), text);
}

/** Replaces the content, which a reader may see half written. @throws the file system's error */
export function overwritePrivate(path: string, text: string): void {
  const file = openOwn(path, 0);
  ftruncateSync(file);
  writeTo(file, text);
}

function writeTo(file: number, text: string): void {
  try {
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

function openOwn(path: string, flags: number): number {
  const file = openUnlessLink(path, flags);
  if (file !== undefined) return file;
  unlinkSync(path);
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | flags, 0o600);
}

/** Undefined when the path is one of several names of a file, or leads elsewhere. */
function openUnlessLink(path: string, flags: number): number | undefined {
  let file: number;
  try {
    file = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW | flags, 0o600);
  } catch (error) {
    // FreeBSD says EMLINK.
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'EMLINK') return undefined;
    throw error;
  }
  const { nlink, mode } = fstatSync(file);
  if (nlink <= 1) {
    if (isOpenToOthers(mode)) fchmodSync(file, 0o600);
    return file;
  }
  closeSync(file);
  return undefined;
}

/**
 * Takes away what others may do with files and folders that hold a key or what was synced. What is
 * missing, a link or not ours is left alone.
 */
export function keepPrivate(paths: readonly string[]): void {
  if (process.platform === 'win32') return;
  for (const path of paths) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.isSymbolicLink() || !isOpenToOthers(stats.mode)) continue;
    if (stats.uid === process.getuid?.()) chmodSync(path, stats.mode & 0o700);
  }
}

function isOpenToOthers(mode: number): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
