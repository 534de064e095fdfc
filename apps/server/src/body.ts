import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { RequestError } from './request-error.js';
import { LIMITS } from './values.js';

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: LIMITS.requestBytes,
  onError: (context) =>
    context.json({ error: `The request is too large: above ${LIMITS.requestBytes} bytes.` }, 413),
});

/** Whatever the content type says. The parser's own message quotes the body and is not passed on. */
export async function readJson(context: Context): Promise<unknown> {
  try {
    const text = await context.req.text();
    if (isNestedAbove(text, LIMITS.bodyNesting)) {
      throw new RequestError(`The body is too nested: more than ${LIMITS.bodyNesting} levels.`);
    }
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError('The body is not complete and valid JSON.');
  }
}

/** Looked at before the parser, which takes seconds and a gigabyte for millions of levels. */
function isNestedAbove(text: string, levels: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > levels) return true;
  }
  return false;
}

/** Where the string that begins at `start` ends: at the next quote with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  let end = start;
  let backslashes: number;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
  } while (backslashes % 2 === 1);
  return end;
}
