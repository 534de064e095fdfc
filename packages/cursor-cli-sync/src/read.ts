import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  type Env,
  errorMessage,
  type FilePattern,
  type FoundFile,
  filesVersion,
  isOpenSyncError,
  jsonl,
  type Need,
  type Problem,
  type RawSession,
  readJson,
  unreadable,
} from '@opensync/core/plugin';
import { ChatFile, type CursorRecord, type Generation } from './records.js';
import { readStore } from './store.js';
import { textMessages } from './text-transcript.js';
import { readTracking, type Tracked, type Tracking } from './tracking.js';
import { JOURNAL, type Journal, journalFolder, readJournal } from './usage-journal.js';

/** Chats lie in the client's configuration folder, transcripts always in its default one. */
export function files(env: Env): FilePattern[] {
  const chat = '{store.db,store.db-wal,meta.json}';
  const chats = configFolders(env).map((folder) => ({
    folder,
    include: [`chats/*/*/${chat}`, `acp-sessions/*/${chat}`],
  }));
  const transcripts = dataFolders(env).map((folder) => ({
    folder: join(folder, 'projects'),
    include: ['*', '*/*', '*/subagents/*'].map((path) => `*/agent-transcripts/${path}.{jsonl,txt}`),
  }));
  const tracking = { folder: trackingFolder(env), include: [`${TRACKING}{,-wal}`] };
  const journal = { folder: journalFolder(env), include: [JOURNAL] };
  return [...chats, ...transcripts, tracking, journal];
}

const TRACKING = 'ai-code-tracking.db';

function trackingFolder({ home }: Env): string {
  return join(home, '.cursor/ai-tracking');
}

/**
 * Every place where the client may keep chats. It uses the first of them alone, by the environment it
 * is started with; that may be another than ours, and older versions knew only the last.
 */
function configFolders({ vars, home }: Env): string[] {
  const xdg = folderIn(vars.XDG_CONFIG_HOME) ?? join(home, '.config');
  return distinct([folderIn(vars.CURSOR_CONFIG_DIR), join(xdg, 'cursor'), join(home, '.cursor')]);
}

function dataFolders({ vars, home }: Env): string[] {
  return distinct([folderIn(vars.CURSOR_DATA_DIR), join(home, '.cursor')]);
}

function folderIn(variable: string | undefined): string | undefined {
  return variable?.trim() ? resolve(variable) : undefined;
}

function distinct(folders: (string | undefined)[]): string[] {
  return [...new Set(folders.filter((folder) => folder !== undefined))];
}

/** A folder of one chat: its store, the store's log and its description, as far as they exist. */
interface ChatFolder {
  store?: FoundFile;
  description?: FoundFile;
  changedAt: number;
}

interface Transcript {
  file: FoundFile;
  parentId: string | undefined;
  /** Folder of the project: its path, with every other character than letters and digits replaced. */
  project: string;
  /** Of several transcripts of a chat, the client reads the one with the lowest rank. */
  rank: number;
}

interface Group {
  files: FoundFile[];
  folders: Map<string, ChatFolder>;
  transcripts: Transcript[];
}

/** One raw session for each chat id, from everything that goes by that id. */
export function sessions(found: readonly FoundFile[], env: Env): RawSession<CursorRecord>[] {
  const groups = new Map<string, Group>();
  for (const file of found) {
    const id = idOf(file.path);
    if (id === undefined) continue;
    const group: Group = groups.get(id) ?? { files: [], folders: new Map(), transcripts: [] };
    groups.set(id, group);
    group.files.push(file);
    if (isTranscript(file.path)) group.transcripts.push(transcriptOf(file));
    else addToFolder(group, file);
  }
  const tracking = once(() => readTracking(join(trackingFolder(env), TRACKING)));
  const journal = once(() => readJournal(join(journalFolder(env), JOURNAL)));
  return [...groups].map(([id, group]) => rawSession(id, group, { tracking, journal }));
}

function isTranscript(path: string): boolean {
  return path.endsWith('.jsonl') || path.endsWith('.txt');
}

/** Undefined for what all chats share. */
function idOf(path: string): string | undefined {
  if (basename(path).startsWith(TRACKING)) return undefined;
  const folder = basename(dirname(path));
  if (!isTranscript(path)) return folder;
  const id = basename(path).replace(/\.(jsonl|txt)$/, '');
  return [id, 'agent-transcripts', 'subagents'].includes(folder) ? id : undefined;
}

function transcriptOf(file: FoundFile): Transcript {
  const isNested = basename(dirname(file.path)) !== 'agent-transcripts';
  const isSubagent = basename(dirname(file.path)) === 'subagents';
  const parent = dirname(dirname(file.path));
  return {
    file,
    parentId: isSubagent ? basename(parent) : undefined,
    project: basename(dirname(isSubagent ? dirname(parent) : isNested ? parent : dirname(file.path))),
    rank: (file.path.endsWith('.jsonl') ? 0 : 2) + (isNested ? 0 : 1),
  };
}

