import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Files of a tool by their path below the home. */
export type Files = ReadonlyMap<string, Buffer>;

export type ChangeKind = 'created' | 'grew' | 'truncated' | 'rewritten' | 'replaced' | 'deleted';

/** One step of a history, on one file: whoever reads it sees the state before or the one after. */
export interface Change {
  kind: ChangeKind;
  path: string;
  /** What the file holds then; null when it is gone. */
  content: Buffer | null;
  /** Modification time, milliseconds since the Unix epoch: different for each change. */
  at: number;
}

export function applyTo(files: Files, { path, content }: Change): Files {
  const next = new Map(files);
  if (content === null) next.delete(path);
  else next.set(path, content);
  return next;
}

/** Does to a disk what the kind of change says; the next one with the file may rely on its content. */
export function applyOnDisk(home: string, { kind, path, content, at }: Change): void {
  const file = join(home, path);
  if (content === null) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  const length = existsSync(file) ? readFileSync(file).length : 0;
  if (kind === 'grew') appendFileSync(file, content.subarray(length));
  else if (kind === 'truncated') truncateSync(file, content.length);
  else if (kind === 'replaced') {
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  } else writeFileSync(file, content);
  utimesSync(file, at / 1000, at / 1000);
}

export function writeFiles(home: string, files: Files): void {
  let at = EPOCH;
  for (const [path, content] of files) applyOnDisk(home, { kind: 'created', path, content, at: at++ });
}

/** Later than every record of the fixtures. Modification times count from here, a millisecond for each change. */
export const EPOCH = Date.UTC(2026, 10, 23);

export function readFiles(folder: string, prefix: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(join(prefix, path.slice(folder.length + 1)), readFileSync(path));
  }
  return files;
}
