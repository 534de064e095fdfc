import { statSync } from 'node:fs';
import { errorCode } from '../errors.js';
import type { Env, FoundFile, Source } from '../source.js';
import { findFiles } from './glob.js';

/**
 * The files of a source, by name and stat only, in no particular order.
 * A folder that does not exist holds no files; that is not an error.
 */
export function discover<R>(source: Source<R>, env: Env): FoundFile[] {
  const found: FoundFile[] = [];
  for (const { folder, include } of source.files(env)) {
    for (const path of findFiles(folder, include)) {
      const file = stat(path);
      if (file !== undefined) found.push(file);
    }
  }
  return found;
}

function stat(path: string): FoundFile | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() ? { path, size: stats.size, mtimeMs: stats.mtimeMs } : undefined;
  } catch (error) {
    // Deleted or moved since it was listed: the next run sees what became of it.
    if (errorCode(error) === 'ENOENT') return undefined;
    // It is there and cannot be looked at: reading its session fails, with the reason, and no other.
    return { path, size: 0, mtimeMs: 0 };
  }
}

/** A version for a session read from these files: it changes when one of them changes, comes or goes. */
export function filesVersion(files: readonly FoundFile[]): string {
  let version = '';
  for (const { size, mtimeMs } of files) version += `${version === '' ? '' : ','}${size}@${mtimeMs}`;
  return version;
}
