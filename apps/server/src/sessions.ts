import { randomBytes } from 'node:crypto';
import type { Database } from './database.js';
import type { SessionInput } from './requests.js';
import { indexTitle } from './search.js';

/** A session as stored. Null is "never sent". */
export interface StoredSession {
  seq: number;
  id: string;
  externalId: string;
  title: string | null;
  projectPath: string | null;
  projectName: string | null;
  model: string | null;
  provider: string | null;
  source: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  cost: number | null;
  durationMs: number | null;
  messageCount: number;
  createdAt: number;
  updatedAt: number;
  implied: number;
}

/** Totals over a user's sessions, as `GET /api/stats` answers them. */
export interface Stats {
  sessionCount: number;
  messageCount: number;
  totalTokens: number;
  totalCost: number;
  totalDurationMs: number;
  modelUsage: Record<string, { tokens: number; cost: number; sessions: number }>;
}

/** Columns of `StoredSession`, for SELECT. */
export const SESSION_COLUMNS = `
  sessions.seq, sessions.id, external_id AS externalId, title, project_path AS projectPath,
  project_name AS projectName, model, provider, source, prompt_tokens AS promptTokens,
  completion_tokens AS completionTokens, cost, duration_ms AS durationMs, message_count AS messageCount,
  created_at AS createdAt, updated_at AS updatedAt, implied`;

/** Creates or updates; returns the id by which the session is read. A repeat changes nothing. */
export function saveSession(db: Database, userId: number, input: SessionInput, now: number): string {
  const stored = findByExternalId(db, userId, input.externalId);
  if (!stored) return insertSession(db, userId, input, now).id;
  const merged = merge(stored, input);
  if (JSON.stringify(merged) !== JSON.stringify(stored)) updateSession(db, stored, merged, now);
  return stored.id;
}

/** The session a message belongs to; a message may come before its session. */
export function sessionOfMessage(
  db: Database,
  userId: number,
  message: { sessionExternalId: string; model?: string; source?: string; createdAt?: number },
  now: number,
): { seq: number } {
  const externalId = message.sessionExternalId;
  const stored = findByExternalId(db, userId, externalId);
  if (stored) return stored;
  const { model, source, createdAt } = message;
  const session = insertSession(db, userId, { externalId, model, source, createdAt }, now);
  db.run('UPDATE sessions SET implied = 1 WHERE seq = ?', session.seq);
  return session;
}

export function touchSession(db: Database, seq: number, addedMessages: number, now: number): void {
  db.run(
    'UPDATE sessions SET updated_at = ?, message_count = message_count + ? WHERE seq = ?',
    now,
    addedMessages,
    seq,
  );
}

/** Newest change first. */
export function listSessions(db: Database, userId: number, limit: number, offset = 0): StoredSession[] {
  return db.all<StoredSession>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE user_id = ? ORDER BY updated_at DESC, seq DESC LIMIT ? OFFSET ?`,
    userId,
    limit,
    offset,
  );
}

/** Oldest first. */
export function listExternalIds(db: Database, userId: number): string[] {
  return db
    .all<{ id: string }>('SELECT external_id AS id FROM sessions WHERE user_id = ? ORDER BY seq', userId)
    .map((row) => row.id);
}

export function findSession(db: Database, userId: number, id: string): StoredSession | undefined {
  return db.get<StoredSession>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE user_id = ? AND id = ?`,
    userId,
    id,
  );
}

export function totalTokens(session: StoredSession): number {
  return (session.promptTokens ?? 0) + (session.completionTokens ?? 0);
}

