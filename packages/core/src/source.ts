import type { EarlierVariables } from './config.js';
import type { Problem, Session } from './types.js';

/** The outside world a source may look at. Tests give another one; nothing else reads it. */
export interface Env {
  /** Home directory of the user, absolute. */
  home: string;
  /** Environment variables. */
  vars: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** Files below a folder. The folder need not exist. */
export interface FilePattern {
  /** Absolute path, taken literally. */
  folder: string;
  /** Glob patterns relative to the folder, with `/` on every platform. */
  include: string[];
}

/** A file that discovery found. */
export interface FoundFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Modification time, milliseconds since the Unix epoch. */
  mtimeMs: number;
}

/** A value read from a file, and the 1-based line (or row) it stood on. */
export interface Located<T> {
  value: T;
  file: string;
  line: number;
}

/**
 * `all` for syncing. `summary` for listing: a source may then leave out records that change neither
 * counts, tokens, title nor times, such as tool output; whatever it hands out is complete.
 */
export type Need = 'all' | 'summary';

/** One session with the subagents that ran in it, found but not read. */
export interface RawSession<R = unknown> {
  /** The tool's own id. */
  id: string;
  /** The files it is read from. A trigger that names one of them means this session. */
  files: readonly string[];
  /** Cheap, and different whenever `load` could yield something else. Equal means: not read at all. */
  version: string;
  /** Milliseconds since the Unix epoch of its last change; the newest sessions are synced first. */
  changedAt: number;
  /**
   * Streams the records. What cannot be read is reported and left out; a file that cannot be opened
   * throws, and fails this session alone.
   */
  load(need: Need, report: (problem: Problem) => void): Iterable<R>;
}

/** A coding tool whose history can be synced: data and functions, no state. */
export interface Source<R = unknown> {
  /** What the server stores, e.g. "my-tool". */
  id: string;
  /** What people read, e.g. "My Tool". */
  name: string;
  /** Name of the package and its command, e.g. "my-tool-sync". Its configuration is `~/.<plugin>/config.json`. */
  plugin: string;
  /** Its name on npm, where people are told of newer versions. Absent: nobody is asked and nobody is told. */
  npmPackage?: string;
  /** Version of the package. A new version reads every session anew, since its rules may differ. */
  version: string;
  /** Where the history lies, for discovery, watching and tests. */
  files(env: Env): FilePattern[];
  /**
   * True when no session can change unless one of these files comes, goes or changes in size or time. A
   * sync then sees that there is nothing to do without grouping them. Not so for a database, whose log
   * lies beside it, unless the log is among the files.
   */
  changesShowInFiles?: boolean;
  /** Groups the files that discovery found into sessions. Reads as little as it can. */
  sessions(files: readonly FoundFile[], env: Env): Iterable<RawSession<R>>;
  /**
   * Records to the session and its subagents, the session first. Pure: the same records always give
   * the same result, and a longer transcript keeps the message ids of a shorter one. Never throws for
   * a record it does not know. Empty when the records hold no session.
   */
  transform(records: Iterable<R>, raw: Pick<RawSession<R>, 'id'>): Session[];
  /**
   * Names of the environment variables that choose which history is meant, such as one that moves the
   * tool's folder: two terminals with different ones are synced by a worker each.
   */
  variables?: readonly string[];
  /** Variables that an earlier plugin for this tool took server and key from. */
  earlierVariables?: EarlierVariables;
  /** How the tool calls back. Imported when a command needs it. Absent: `watch` and `sync` alone keep up. */
  trigger?(): Promise<Trigger>;
}

/** The program that the tool starts when something happened; see `trigger/hook.ts`. */
export interface HookCommand {
  /** Absolute path of the Node.js that runs it. */
  node: string;
  /** Absolute path of the plugin's `hook.cjs`. */
  script: string;
  /** Name of the plugin, the first argument: by it our entries are told from other people's. */
  plugin: string;
}

/** A file of the tool's settings, and the edits that connect and disconnect it. Pure: text to text. */
export interface SettingsFile {
  /** Absolute; need not exist. */
  path: string;
  /**
   * Puts our entries in, everything else as it was; entries of another install of ours are replaced. The
   * same text when they are in already; `''` stands for a file that does not exist.
   * @throws OpenSyncError `config` when the text is not what the tool would read
   */
  add(text: string): string;
  /**
   * Takes our entries out, whatever else has changed since; the same text when there are none, and `''`
   * when nothing is left and there was no file.
   * @param before what the text was before `add`, where that is known: empty lists that were there stay
   */
  remove(text: string, before?: string): string;
  /**
   * Takes out what an earlier plugin for the same tool has put in, which would send its sessions a second
   * time. `setup` calls it first; what it takes out does not come back.
   */
  retire?(text: string): string;
}

/** Something `doctor` found out, in plain words. */
export interface Finding {
  level: 'ok' | 'warning' | 'error';
  /** What is so. */
  text: string;
  /** What to do about it; for everything but `ok`. */
  remedy?: string;
}

/** How a tool calls back, and what `setup` and `doctor` have to know of the tool for that. */
export interface Trigger {
  /** The tool's program, and the newest version of it whose history was checked to be read right. */
  program?: { name: string; verified: string };
  /** Whether the tool is on this machine: its program or its folder. */
  isInstalled(env: Env): boolean;
  settings(env: Env, hook: HookCommand): SettingsFile[];
  /** Whether the tool calls us already, by a plugin that it has installed itself; then nothing has to be written. */
  hasOwnPlugin?(env: Env): boolean;
  /** What the person still has to do or know after `setup`, a sentence each. */
  afterSetup?: readonly string[];
  /** Looks at what only this tool has, such as hooks that wait to be trusted. Reads, and changes nothing. */
  check?(env: Env, hook: HookCommand): Finding[];
  /**
   * For histories of JSONL: the type of a record that this version has never heard of, as `doctor` tells
   * it; undefined for one that it knows. A new version of the tool may have more to tell than is read.
   */
  unknownRecord?(value: unknown): string | undefined;
}

/** Checks a source's fixed parts when the plugin is loaded and gives it its type. */
export function defineSource<R>(source: Source<R>): Source<R> {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(source.id)) {
    throw new TypeError(`defineSource: id "${source.id}" must be lower-case words joined by "-".`);
  }
  return source;
}
