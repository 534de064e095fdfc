/** The value of a JSON text, or why there is none: in words that go on from "A line that …". */
export type Parsed = { value: unknown } | { why: string };

/**
 * Levels of nesting. JSON.parse has no bound, but whatever walks a value later has: JSON.stringify
 * overflows the stack at a few thousand. No tool writes a hundred.
 */
const MAX_LEVELS = 1_000;
/** A line of 64 MiB may hold twenty million objects, which need twenty times its memory. */
const MAX_VALUES = 1_000_000;

const NOT_JSON: Parsed = { why: 'is not JSON' };

/** JSON.parse for texts that anybody may have written: bounded in memory and in depth, and never throws. */
export function parseJson(text: string): Parsed {
  if (!mayBeJson(text)) return NOT_JSON;
  const excess = excessOf(text);
  if (excess !== undefined) return { why: excess };
  const value = jsonOf(text);
  return value === undefined ? NOT_JSON : { value };
}

/** JSON.parse for texts whose size has a bound already; undefined for what is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What the first character of a value asks of the last one. */
const LAST: Readonly<Record<string, string>> = { '{': '}', '[': ']', '"': '"' };

/** A look at both ends: to throw and catch an error takes longer than to parse a line. */
function mayBeJson(text: string): boolean {
  let start = 0;
  let end = text.length - 1;
  while (isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end))) end--;
  const first = text.charAt(start);
  const last = LAST[first];
  return last === undefined ? /^[-\dtfn]$/.test(first) : end > start && text.charAt(end) === last;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function excessOf(text: string): string | undefined {
  // Each level and each value has a character of its own, so most texts are too short or have too few.
  const mayBeDeep = text.length > 2 * MAX_LEVELS && occurs(text, ['{', '['], MAX_LEVELS);
  const mayBeLong = text.length > MAX_VALUES && occurs(text, [',', '{', '['], MAX_VALUES);
  if (!mayBeDeep && !mayBeLong) return undefined;
  let [level, values] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x5d || code === 0x7d) level--;
    else if (code === 0x2c) values++;
    else if (code === 0x5b || code === 0x7b) {
      level++;
      values++;
    }
    if (level > MAX_LEVELS) return `is nested more than ${MAX_LEVELS} levels deep`;
    if (values > MAX_VALUES) return `holds more than ${MAX_VALUES} values`;
  }
  return undefined;
}

/** Whether these characters come up at least `times` times, inside strings included. */
function occurs(text: string, characters: readonly string[], times: number): boolean {
  let count = 0;
  for (const character of characters) {
    for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
      if (++count >= times) return true;
    }
  }
  return false;
}

/** Of the quote that ends the string beginning at `start`; the end of the text when none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
