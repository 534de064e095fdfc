import { type FSWatcher, watch } from 'node:fs';
import { errorCode } from '../errors.js';
import { findFolders } from '../read/glob.js';
import type { FilePattern } from '../source.js';

export interface FileWatcher {
  /** Watches folders that came to be since the last call. */
  refresh(): void;
  close(): void;
}

/**
 * Calls back whenever something changes in the folders of these patterns; which file it is, is left to
 * who looks. One watcher a folder: a recursive one on Linux misses what is appended to a file that was
 * replaced by a rename (Node 20 to 26.0, measured), and new folders are seen by their parent.
 *
 * Folders that cannot be watched, because there are too many of them or on a file system that does not
 * tell, are for the poll underneath.
 */
export function watchFiles(
  patterns: readonly FilePattern[],
  onChange: () => void,
  onProblem: (text: string) => void,
): FileWatcher {
  const watchers = new Map<string, FSWatcher>();
  let isFull = false;
  const forget = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const add = (folder: string) => {
    try {
      const watcher = watch(folder, { persistent: false }, (event) => {
        onChange();
        // A folder that was removed and made anew is another one.
        if (event === 'rename') refresh();
      });
      watcher.on('error', () => forget(folder));
      watchers.set(folder, watcher);
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' || isFull) return;
      isFull = true;
      onProblem(`Cannot watch ${folder} (${code}); looking every now and then instead.`);
    }
  };
  const refresh = () => {
    const wanted = new Set(patterns.flatMap(({ folder, include }) => findFolders(folder, include)));
    for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) forget(folder);
    for (const folder of wanted) if (!watchers.has(folder)) add(folder);
  };
  refresh();
  return {
    refresh,
    close: () => {
      for (const folder of [...watchers.keys()]) forget(folder);
    },
  };
}
