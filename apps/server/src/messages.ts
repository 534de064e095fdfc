import { randomBytes } from 'node:crypto';
import type { Database } from './database.js';
import { messageText } from './message-text.js';
import { RequestError } from './request-error.js';
import type { MessageInput, Part } from './requests.js';
import { indexMessage } from './search.js';
import { sessionOfMessage, touchSession } from './sessions.js';

/** A message as stored. Null is "never sent". */
export interface StoredMessage {
  seq: number;
  id: string;
  externalId: string;
  role: string;
  textContent: string | null;
  model: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  durationMs: number | null;
  createdAt: number;
  parts: Part[];
}

type MessageRow = Omit<StoredMessage, 'parts'> & { parts: string };

const COLUMNS = `
  seq, id, external_id AS externalId, role, text_content AS textContent, model,
  prompt_tokens AS promptTokens, completion_tokens AS completionTokens, duration_ms AS durationMs,
  created_at AS createdAt, parts`;

/**
 * Creates or updates; returns the message's id. An update replaces all parts, keeps other fields
 * that are absent, and never changes role or time. A repeat changes nothing.
 */
export function saveMessage(db: Database, userId: number, input: MessageInput, now: number): string {
  const session = sessionOfMessage(db, userId, input, now);
  const stored = db.get<MessageRow>(
    `SELECT ${COLUMNS} FROM messages WHERE session_seq = ? AND external_id = ?`,
    session.seq,
    input.externalId,
  );
  if (!stored) return insertMessage(db, session.seq, input, now);
  const merged = merge(stored, input);
  if (JSON.stringify(merged) === JSON.stringify(stored)) return stored.id;
  updateMessage(db, merged);
  touchSession(db, session.seq, 0, now);
  return stored.id;
}

/** In order of time; messages of one moment in the order they came. */
export function listMessages(db: Database, sessionSeq: number, limit = -1, offset = 0): StoredMessage[] {
  return db
    .all<MessageRow>(
      `SELECT ${COLUMNS} FROM messages WHERE session_seq = ? ORDER BY created_at, seq LIMIT ? OFFSET ?`,
      sessionSeq,
      limit,
      offset,
    )
    .map(fromRow);
}

/** Above what an answer may take: a session has no bound, and a process that holds it has. */
const ANSWER_BYTES = 128 * 1024 * 1024;
const PAGE_BYTES = 16 * 1024 * 1024;

const BYTES = `octet_length(parts) + coalesce(octet_length(text_content), 0)`;

/** All of a session for one answer, or a refusal. */
export function wholeSession(db: Database, sessionSeq: number): StoredMessage[] {
  const sum = db.get<{ bytes: number }>(
    `SELECT total(${BYTES}) AS bytes FROM messages WHERE session_seq = ?`,
    sessionSeq,
  );
  if ((sum?.bytes ?? 0) > ANSWER_BYTES) {
    throw new RequestError(`The session is too large for one answer: above ${ANSWER_BYTES} bytes.`, 413);
  }
  return listMessages(db, sessionSeq);
}

/** The next messages, up to the one with which they become large; one at least, while there is any. */
export function messagePage(
  db: Database,
  sessionSeq: number,
  limit: number,
  offset: number,
): StoredMessage[] {
  const sizes = db.all<{ bytes: number }>(
    `SELECT ${BYTES} AS bytes FROM messages WHERE session_seq = ? ORDER BY created_at, seq LIMIT ? OFFSET ?`,
    sessionSeq,
    limit,
    offset,
  );
  let bytes = 0;
  const fitting = sizes.findIndex((size) => {
    bytes += size.bytes;
    return bytes > PAGE_BYTES;
  });
  return listMessages(db, sessionSeq, fitting === -1 ? limit : fitting + 1, offset);
}

/** The newest ones, oldest of them first. */
export function lastMessages(db: Database, sessionSeq: number, count: number): StoredMessage[] {
  return db
    .all<MessageRow>(
      `SELECT ${COLUMNS} FROM messages WHERE session_seq = ? ORDER BY created_at DESC, seq DESC LIMIT ?`,
      sessionSeq,
      count,
    )
    .map(fromRow)
    .reverse();
}

function fromRow(row: MessageRow): StoredMessage {
  return { ...row, parts: JSON.parse(row.parts) as Part[] };
}

function merge(stored: MessageRow, input: MessageInput): MessageRow {
  return {
    ...stored,
    textContent: input.textContent ?? stored.textContent,
    model: input.model ?? stored.model,
    promptTokens: input.promptTokens ?? stored.promptTokens,
    completionTokens: input.completionTokens ?? stored.completionTokens,
    durationMs: input.durationMs ?? stored.durationMs,
    parts: JSON.stringify(input.parts),
  };
}

function insertMessage(db: Database, sessionSeq: number, input: MessageInput, now: number): string {
  const id = randomBytes(16).toString('hex');
  const seq = db.insert(
    `INSERT INTO messages (id, session_seq, external_id, role, text_content, model, prompt_tokens,
       completion_tokens, duration_ms, created_at, parts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    sessionSeq,
    input.externalId,
    input.role,
    input.textContent ?? null,
    input.model ?? null,
    input.promptTokens ?? null,
    input.completionTokens ?? null,
    input.durationMs ?? null,
    input.createdAt ?? now,
    JSON.stringify(input.parts),
  );
  indexMessage(db, seq, messageText({ textContent: input.textContent ?? null, parts: input.parts }));
  touchSession(db, sessionSeq, 1, now);
  return id;
}

function updateMessage(db: Database, merged: MessageRow): void {
  db.run(
    `UPDATE messages SET text_content = ?, model = ?, prompt_tokens = ?, completion_tokens = ?,
       duration_ms = ?, parts = ? WHERE seq = ?`,
    merged.textContent,
    merged.model,
    merged.promptTokens,
    merged.completionTokens,
    merged.durationMs,
    merged.parts,
    merged.seq,
  );
  indexMessage(db, merged.seq, messageText(fromRow(merged)));
}
