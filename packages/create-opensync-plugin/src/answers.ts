import { isAbsolute, posix, relative, sep } from 'node:path';

export const SHAPES = ['jsonl', 'json', 'sqlite'] as const;
export type Shape = (typeof SHAPES)[number];

/** What a plugin is written from. */
export interface Answers {
  /** Of the package, its folder and its command. */
  name: string;
  /** What the server stores. */
  source: string;
  /** What people read. */
  tool: string;
  /** Below the home, with "/" on every platform. */
  folder: string;
  /** Name of the database in it; used by one shape alone. */
  database: string;
  shape: Shape;
}

const WORDS = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Neither quotes nor anything else that means something in TypeScript, JSON or a glob pattern. */
const PLAIN = /^[\p{L}\p{N} ._@+()/-]+$/u;

export function isShape(text: string): text is Shape {
  return (SHAPES as readonly string[]).includes(text);
}

/** What is wrong with it, as a sentence; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (WORDS.test(name) && name.length <= 100) return undefined;
  return `"${name}" cannot be the name of a plugin. Use lower-case words joined by "-", such as my-tool-sync.`;
}

export function sourceProblem(source: string): string | undefined {
  if (WORDS.test(source) && source.length <= 100) return undefined;
  return `"${source}" cannot be a source ID. Use lower-case words joined by "-", such as my-tool.`;
}

export function toolProblem(tool: string): string | undefined {
  if (PLAIN.test(tool) && tool.trim() !== '') return undefined;
  return `"${tool}" cannot be the name of a tool. Use letters, digits, spaces and . _ - @ + ( ) /.`;
}

export function folderProblem(folder: string, home: string): string | undefined {
  const below = belowHome(folder, home);
  const example = 'such as ~/.my-tool/sessions';
  if (below === undefined)
    return `"${folder}" does not lie below your home. Name a folder that does, ${example}.`;
  if (PLAIN.test(below)) return undefined;
  return `"${folder}" has characters that cannot stand in a folder here. Use letters, digits, spaces and . _ - @ + ( ), ${example}.`;
}

/** A folder as the plugin looks for it in any home; undefined when it is not below the one given. */
function belowHome(folder: string, home: string): string | undefined {
  const path =
    /^~[/\\]/.test(folder) || !isAbsolute(folder) ? folder.replace(/^~[/\\]/, '') : relative(home, folder);
  const below = posix.normalize(path.split(sep).join('/')).replace(/\/$/, '');
  return below === '.' || below === '~' || below.startsWith('..') || isAbsolute(below) ? undefined : below;
}

/** The source ID that a plugin's name suggests. */
export function sourceFor(name: string): string {
  return name.replace(/^opensync-/, '').replace(/-(sync|plugin)$/, '');
}

export function toolFor(source: string): string {
  return source
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ');
}

export function folderFor(source: string, shape: Shape): string {
  return shape === 'sqlite' ? `~/.${source}/history.db` : `~/.${source}/sessions`;
}

/** A path as people give it, in its parts; of SQLite it may name the database. */
export function placeOf(path: string, shape: Shape, home: string): Pick<Answers, 'folder' | 'database'> {
  const below = belowHome(path, home) ?? path;
  const { dir, base, ext } = posix.parse(below);
  if (shape !== 'sqlite' || ext === '' || dir === '') return { folder: below, database: 'history.db' };
  return { folder: dir, database: base };
}