function addToFolder(group: Group, file: FoundFile): void {
  const path = dirname(file.path);
  const folder = group.folders.get(path) ?? { changedAt: 0 };
  group.folders.set(path, folder);
  if (file.path.endsWith('store.db')) folder.store = file;
  else if (file.path.endsWith('meta.json')) folder.description = file;
  folder.changedAt = Math.max(folder.changedAt, file.mtimeMs);
}

/** What is known of all chats in one place, read when it is first needed. */
interface Shared {
  tracking: () => Tracking;
  journal: () => Journal;
}

function rawSession(id: string, group: Group, shared: Shared): RawSession<CursorRecord> {
  const all = group.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const generations = () => shared.journal().chats.get(id) ?? [];
  return {
    id,
    get files() {
      const journals = generations().map(({ location }) => location.file);
      return distinct([...all.map(({ path }) => path), ...journals]);
    },
    get version() {
      const digest = digestOf(shared.tracking().chats.get(id), generations());
      return digest === undefined ? filesVersion(all) : `${filesVersion(all)},${digest}`;
    },
    changedAt: all.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
    load: (need, report) => load(id, group, shared, need, report),
  };
}

/** What files that all chats share say of this one, short and without its title. */
function digestOf(tracked: Tracked | undefined, generations: readonly Generation[]): string | undefined {
  if (tracked === undefined && generations.length === 0) return undefined;
  const recorded = generations.map(({ location: _, ...generation }) => generation);
  const content = JSON.stringify([tracked?.title, tracked?.model, ...recorded]);
  return createHash('sha256').update(content).digest('base64url').slice(0, 8);
}

function* load(
  id: string,
  group: Group,
  shared: Shared,
  need: Need,
  report: (problem: Problem) => void,
): Generator<CursorRecord> {
  const folder = newestFolder(group);
  const transcript = bestTranscript(group);
  if (transcript !== undefined) {
    const { parentId, project } = transcript;
    // The client names a folder by the time when there is no path to name it by.
    yield { kind: 'transcript', parentId, project: /^\d*$/.test(project) ? undefined : project };
  }
  if (folder?.description !== undefined) yield* description(folder.description.path, report);
  const [tracking, journal] = [shared.tracking(), shared.journal()];
  const tracked = tracking.chats.get(id);
  if (tracked !== undefined) yield { kind: 'tracked', title: tracked.title, model: tracked.model };
  for (const generation of journal.chats.get(id) ?? []) yield { kind: 'usage', generation };
  for (const { problem } of [tracking, journal]) if (problem !== undefined) report(problem);
  const store = folder?.store && storeOf(folder.store.path, transcript, need, report);
  if (store !== undefined) yield* store.records;
  if (transcript !== undefined && store?.readable !== true) yield* lines(transcript.file.path, report);
}

/** A chat that was moved lies in two folders. */
function newestFolder({ folders }: Group): ChatFolder | undefined {
  const all = [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, folder]) => folder);
  const stores = all.filter(({ store }) => store !== undefined);
  return (stores.length > 0 ? stores : all).sort((a, b) => b.changedAt - a.changedAt)[0];
}

function bestTranscript({ transcripts }: Group): Transcript | undefined {
  const compare = (a: Transcript, b: Transcript) => a.rank - b.rank || b.file.size - a.file.size;
  return transcripts.sort((a, b) => compare(a, b) || (a.file.path < b.file.path ? -1 : 1))[0];
}

function* description(path: string, report: (problem: Problem) => void): Generator<CursorRecord> {
  if (!existsSync(path)) return;
  const file = ChatFile.safeParse(readJson(path, report));
  if (file.success) yield { kind: 'file', file: file.data };
}

/** The client deletes an empty store when it ends. One that cannot be read matters less when there is a transcript. */
function storeOf(
  path: string,
  transcript: Transcript | undefined,
  need: Need,
  report: (problem: Problem) => void,
) {
  if (!existsSync(path)) return undefined;
  try {
    return readStore(path, need, report);
  } catch (error) {
    if (transcript === undefined || !isOpenSyncError(error)) throw error;
    report({ message: `${errorMessage(error)} Its transcript is read instead.` });
    return undefined;
  }
}

function* lines(path: string, report: (problem: Problem) => void): Generator<CursorRecord> {
  const records = path.endsWith('.txt') ? textLines(path) : jsonl(path, { report });
  for (const record of records) yield { kind: 'line', file: path, value: record.value, line: record.line };
}

function textLines(path: string) {
  try {
    return textMessages(readFileSync(path, 'utf8'));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
