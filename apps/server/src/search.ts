import type { Database } from './database.js';
import { SESSION_COLUMNS, type StoredSession } from './sessions.js';

const MAX_WORDS = 16;

/** `all`: every word occurs in the session. `any`: at least one; most words first. */
type Match = 'all' | 'any';

interface SearchOptions {
  match: Match;
  limit: number;
  offset?: number;
}

/** Sessions whose title or messages hold words that begin with those of the query; newest change first. */
export function searchSessions(
  db: Database,
  userId: number,
  query: string,
  { match, limit, offset = 0 }: SearchOptions,
): StoredSession[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  return db.all<StoredSession>(
    SEARCH,
    JSON.stringify(words),
    userId,
    match === 'all' ? words.length : 1,
    limit,
    offset,
  );
}

/** CROSS JOIN fixes the order: each word asks the index once. UNION drops a word's further hits in a session. */
const SEARCH = `
  WITH
    words AS MATERIALIZED (SELECT key AS number, value AS term FROM json_each(?)),
    hits (number, session_seq) AS (
      SELECT number, session_words.rowid
        FROM words CROSS JOIN session_words ON session_words MATCH term
      UNION
      SELECT number, messages.session_seq
        FROM words CROSS JOIN message_words ON message_words MATCH term
        JOIN messages ON messages.seq = message_words.rowid
    ),
    matches AS (SELECT session_seq, count(*) AS matched FROM hits GROUP BY session_seq)
  SELECT ${SESSION_COLUMNS} FROM matches JOIN sessions ON sessions.seq = matches.session_seq
    WHERE user_id = ? AND matched >= ?
    ORDER BY matched DESC, updated_at DESC, sessions.seq DESC LIMIT ? OFFSET ?`;

export function indexTitle(db: Database, sessionSeq: number, title: string): void {
  db.run('INSERT OR REPLACE INTO session_words (rowid, text) VALUES (?, ?)', sessionSeq, indexable(title));
}

export function indexMessage(db: Database, messageSeq: number, text: string): void {
  db.run('INSERT OR REPLACE INTO message_words (rowid, text) VALUES (?, ?)', messageSeq, indexable(text));
}

/** The index's own query language is not for people: each word becomes a quoted phrase whose end is open. */
function wordsOf(query: string): string[] {
  const words = indexable(query).split(/\s+/);
  return words
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, MAX_WORDS)
    .map((word) => `"${word.replaceAll('"', '""')}"*`);
}

/** A zero character would end the text for some drivers. */
function indexable(text: string): string {
  return text.replaceAll('\0', ' ');
}
