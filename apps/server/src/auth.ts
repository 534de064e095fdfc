import type { Context, MiddlewareHandler, Next } from 'hono';
import type { Database } from './database.js';
import { isSecret, userOfKey } from './keys.js';
import type { Limits } from './rate-limit.js';

export interface Env {
  Variables: { userId: number };
}

interface Access {
  /** Same answers as the hosted server, which wants exactly "Bearer ". */
  byKey: MiddlewareHandler<Env>;
  /** Accepts the token of the printed link, or a key that somebody typed into the page. */
  toPage: MiddlewareHandler<Env>;
}

/** Requests above a user's rate wait so long at most. Clients with one request under way never wait longer. */
const MAX_WAIT_MS = 2000;

export function createAccess(
  db: Database,
  limits: Limits,
  pageToken: { value: string; userId: number },
): Access {
  return {
    async byKey(context, next) {
      const token = bearerToken(context);
      if (token === undefined) return refuse(context, limits, 'Missing Authorization header');
      if (!token.startsWith('osk_')) return refuse(context, limits, 'Invalid or expired token');
      const userId = userOfKey(db, token);
      if (userId === undefined) return refuse(context, limits, 'Invalid API key');
      return admit(context, next, limits, userId);
    },
    async toPage(context, next) {
      const token = bearerToken(context) ?? '';
      const userId = isSecret(token, pageToken.value) ? pageToken.userId : userOfKey(db, token);
      if (userId === undefined) return refuse(context, limits, 'Open the link that the server printed.');
      return admit(context, next, limits, userId);
    },
  };
}

/**
 * Slows a client that runs away, before its body is read. One that sends as fast as it can, one request
 * after the other, loses nothing by it: plugins that do not repeat a refused request exist.
 */
async function admit(context: Context<Env>, next: Next, limits: Limits, userId: number) {
  const waitMs = limits.ofUser(userId).take(MAX_WAIT_MS);
  if (waitMs > MAX_WAIT_MS) return tooMany(context, waitMs - MAX_WAIT_MS);
  if (waitMs > 0) await limits.sleep(waitMs);
  context.set('userId', userId);
  return next();
}

/** A good key is never refused for the bad ones of others, who would otherwise lock its owner out. */
function refuse(context: Context, limits: Limits, error: string): Response {
  const waitMs = limits.strangers.take(0);
  return waitMs > 0 ? tooMany(context, waitMs) : context.json({ error }, 401);
}

function tooMany(context: Context, waitMs: number): Response {
  context.header('Retry-After', String(Math.ceil(waitMs / 1000)));
  return context.json({ error: 'Too many requests. Try again later.' }, 429);
}

function bearerToken(context: Context): string | undefined {
  const header = context.req.header('authorization');
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined;
}
