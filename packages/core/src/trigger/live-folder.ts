import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Where a hook and the worker meet, and the files in it. Built-ins only: the hook is what the tool
 * waits for.
 */

/** Written by every hook: whoever sees another time than before looks for news. */
export const MARK = 'mark';
/** Held by the worker: its process id, touched while it lives. `STARTING` while it is being started. */
const LOCK = 'lock';
export const STARTING = '0';
/** A worker that has not touched its lock for so long is gone, or slept and has to give way. */
export const STALE_MS = 20_000;
export const TOUCH_MS = 5_000;

export interface LiveFolder {
  path: string;
  mark: string;
  lock: string;
}

export interface Place {
  plugin: string;
  home: string;
  vars: Readonly<Record<string, string | undefined>>;
  /** Names of the environment variables by which two terminals may mean different histories. */
  names: readonly string[];
}

/** `~/.<plugin>/live/<key>`; the key tells histories and servers apart that the environment chooses. */
export function liveFolder(place: Place): LiveFolder {
  return liveFolderAt(join(place.home, `.${place.plugin}`, 'live', keyOf(place)));
}

export function liveFolderAt(path: string): LiveFolder {
  return { path, mark: join(path, MARK), lock: join(path, LOCK) };
}

export interface Mark {
  event: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
}

/** What was last told by a hook of any of a plugin's histories; undefined when none ever was. */
export function lastHook(plugin: string, { home }: Pick<Place, 'home'>): Mark | undefined {
  const folder = join(home, `.${plugin}`, 'live');
  const names = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const marks = names.flatMap((name) => lastMark(liveFolderAt(join(folder, name))) ?? []);
  const [last] = marks.sort((a, b) => b.at - a.at);
  return last && { ...last, at: Math.round(last.at) };
}

/** The event that the last hook told, and when; undefined when none ever did. */
export function lastMark({ mark }: LiveFolder): Mark | undefined {
  const at = statSync(mark, { throwIfNoEntry: false })?.mtimeMs;
  return at === undefined ? undefined : { event: readFileSync(mark, 'utf8'), at };
}

function keyOf({ vars, names }: Place): string {
  const values = [...names, 'OPENSYNC_URL', 'OPENSYNC_API_KEY'].map((name) => vars[name] ?? '');
  if (values.every((value) => value === '')) return 'default';
  // FNV-1a of 32 bits: loading node:crypto would take longer than everything else here.
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(values.join('\0'))) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
