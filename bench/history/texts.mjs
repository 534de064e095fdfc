const WORDS =
  'const let return await import export function class interface type if else for while throw new Error Map Set Promise ' +
  'session message usage token cost read write parse file path line buffer index offset server client request response ' +
  'status result value options config default test expect describe assert user system the and with from into when then';
const SYMBOLS = [
  '=',
  '=>',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '.',
  ',',
  ';',
  '"',
  "'",
  '\\',
  '/',
  '<',
  '>',
  '"type":',
  '"usage":',
];
const FOREIGN = ['größe', 'naïve', 'présent', '漢字', '日本語', 'данные', '→', '✓', '│', '🚀', 'ü\u2028'];
const POOL_LINES = 40_000;

/**
 * Slices of one big text that looks like code: quotes and backslashes that JSON escapes, words that a
 * byte search for a field must not mistake for the field, and non-ASCII in every tenth line.
 */
export function createTexts(random) {
  const words = WORDS.split(' ');
  const lines = Array.from({ length: POOL_LINES }, () => codeLine(random, words));
  const starts = [0];
  for (const line of lines) starts.push(starts[starts.length - 1] + line.length + 1);
  const pool = `${lines.join('\n')}\n`;
  return {
    /** About so many characters, whole lines unless one line is longer than that. */
    lines(length) {
      const from = random.between(0, POOL_LINES - 1);
      let text = '';
      for (let start = starts[from]; text.length < length; start = 0) {
        text += pool.slice(start, start + length - text.length);
      }
      return text.slice(0, Math.max(text.lastIndexOf('\n'), Math.min(length, 20))).toWellFormed();
    },
    base64(length) {
      let text = '';
      while (text.length < length) text += random.token('', 64).repeat(16);
      return text.slice(0, length - (length % 4));
    },
  };
}

function codeLine(random, words) {
  const tokens = [];
  for (let left = random.heavyTailed(7, 0.6); left > 0; left--) {
    tokens.push(random.chance(0.3) ? random.pick(SYMBOLS) : random.pick(words));
  }
  if (random.chance(0.1)) tokens.push(random.pick(FOREIGN));
  return `${'  '.repeat(random.between(0, 4))}${tokens.join(' ')}`;
}
