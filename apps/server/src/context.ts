import type { Database } from './database.js';
import { messageText } from './message-text.js';
import { lastMessages, type StoredMessage } from './messages.js';
import { searchSessions } from './search.js';
import type { StoredSession } from './sessions.js';

const MESSAGES_PER_SESSION = 10;

interface Excerpt {
  session: StoredSession;
  messages: StoredMessage[];
}

/** What earlier sessions said about a subject, as one text or as messages. */
export function readContext(
  db: Database,
  userId: number,
  query: string,
  options: { limit: number; format: string },
): object {
  const excerpts = searchSessions(db, userId, query, { match: 'any', limit: options.limit }).map(
    (session): Excerpt => ({ session, messages: lastMessages(db, session.seq, MESSAGES_PER_SESSION) }),
  );
  const sessionCount = excerpts.length;
  return options.format === 'text'
    ? { text: excerpts.map(asText).join('\n\n'), sessionCount }
    : { messages: excerpts.flatMap(asMessages), sessionCount };
}

function asText({ session, messages }: Excerpt): string {
  const lines = messages.map((message) => `${message.role}: ${messageText(message)}`);
  return [`## ${session.title || 'Untitled'}`, ...lines].join('\n\n');
}

function asMessages({ session, messages }: Excerpt): object[] {
  return messages.map((message) => ({
    role: message.role,
    content: messageText(message),
    metadata: { sessionId: session.id, sessionTitle: session.title ?? undefined },
  }));
}
