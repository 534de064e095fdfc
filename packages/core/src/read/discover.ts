import { statSync } from 'node:fs';
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
      const file = stat(path);
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
    throw error;
  }
}

/** A version for a session read from these files: it changes when one of them changes, comes or goes. */
export function filesVersion(files: readonly FoundFile[]): string {
  return files.map((file) => `${file.size}@${file.mtimeMs}`).join(',');
}
