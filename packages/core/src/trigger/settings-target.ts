import {
  accessSync,
  constants,
  lstatSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, errorMessage, OpenSyncError } from '../errors.js';

/** A settings file as it is on the disk. */
export interface Target {
  /** The file itself, behind every symbolic link: links of dotfile managers stay. */
  path: string;
  /** Undefined when there is none. */
  bytes: Buffer | undefined;
  /** Permissions; undefined when there is no file. */
  mode: number | undefined;
  /** Folders above it that do not exist, the outermost first. */
  missingFolders: string[];
}

/** @throws OpenSyncError `config` when it is there and cannot be read, or is no file */
export function readTarget(path: string): Target {
  try {
    const file = behindLinks(path);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isFile() === false) throw new OpenSyncError('config', `${path} is not a file. Move it away.`);
    return {
      path: file,
      bytes: stats === undefined ? undefined : readFileSync(file),
      mode: stats === undefined ? undefined : stats.mode & 0o7777,
      missingFolders: missingAbove(file),
    };
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    const reason = errorCode(cause);
    throw new OpenSyncError(
      'config',
      `Cannot read ${path} (${reason}). It must be a file that you may read.`,
      {
        cause,
      },
    );
  }
}

function behindLinks(path: string, depth = 0): string {
  const folder = existing(dirname(path)) ? realpathSync(dirname(path)) : dirname(path);
  const file = join(folder, basename(path));
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file;
  if (depth > 40) throw Object.assign(new Error(`${path}: links go round in circles`), { code: 'ELOOP' });
  return behindLinks(resolve(folder, readlinkSync(file)), depth + 1);
}

function missingAbove(file: string): string[] {
  const folder = dirname(file);
  return folder === file || existing(folder) ? [] : [...missingAbove(folder), folder];
}

function existing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * A file is replaced by renaming another one onto it, which would not ask whether it may be written.
 * @throws OpenSyncError `config` when it, or the folder where it would be made, is read-only
 */
export function requireWritable(path: string, { path: file, bytes, missingFolders }: Target): void {
  const folder = dirname(missingFolders[0] ?? file);
  for (const place of bytes === undefined ? [folder] : [file, folder]) {
    if (isWritable(place)) continue;
    const remedy = `Make it writable (chmod u+w "${place}"), then run this again.`;
    throw new OpenSyncError('config', `Cannot write ${path}: ${place} is read-only. ${remedy}`);
  }
}

/** By its permissions as well: root may write everything, and a file without them was not meant to be written. */
function isWritable(path: string): boolean {
  if ((statSync(path).mode & 0o222) === 0) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** @throws OpenSyncError `config` when it is not UTF-8 */
export function textOf(path: string, bytes: Uint8Array | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const message = `${path} is not UTF-8 text (${errorMessage(cause)}). Save it as UTF-8, then run this again.`;
    throw new OpenSyncError('config', message, { cause });
  }
}
