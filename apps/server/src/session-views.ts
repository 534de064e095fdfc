import type { StoredMessage } from './messages.js';
import { type StoredSession, totalTokens } from './sessions.js';

/** Null fields are left out: the API says "unknown" by absence. */
function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** A session as the API shows it. Like the hosted one it has no source, and 0 for a cost never sent. */
export function sessionView(session: StoredSession): Record<string, unknown> {
  const { seq: _seq, source: _source, implied: _implied, ...fields } = session;
  return withoutNulls({
    ...fields,
    promptTokens: session.promptTokens ?? 0,
    completionTokens: session.completionTokens ?? 0,
    totalTokens: totalTokens(session),
    cost: session.cost ?? 0,
    isPublic: false,
  });
}

/** The shorter form in search results. */
export function searchView(session: StoredSession): Record<string, unknown> {
  const { id, externalId, title, projectPath, model, messageCount, createdAt } = session;
  return withoutNulls({
    id,
    externalId,
    title,
    projectPath,
    model,
    totalTokens: totalTokens(session),
    cost: session.cost ?? 0,
    messageCount,
    createdAt,
  });
}

export function messageView(message: StoredMessage): Record<string, unknown> {
  const { seq: _seq, ...fields } = message;
  return withoutNulls({ ...fields });
}
