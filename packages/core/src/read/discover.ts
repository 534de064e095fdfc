import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import { errorCode } from '../errors.js';
import type { Env, FoundFile, Source } from '../source.js';

/**
 * The files of a source, by name and stat only, in no particular order.
 * A folder that does not exist holds no files; that is not an error.
 */
export function discover<R>(source: Source<R>, env: Env): FoundFile[] {
  const found: FoundFile[] = [];
  for (const { folder, include } of source.files(env)) {
    const options = { cwd: folder, absolute: true, dot: true, expandDirectories: false };
    for (const path of globSync(include, options)) {
      // Separated by `/` on Windows too, unlike the paths that triggers name.
      const file = stat(resolve(path));
      if (file !== undefined) found.push(file);
    }
  }
  return found;
}

function stat(path: string): FoundFile | undefined {
  try {
    const { size, mtimeMs } = statSync(path);
    return { path, size, mtimeMs };
  } catch (error) {
    // Deleted or moved since it was listed: the next run sees what became of it.
    if (errorCode(error) === 'ENOENT') return undefined;
    // It is there and cannot be looked at: reading its session fails, with the reason, and no other.
    return { path, size: 0, mtimeMs: 0 };
  }
}

/** A version for a session read from these files: it changes when one of them changes, comes or goes. */
export function filesVersion(files: readonly FoundFile[]): string {
  return files.map((file) => `${file.size}@${file.mtimeMs}`).join(',');
}
