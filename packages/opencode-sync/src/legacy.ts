import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type FoundFile,
  filesVersion,
  type Problem,
  type RawSession,
  readJson,
  unreadable,
} from '@opensync/core/plugin';
import { messageOf, type OpencodeRecord } from './records.js';

/*
 * JSON files, one for each session, message and part:
 * 1.0 and 1.1  storage/{session/<project>/<session>, message/<session>/<message>, part/<message>/<part>}.json
 * 0.5         project/<slug>/storage/session/{info/<session>, message/<session>/<message>, part/<session>/<message>/<part>}.json
 */

interface Tree {
  messages: string;
  partsOf(messageId: string): string;
}

function treeOf(path: string, id: string): Tree {
  const folder = dirname(path);
  const root = dirname(folder);
  if (basename(folder) === 'info') {
    return {
      messages: join(root, 'message', id),
      partsOf: (messageId) => join(root, 'part', id, messageId),
    };
  }
  const storage = dirname(root);
  return {
    messages: join(storage, 'message', id),
    partsOf: (messageId) => join(storage, 'part', messageId),
  };
}

/**
 * Messages are looked at by stat alone, and of the parts those of the last one: the others do not change.
 * @throws OpenSyncError `read` when a folder cannot be listed
 */
export function legacySession(session: FoundFile): RawSession<OpencodeRecord> {
  const id = idOf(session.path);
  const tree = treeOf(session.path, id);
  const messages = jsonFiles(tree.messages);
  const last = messages.at(-1);
  const parts = last === undefined ? [] : jsonFiles(tree.partsOf(idOf(last)));
  const all = [session, ...[...messages, ...parts].flatMap(stat)];
  return {
    id,
    files: [session.path, ...messages],
    version: filesVersion(all),
    changedAt: all.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
    load: (_need, report) => load(session.path, tree, report),
  };
}

export function idOf(path: string): string {
  return basename(path, '.json');
}

function* load(path: string, tree: Tree, report: (problem: Problem) => void): Generator<OpencodeRecord> {
  yield { kind: 'session', value: readJson(path, report), file: path, line: 1 };
  for (const message of readMessages(tree, report)) {
    yield message;
    for (const file of jsonFiles(tree.partsOf(message.id))) {
      const value = readJson(file, report);
      if (value !== undefined) yield { kind: 'part', id: idOf(file), value, file, line: 1 };
    }
  }
}

/** In the order of their making, as the client shows them. */
function readMessages({ messages }: Tree, report: (problem: Problem) => void) {
  return jsonFiles(messages)
    .flatMap((file) => {
      const value = readJson(file, report);
      const at = messageOf(value)?.createdAt ?? 0;
      return value === undefined
        ? []
        : [{ kind: 'message' as const, id: idOf(file), value, file, line: 1, at }];
    })
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** By name, which begins with the time of their making. */
function jsonFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw unreadable(folder, error);
  }
}

function stat(path: string): FoundFile[] {
  try {
    const { size, mtimeMs } = statSync(path);
    return [{ path, size, mtimeMs }];
  } catch (error) {
    // Deleted since it was listed: the next run sees what became of it.
    if (isMissing(error)) return [];
    throw unreadable(path, error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
