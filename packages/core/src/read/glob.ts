import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { resolve, sep } from 'node:path';

/**
 * Paths of the files below `folder` that match a pattern of segments joined by `/`: `*` and `?` stand
 * for characters of one name, `{a,b}` for alternatives without further braces, and `**` as a whole
 * segment for any number of folders. Folders that no pattern can match are not entered. A symbolic link
 * is followed, but for `**`, which could follow it in circles; whether it leads to a file is left to the
 * caller. What is missing or may not be listed is empty.
 *
 * Written here because it decides how long a sync with nothing to do takes: the libraries that were
 * measured cost more to load than 10,000 files cost to list.
 */
export function findFiles(folder: string, patterns: readonly string[]): string[] {
  const found: string[] = [];
  walk(
    resolve(folder),
    patterns.map((pattern) => pattern.split('/').map(toMatcher)),
    { file: (path) => found.push(path) },
  );
  return found;
}

/** The folders that `findFiles` would look into: where a file that matches may come to be. */
export function findFolders(folder: string, patterns: readonly string[]): string[] {
  const entered: string[] = [];
  const start = resolve(folder);
  if (!existsSync(start)) return entered;
  const split = patterns.map((pattern) => pattern.split('/').map(toMatcher));
  walk(start, split, { file: () => undefined, folder: (path) => entered.push(path) });
  return entered;
}

interface Visitor {
  file(path: string): void;
  folder?(path: string): void;
}

/** Matches one name; "**" stands for itself. */
type Matcher = RegExp | '**';

function toMatcher(segment: string): Matcher {
  if (segment === '**') return '**';
  const source = segment
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replace(/\{([^{}]*)\}/g, (_, options: string) => `(?:${options.replaceAll(',', '|')})`);
  return new RegExp(`^${source}$`, 's');
}

/** `patterns` are what is left of each pattern in this folder. */
function walk(folder: string, patterns: readonly Matcher[][], visit: Visitor): void {
  visit.folder?.(folder);
  // "**" may stand for no folder at all, so what follows it holds here as well.
  const here = patterns.flatMap(expand);
  const names = here.flatMap((pattern) => (pattern.length === 1 ? pattern : []));
  const folders = here.filter((pattern) => pattern.length > 1);
  const prefix = folder + sep;
  for (const entry of list(folder)) {
    const path = prefix + entry.name;
    const isLink = entry.isSymbolicLink();
    if (folders.length > 0 && (isLink || entry.isDirectory())) {
      const inside = folders.filter(([first]) => matches(first, entry.name)).map(enter);
      const followed = isLink ? inside.filter((pattern) => !pattern.includes('**')) : inside;
      if (followed.length > 0) walk(path, followed, visit);
    }
    if ((isLink || entry.isFile()) && names.some((name) => name !== '**' && name.test(entry.name)))
      visit.file(path);
  }
}

function expand(pattern: Matcher[]): Matcher[][] {
  return pattern[0] === '**' ? [pattern, ...expand(pattern.slice(1))] : [pattern];
}

function matches(first: Matcher | undefined, name: string): boolean {
  return first === '**' || first?.test(name) === true;
}

/** What is left of a pattern inside a folder that its first segment matches. */
function enter(pattern: Matcher[]): Matcher[] {
  return pattern[0] === '**' ? pattern : pattern.slice(1);
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // Missing, a file, or not ours to list: there is nothing of the tool's in it for us.
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}
