import type { Database } from './database.js';
import { saveMessage } from './messages.js';
import { RequestError } from './request-error.js';
import { type BatchInput, parseMessage, parseSession } from './requests.js';
import { saveSession } from './sessions.js';

interface BatchFailure {
  kind: 'session' | 'message';
  /** Position in its list. */
  index: number;
  /** Absent when the item did not even have a usable id. */
  externalId?: string;
  error: string;
}

interface BatchResult {
  /** Items that were stored, new or not. */
  sessions: number;
  messages: number;
  failed: BatchFailure[];
}

/** Stores what is valid and names what is not. Anything else that goes wrong undoes the whole batch. */
export function saveBatch(db: Database, userId: number, input: BatchInput, now: number): BatchResult {
  return db.transaction(() => {
    const sessions = saveEach(db, 'session', input.sessions, (item) =>
      saveSession(db, userId, parseSession(item), now),
    );
    const messages = saveEach(db, 'message', input.messages, (item) =>
      saveMessage(db, userId, parseMessage(item), now),
    );
    return {
      sessions: input.sessions.length - sessions.length,
      messages: input.messages.length - messages.length,
      failed: [...sessions, ...messages],
    };
  });
}

function saveEach(
  db: Database,
  kind: BatchFailure['kind'],
  items: readonly unknown[],
  save: (item: unknown) => void,
): BatchFailure[] {
  const failures: BatchFailure[] = [];
  for (const [index, item] of items.entries()) {
    try {
      db.savepoint(() => save(item));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      failures.push({ kind, index, ...idOf(item), error: error.message });
    }
  }
  return failures;
}

function idOf(item: unknown): { externalId?: string } {
  if (typeof item !== 'object' || item === null) return {};
  const { externalId, sessionId } = item as { externalId?: unknown; sessionId?: unknown };
  const id = externalId || sessionId;
  return typeof id === 'string' ? { externalId: id } : {};
}
