import { existsSync } from 'node:fs';
import {
  errorMessage,
  isOpenSyncError,
  type Problem,
  type ReadDatabase,
  withDatabase,
} from '@opensync/core/plugin';

export interface Tracked {
  title?: string;
  model?: string;
}

/** What the tool's own statistics say about chats, by chat id. */
export interface Tracking {
  chats: ReadonlyMap<string, Tracked>;
  problem?: Problem;
}

/** The database is shared by all chats, and is nobody's transcript: without it less is known. */
export function readTracking(file: string): Tracking {
  if (!existsSync(file)) return { chats: new Map() };
  try {
    return { chats: withDatabase(file, readChats) };
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    return { chats: new Map(), problem: { message: errorMessage(error) } };
  }
}

function readChats(database: ReadDatabase): Map<string, Tracked> {
  const chats = new Map<string, Tracked>();
  const add = (row: Record<string, unknown>) => {
    const { id, title, model } = row;
    if (typeof id !== 'string') return;
    const chat = chats.get(id) ?? {};
    if (typeof title === 'string' && title !== '') chat.title ??= title;
    if (typeof model === 'string' && model !== '') chat.model ??= model;
    chats.set(id, chat);
  };
  if (has(database, 'conversation_summaries', ['conversationId', 'title', 'model'])) {
    const rows = database.iterate('SELECT conversationId AS id, title, model FROM conversation_summaries');
    for (const row of rows) add(row);
  }
  if (has(database, 'ai_code_hashes', ['conversationId', 'model'])) {
    // Which of several models made which edit is known here, but not which message.
    const rows = database.iterate(
      'SELECT conversationId AS id, max(model) AS model FROM ai_code_hashes GROUP BY 1 HAVING count(DISTINCT model) = 1',
    );
    for (const row of rows) add(row);
  }
  return chats;
}

function has(database: ReadDatabase, table: string, columns: readonly string[]): boolean {
  const known = database.columns(table);
  return columns.every((column) => known.has(column));
}
