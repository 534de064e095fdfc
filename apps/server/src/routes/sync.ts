import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type Env, requireKey } from '../auth.js';
import { saveBatch } from '../batch.js';
import type { Database } from '../database.js';
import { saveMessage } from '../messages.js';
import { RequestError } from '../request-error.js';
import { parseBatch, parseMessage, parseSession } from '../requests.js';
import { listExternalIds, saveSession } from '../sessions.js';
import { LIMITS } from '../values.js';

/** What plugins call. The key is checked before the body is read. */
export function syncRoutes(db: Database, now: () => number): Hono<Env> {
  const limit = bodyLimit({
    maxSize: LIMITS.requestBytes,
    onError: (context) =>
      context.json({ error: `The request is too large: above ${LIMITS.requestBytes} bytes.` }, 413),
  });
  const key = requireKey(db);
  return new Hono<Env>()
    .post('/sync/session', key, limit, async (context) => {
      const input = parseSession(await readJson(context));
      const sessionId = db.transaction(() => saveSession(db, context.get('userId'), input, now()));
      return context.json({ ok: true, sessionId });
    })
    .post('/sync/message', key, limit, async (context) => {
      const input = parseMessage(await readJson(context));
      const messageId = db.transaction(() => saveMessage(db, context.get('userId'), input, now()));
      return context.json({ ok: true, messageId });
    })
    .post('/sync/batch', key, limit, async (context) => {
      const input = parseBatch(await readJson(context));
      const { sessions, messages, failed } = saveBatch(db, context.get('userId'), input, now());
      const errors = failed.map(({ kind, index, error }) => `${kind}s[${index}]: ${error}`);
      return context.json({ ok: true, sessions, messages, errors, ...(failed.length > 0 && { failed }) });
    })
    .get('/sync/sessions/list', key, (context) =>
      context.json({ sessionIds: listExternalIds(db, context.get('userId')) }),
    );
}

/** Whatever the content type says. The parser's own message quotes the body and is not passed on. */
async function readJson(context: Context): Promise<unknown> {
  try {
    return JSON.parse(await context.req.text());
  } catch {
    throw new RequestError('The body is not complete and valid JSON.');
  }
}