export function readStats(db: Database, userId: number): Stats {
  const models = db.all<ModelTotals>(
    `SELECT coalesce(nullif(model, ''), 'unknown') AS model, count(*) AS sessions,
       sum(message_count) AS messages, total(prompt_tokens) + total(completion_tokens) AS tokens,
       total(cost) AS cost, total(duration_ms) AS durationMs
     FROM sessions WHERE user_id = ? GROUP BY 1`,
    userId,
  );
  const sum = (pick: (totals: ModelTotals) => number) => models.reduce((all, model) => all + pick(model), 0);
  return {
    sessionCount: sum((model) => model.sessions),
    messageCount: sum((model) => model.messages),
    totalTokens: sum((model) => model.tokens),
    totalCost: sum((model) => model.cost),
    totalDurationMs: sum((model) => model.durationMs),
    modelUsage: Object.fromEntries(
      models.map(({ model, tokens, cost, sessions }) => [model, { tokens, cost, sessions }]),
    ),
  };
}

interface ModelTotals {
  model: string;
  sessions: number;
  messages: number;
  tokens: number;
  cost: number;
  durationMs: number;
}

function findByExternalId(db: Database, userId: number, externalId: string): StoredSession | undefined {
  return db.get<StoredSession>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE user_id = ? AND external_id = ?`,
    userId,
    externalId,
  );
}

/** Totals are absolute. A token count of 0 never resets a known one; a cost of 0 does. */
function merge(stored: StoredSession, input: SessionInput): StoredSession {
  return {
    ...stored,
    title: input.title ?? stored.title,
    projectPath: input.projectPath ?? stored.projectPath,
    projectName: input.projectName ?? stored.projectName,
    model: input.model ?? stored.model,
    provider: input.provider ?? stored.provider,
    source: sourceName(input.source) ?? stored.source,
    promptTokens: mergeTokens(stored.promptTokens, input.promptTokens),
    completionTokens: mergeTokens(stored.completionTokens, input.completionTokens),
    cost: input.cost ?? stored.cost,
    durationMs: input.durationMs ?? stored.durationMs,
    createdAt: (stored.implied ? input.createdAt : undefined) ?? stored.createdAt,
    implied: stored.implied && input.createdAt === undefined ? 1 : 0,
  };
}

function mergeTokens(stored: number | null, sent: number | undefined): number | null {
  return sent === undefined || (sent === 0 && stored !== null) ? stored : sent;
}

/** The hosted server renames "cursor" when a session is new and not later; here the name stays one. */
function sourceName(source: string | undefined): string | undefined {
  if (source === '') return undefined;
  return source === 'cursor' ? 'cursor-sync' : source;
}

function insertSession(
  db: Database,
  userId: number,
  input: SessionInput,
  now: number,
): { seq: number; id: string } {
  const id = randomBytes(16).toString('hex');
  const seq = db.insert(
    `INSERT INTO sessions (id, user_id, external_id, title, project_path, project_name, model, provider,
       source, prompt_tokens, completion_tokens, cost, duration_ms, created_at, updated_at, implied)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    userId,
    input.externalId,
    input.title ?? null,
    input.projectPath ?? null,
    input.projectName ?? null,
    input.model ?? null,
    input.provider ?? null,
    sourceName(input.source) ?? null,
    input.promptTokens ?? null,
    input.completionTokens ?? null,
    input.cost ?? null,
    input.durationMs ?? null,
    input.createdAt ?? now,
    now,
    input.createdAt === undefined ? 1 : 0,
  );
  indexTitle(db, seq, input.title ?? '');
  return { seq, id };
}

function updateSession(db: Database, stored: StoredSession, merged: StoredSession, now: number): void {
  db.run(
    `UPDATE sessions SET title = ?, project_path = ?, project_name = ?, model = ?, provider = ?, source = ?,
       prompt_tokens = ?, completion_tokens = ?, cost = ?, duration_ms = ?, created_at = ?, implied = ?,
       updated_at = ? WHERE seq = ?`,
    merged.title,
    merged.projectPath,
    merged.projectName,
    merged.model,
    merged.provider,
    merged.source,
    merged.promptTokens,
    merged.completionTokens,
    merged.cost,
    merged.durationMs,
    merged.createdAt,
    merged.implied,
    now,
    stored.seq,
  );
  if (merged.title !== stored.title) indexTitle(db, stored.seq, merged.title ?? '');
}
