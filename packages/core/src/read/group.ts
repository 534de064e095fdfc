import type { FoundFile, Located, RawSession } from '../source.js';
import type { Problem } from '../types.js';
import { filesVersion } from './discover.js';
import { readJson } from './json.js';
import { jsonl } from './jsonl.js';

/**
 * One session for all files to which `idOf` gives the same id; a file without one is left out. They are read
 * in the order of their paths: every line of a `.jsonl`, and of any other file its one JSON value, at line 0.
 */
export function sessionsByFile(
  files: readonly FoundFile[],
  idOf: (path: string) => string | undefined,
): RawSession<Located<unknown>>[] {
  const groups = new Map<string, FoundFile[]>();
  for (const file of files) {
    const id = idOf(file.path);
    if (id === undefined) continue;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [file]);
    else group.push(file);
  }
  return [...groups].map(([id, group]) => sessionOf(id, group));
}

function sessionOf(id: string, group: FoundFile[]): RawSession<Located<unknown>> {
  group.sort((a, b) => (a.path < b.path ? -1 : 1));
  const paths = group.map(({ path }) => path);
  return {
    id,
    files: paths,
    version: filesVersion(group),
    changedAt: group.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
    load: (_need, report) => recordsOf(paths, report),
  };
}

function* recordsOf(
  paths: readonly string[],
  report: (problem: Problem) => void,
): Generator<Located<unknown>> {
  for (const file of paths) {
    if (file.endsWith('.jsonl')) {
      yield* jsonl(file, { report });
      continue;
    }
    const value = readJson(file, report);
    if (value !== undefined) yield { value, file, line: 0 };
  }
}
