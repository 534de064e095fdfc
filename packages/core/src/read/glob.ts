import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';

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
  const found = new Set<string>();
  walk(
    folder,
    patterns.map((pattern) => pattern.split('/').map(toMatcher)),
    (path) => found.add(path),
  );
  return [...found];
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
function walk(folder: string, patterns: readonly Matcher[][], add: (path: string) => void): void {
  for (const entry of list(folder)) {
    const path = join(folder, entry.name);
    const isLink = entry.isSymbolicLink();
    if (entry.isDirectory() || isLink) {
      const inside = patterns.flatMap((pattern) => enter(pattern, entry.name));
      const followed = isLink ? inside.filter((pattern) => !pattern.includes('**')) : inside;
      if (followed.length > 0) walk(path, followed, add);
    }
    if ((entry.isFile() || isLink) && patterns.some((pattern) => isMatch(pattern, entry.name))) add(path);
  }
}

/** What is left of a pattern inside a folder; nothing when it cannot match there. */
function enter(pattern: Matcher[], name: string): Matcher[][] {
  const [first, ...rest] = pattern;
  if (first === '**') return [pattern, ...enter(rest, name)];
  return first !== undefined && rest.length > 0 && first.test(name) ? [rest] : [];
}

function isMatch(pattern: Matcher[], name: string): boolean {
  const [first, ...rest] = pattern;
  if (first === '**') return isMatch(rest, name);
  return first !== undefined && rest.length === 0 && first.test(name);
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
