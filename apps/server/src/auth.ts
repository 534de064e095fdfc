import type { Context, MiddlewareHandler } from 'hono';
import type { Database } from './database.js';
import { userOfKey } from './keys.js';

export interface Env {
  Variables: { userId: number };
}

/** Same answers as the hosted server, which wants exactly "Bearer ". */
export function requireKey(db: Database): MiddlewareHandler<Env> {
  return async (context, next) => {
    const token = bearerToken(context);
    if (token === undefined) return context.json({ error: 'Missing Authorization header' }, 401);
    if (!token.startsWith('osk_')) return context.json({ error: 'Invalid or expired token' }, 401);
    const userId = userOfKey(db, token);
    if (userId === undefined) return context.json({ error: 'Invalid API key' }, 401);
    context.set('userId', userId);
    return next();
  };
}

export function bearerToken(context: Context): string | undefined {
  const header = context.req.header('authorization');
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined;
}
