import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, OpenSyncError } from '../errors.js';
import type { Env } from '../source.js';
import { writeFileAtomic } from '../write-file.js';

/** What a settings file was before `setup`, and what `setup` made of it. */
export interface FileRecord {
  /** Its bytes in base64; null when there was no file. */
  before: string | null;
  /** SHA-256 of what was written, in hex. */
  written: string;
  /** Folders that were made for it, the outermost first. */
  folders: string[];
}

/** By the path that the tool reads. */
export type SetupRecord = Record<string, FileRecord>;

export function recordPath(plugin: string, env: Env): string {
  return join(env.home, `.${plugin}`, 'setup.json');
}

/** @throws OpenSyncError `config` when it cannot be read */
export function readRecord(path: string): SetupRecord {
  try {
    const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files: SetupRecord };
    if (Object.values(files).every(isFileRecord)) return files;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    if (errorCode(error) !== undefined) throw broken(path, error);
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw broken(path);
}

function isFileRecord(value: unknown): value is FileRecord {
  const { before, written, folders } = (value ?? {}) as Partial<FileRecord>;
  return (
    (before === null || typeof before === 'string') && typeof written === 'string' && Array.isArray(folders)
  );
}

function broken(path: string, cause?: unknown): OpenSyncError {
  const remedy =
    'Delete it: "setup --remove" then takes its entries out of the settings one by one instead of restoring the files.';
  return new OpenSyncError('config', `Cannot read ${path}, which says what the settings were. ${remedy}`, {
    cause,
  });
}

/** For its owner alone: the settings it holds may have keys in them. */
export function writeRecord(path: string, record: SetupRecord): void {
  if (Object.keys(record).length === 0) rmSync(path, { force: true });
  else writeFileAtomic(path, `${JSON.stringify({ schema: 1, files: record }, null, 2)}\n`);
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
