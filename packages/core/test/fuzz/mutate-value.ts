import { jsonOf } from '../../src/read/parse-json.js';
import type { Random } from '../harness/random.js';

/** What can become of a JSON value that is still JSON, or nearly. */
export const VALUE_KINDS = {
  'another type': 8,
  'another text': 2,
  'lone surrogate': 3,
  'NUL in a text': 2,
  '__proto__ key': 3,
  'huge number': 4,
  'absurd time': 2,
  'deep nesting': 3,
  'deep nesting in a text': 1,
  'long array': 1,
  'many keys': 1,
  'long text': 1,
  'key twice': 2,
  'key gone': 3,
} as const;
export type ValueKind = keyof typeof VALUE_KINDS;

type Path = (string | number)[];

const LEVELS = 100_000;
const ITEMS = 100_000;
const LONG_TEXT = 1_500_000;
/** What a pattern may read again from each place where it begins. */
export const LONG_WORDS = [
  ...['x', 'a b ', ' ', '\n', '\t', '\r\n', '\\', '"', '\u{1f600}', '\0', 'a=', '/', '/home/', 'https://'],
  ...[
    '<a>',
    '<system-reminder>',
    '<user_info>',
    '<rules>',
    '<rules ',
    '<timestamp>',
    '<think>',
    '<command-name>',
    '<image ',
  ],
  ...[
    '[REDACTED]',
    '\n[REDACTED]',
    'Workspace Path: ',
    '[redacted:',
    'user:\n\n',
    '  a: b\n',
    'data:image/png;base64,',
  ],
  ...['password=', 'key="', 'token: ', 'sk-', 'eyJ', '-----BEGIN PRIVATE KEY-----', '{"a":', '[', '$('],
];
/** Stands where a text of its own is put in: what JSON.stringify would not write. */
const MARK = '@@here@@';

/** The text of a JSON value, changed in one place; undefined when there is no place for this kind. */
export function mutateJson(text: string, kind: ValueKind, random: Random): string | undefined {
  const value = jsonOf(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const paths = pathsIn(value);
  if (paths.length === 0) return undefined;
  const at = (accepts: (value: unknown) => boolean): Path | undefined => {
    const fitting = paths.filter((path) => accepts(valueAt(value, path)));
    return fitting.length === 0 ? undefined : random.pick(fitting);
  };
  const put = (path: Path | undefined, replacement: unknown) =>
    path && JSON.stringify(replaced(value, path, replacement));
  /** Puts in text as it is. */
  const putRaw = (path: Path | undefined, raw: string) =>
    put(path, MARK)?.replace(JSON.stringify(MARK), () => raw);
  const anywhere = () => at(() => true);
  const string = (item: unknown) => typeof item === 'string';
  switch (kind) {
    case 'another type':
      return put(
        anywhere(),
        random.pick([
          null,
          0,
          -1,
          7.5,
          true,
          false,
          [],
          {},
          [null],
          [[]],
          { type: 'text' },
          [7],
          { text: {} },
        ]),
      );
    case 'another text':
      return put(anywhere(), random.pick(['', 'text', '/', '..', 'null', '0']));
    case 'lone surrogate': {
      const path = at(string);
      const raw = random.pick(['\\ud83d', '\\ude00', 'x\\udfffy', '\\ud83d\\ud83d\\ude00']);
      return putRaw(path, `"${raw}${inner(valueAt(value, path ?? []))}"`);
    }
    case 'NUL in a text': {
      const path = at(string);
      return put(path, `\0${String(valueAt(value, path ?? []))}\0\u0001\u007f\ufeff`);
    }
    case '__proto__ key': {
      const path = at((item) => typeof item === 'object' && item !== null && !Array.isArray(item));
      const key = random.pick(['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
      const inside = JSON.stringify(valueAt(value, path ?? []) ?? {}).slice(1);
      const more = inside === '}' ? inside : `,${inside}`;
      return putRaw(path, `{"${key}":${random.pick(['{"type":"user","id":7}', 'null', '"x"'])}${more}`);
    }
    case 'huge number':
      return putRaw(
        at((item) => typeof item === 'number' || string(item)),
        random.pick([
          '1e308',
          '-1e308',
          '1e400',
          '9007199254740993',
          '-1',
          '0.1',
          '1e-320',
          `${'9'.repeat(400)}`,
        ]),
      );
    case 'absurd time':
      return put(
        at((item) => typeof item === 'number' || (string(item) && /^\d{4}-/.test(String(item)))),
        random.pick([
          '+275760-09-13T00:00:00.000Z',
          '-000001-01-01T00:00:00Z',
          '9999-12-31',
          8.64e15,
          8.64e15 + 1,
          -1,
          0,
        ]),
      );
    case 'deep nesting': {
      const [open, close] = random.pick([
        ['[', ']'],
        ['{"a":', '}'],
        ['{"content":[', ']}'],
        ['[{"type":"text","text":', '}]'],
      ]);
      return putRaw(anywhere(), `${open.repeat(LEVELS)}null${close.repeat(LEVELS)}`);
    }
    case 'deep nesting in a text':
      return put(at(string), '['.repeat(LEVELS) + ']'.repeat(LEVELS));
    case 'long array':
      return putRaw(
        anywhere(),
        `[${new Array(ITEMS).fill(random.pick(['{"type":"text","text":"x"}', '0', '[]', '"x"'])).join()}]`,
      );
    case 'many keys':
      return putRaw(anywhere(), `{${Array.from({ length: ITEMS }, (_, n) => `"k${n}":${n}`).join()}}`);
    case 'long text': {
      const word = random.pick(LONG_WORDS);
      const text = word.repeat(Math.floor(LONG_TEXT / word.length));
      return put(
        at(string),
        random.chance(0.5) ? text : `${random.pick(LONG_WORDS)}${text}${random.pick(LONG_WORDS)}`,
      );
    }
    case 'key twice': {
      const key = random.pick(Object.keys(value));
      return `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(key)}:null}`;
    }
    case 'key gone':
      return put(anywhere(), undefined);
  }
}

function inner(value: unknown): string {
  return JSON.stringify(String(value)).slice(1, -1);
}

const MAX_PATHS = 400;

/** Paths to each value inside, the outer ones first. */
function pathsIn(value: object): Path[] {
  const found: Path[] = [];
  const queue: [object, Path][] = [[value, []]];
  for (let next = queue.shift(); next !== undefined && found.length < MAX_PATHS; next = queue.shift()) {
    const [container, path] = next;
    for (const [key, item] of Object.entries(container)) {
      const inside = [...path, Array.isArray(container) ? Number(key) : key];
      found.push(inside);
      if (typeof item === 'object' && item !== null) queue.push([item, inside]);
    }
  }
  return found;
}

function valueAt(container: unknown, path: Path): unknown {
  return path.reduce((value: unknown, key) => (value as Record<string | number, unknown>)[key], container);
}

function replaced(container: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = (Array.isArray(container) ? [...container] : { ...(container as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaced(copy[key], rest, value);
  return copy;
}
