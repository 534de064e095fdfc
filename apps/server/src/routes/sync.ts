import { Hono, type MiddlewareHandler } from 'hono';
import type { Env } from '../auth.js';
import { saveBatch } from '../batch.js';
import { limitBody, readJson } from '../body.js';
import type { Database } from '../database.js';
import { saveMessage } from '../messages.js';
import { parseBatch, parseMessage, parseSession } from '../requests.js';
import { listExternalIds, saveSession } from '../sessions.js';

/** What plugins call. The key is checked before the body is read. */
export function syncRoutes(db: Database, byKey: MiddlewareHandler<Env>, now: () => number): Hono<Env> {
  return new Hono<Env>()
    .post('/sync/session', byKey, limitBody, async (context) => {
      const input = parseSession(await readJson(context));
      const sessionId = db.transaction(() => saveSession(db, context.get('userId'), input, now()));
      return context.json({ ok: true, sessionId });
    })
    .post('/sync/message', byKey, limitBody, async (context) => {
      const input = parseMessage(await readJson(context));
      const messageId = db.transaction(() => saveMessage(db, context.get('userId'), input, now()));
      return context.json({ ok: true, messageId });
    })
    .post('/sync/batch', byKey, limitBody, async (context) => {
      const input = parseBatch(await readJson(context));
      const { sessions, messages, failed } = saveBatch(db, context.get('userId'), input, now());
      const errors = failed.map(({ kind, index, error }) => `${kind}s[${index}]: ${error}`);
      return context.json({ ok: true, sessions, messages, errors, ...(failed.length > 0 && { failed }) });
    })
    .get('/sync/sessions/list', byKey, (context) =>
      context.json({ sessionIds: listExternalIds(db, context.get('userId')) }),
    );
}
