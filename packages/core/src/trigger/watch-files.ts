import { type FSWatcher, statSync, watch } from 'node:fs';
import { errorCode } from '../errors.js';
import { findFolders } from '../read/glob.js';
import type { FilePattern } from '../source.js';

interface FileWatcher {
  /** Watches folders that came to be since the last call, or that are others by the same name. */
  refresh(): void;
  close(): void;
}

/**
 * Calls back whenever something changes in the folders of these patterns; which file it is, is left to
 * who looks, and `refresh` as well: a burst of changes must not list the folders once for each of them.
 *
 * On Linux one watcher a folder: a recursive one there misses what is appended to a file that was replaced
 * by a rename (Node 20 to 26.0, measured), and new folders are seen by their parent. Folders that cannot be
 * watched, because there are too many of them or on a file system that does not tell, are for the poll
 * underneath.
 */
export function watchFiles(
  patterns: readonly FilePattern[],
  onChange: () => void,
  onProblem: (text: string) => void,
): FileWatcher {
  const watchers = new Map<string, { watcher: FSWatcher; identity: string }>();
  let isFull = false;
  const forget = (folder: string) => {
    watchers.get(folder)?.watcher.close();
    watchers.delete(folder);
  };
  const add = (folder: string, identity: string) => {
    try {
      const watcher = watch(folder, { persistent: false, recursive: IS_RECURSIVE }, onChange);
      watcher.on('error', () => forget(folder));
      watchers.set(folder, { watcher, identity });
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' || isFull) return;
      isFull = true;
      onProblem(`Cannot watch ${folder} (${code}); looking every now and then instead.`);
    }
  };
  const refresh = () => {
    const wanted = new Set(patterns.flatMap(foldersOf));
    for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) forget(folder);
    for (const folder of wanted) {
      const identity = identityOf(folder);
      if (watchers.get(folder)?.identity === identity) continue;
      forget(folder);
      add(folder, identity);
    }
  };
  refresh();
  return {
    refresh,
    close: () => {
      for (const folder of [...watchers.keys()]) forget(folder);
    },
  };
}

/** These watch a whole tree by themselves, at the cost of one. */
const IS_RECURSIVE = process.platform === 'darwin' || process.platform === 'win32';

function foldersOf({ folder, include }: FilePattern): string[] {
  const folders = findFolders(folder, include);
  return IS_RECURSIVE ? folders.slice(0, 1) : folders;
}

/** A folder that was removed and made anew is another one, which its old watcher does not see. */
function identityOf(folder: string): string {
  const stats = statSync(folder, { throwIfNoEntry: false });
  // Numbers of files are given out again at once.
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`;
}
