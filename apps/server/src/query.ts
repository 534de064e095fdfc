import type { Context } from 'hono';
import { RequestError } from './request-error.js';

/** A whole number from the query, rounded down; absent or empty means the default. */
export function queryCount(context: Context, name: string, fallback: number): number {
  const text = context.req.query(name);
  if (!text) return fallback;
  const count = Math.floor(Number(text));
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RequestError(`${name} must be a number, 0 or more.`);
  return count;
}

export function queryText(context: Context, name: string, missing: string): string {
  const text = context.req.query(name);
  if (!text) throw new RequestError(missing);
  return text;
}
