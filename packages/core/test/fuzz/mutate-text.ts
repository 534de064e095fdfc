import type { Random } from '../harness/random.js';
import { LONG_WORDS, mutateJson, type ValueKind } from './mutate-value.js';

/** What can become of the bytes of any file. */
export const BYTE_KINDS = {
  'bits flipped': 6,
  'cut off': 5,
  'begun later': 2,
  NUL: 3,
  'invalid UTF-8': 4,
  'bytes overwritten': 3,
  emptied: 1,
} as const;
export type ByteKind = keyof typeof BYTE_KINDS;

/** What can become of the lines of a file. */
export const LINE_KINDS = {
  'mixed line ends': 3,
  'lines twice': 4,
  'lines swapped': 4,
  'lines gone': 3,
  'lines of another file': 2,
  'lines torn apart': 2,
  'lines joined': 2,
} as const;
export type LineKind = keyof typeof LINE_KINDS;

/** Tens of megabytes; a reader of any of these may need a multiple of the memory. */
export const HUGE_KINDS = {
  'line of 60 MB': 2,
  'line of 70 MB': 1,
  'line of 60 MB of brackets': 1,
  'line of 60 MB of objects': 1,
  'text of 40 MB': 2,
  'a million broken lines': 2,
  'a million lines that are no records': 1,
} as const;
type HugeKind = keyof typeof HUGE_KINDS;

export function mutateBytes(content: Buffer, kind: ByteKind, random: Random): Buffer {
  const at = () => random.int(0, Math.max(0, content.length - 1));
  const insert = (bytes: Buffer) => {
    const position = at();
    return Buffer.concat([content.subarray(0, position), bytes, content.subarray(position)]);
  };
  switch (kind) {
    case 'bits flipped': {
      const bytes = Buffer.from(content);
      for (let n = random.pick([1, 1, 2, 8, 100]); n > 0 && bytes.length > 0; n--) {
        const position = at();
        bytes[position] = (bytes[position] ?? 0) ^ (1 << random.int(0, 7));
      }
      return bytes;
    }
    case 'cut off':
      return content.subarray(0, at());
    case 'begun later':
      return content.subarray(at());
    case 'NUL':
      return insert(Buffer.alloc(random.pick([1, 1, 4_096, 100_000])));
    case 'invalid UTF-8':
      return insert(
        Buffer.from(
          random.pick([
            [0xff],
            [0xc3],
            [0xed, 0xa0, 0x80],
            [0xf4, 0x90, 0x80, 0x80],
            [0x80, 0x80],
            [0xff, 0xfe],
          ]),
        ),
      );
    case 'bytes overwritten': {
      const bytes = Buffer.from(content);
      const start = at();
      return bytes.fill(
        random.int(0, 255),
        start,
        Math.min(bytes.length, start + random.pick([3, 100, 5_000])),
      );
    }
    case 'emptied':
      return Buffer.alloc(0);
  }
}

export function mutateLines(content: Buffer, kind: LineKind, random: Random, other: Buffer): Buffer {
  const text = content.toString('latin1');
  const lines = text.split('\n');
  const index = () => random.int(0, lines.length - 1);
  switch (kind) {
    case 'mixed line ends':
      return latin1(
        lines.map((line) => line + random.pick(['\n', '\r\n', '\n\n', '\r\n\r\n', ' \n', '\n'])).join(''),
      );
    case 'lines twice': {
      const [from, count] = [index(), random.pick([1, 1, 5, lines.length])];
      return latin1([...lines.slice(0, from + count), ...lines.slice(from)].join('\n'));
    }
    case 'lines swapped': {
      const [a, b] = [index(), index()];
      return latin1(
        lines
          .with(a, lines[b] ?? '')
          .with(b, lines[a] ?? '')
          .join('\n'),
      );
    }
    case 'lines gone':
      return latin1(lines.toSpliced(index(), random.pick([1, 1, 3, 10])).join('\n'));
    case 'lines of another file': {
      const foreign = other.toString('latin1').split('\n');
      return latin1(
        lines
          .toSpliced(index(), 0, ...foreign.slice(random.int(0, foreign.length - 1)).slice(0, 5))
          .join('\n'),
      );
    }
    case 'lines torn apart': {
      const at = random.int(0, text.length);
      return latin1(`${text.slice(0, at)}\n${text.slice(at)}`);
    }
    case 'lines joined': {
      const at = index();
      return latin1(
        [...lines.slice(0, at), (lines[at] ?? '') + (lines[at + 1] ?? ''), ...lines.slice(at + 2)].join('\n'),
      );
    }
  }
}

/** Undefined when the file has no line that this could be done to. */
export function mutateLineValue(content: Buffer, kind: ValueKind, random: Random): Buffer | undefined {
  const lines = content.toString('utf8').split('\n');
  const candidates = lines.flatMap((line, index) => (line.startsWith('{') ? [index] : []));
  if (candidates.length === 0) return undefined;
  const index = random.pick(candidates);
  const mutated = mutateJson(lines[index] ?? '', kind, random);
  return mutated === undefined ? undefined : Buffer.from(lines.with(index, mutated).join('\n'));
}

const MB = 1_000_000;

export function mutateHugely(content: Buffer, kind: HugeKind, random: Random): Buffer {
  const lines = content.toString('utf8').split('\n');
  const index = random.int(0, lines.length - 1);
  const put = (line: string) =>
    Buffer.from([...lines.slice(0, index), line, ...lines.slice(index)].join('\n'));
  switch (kind) {
    case 'line of 60 MB':
      return put(
        random
          .pick(['x', '"', '{"type":"user","message":"', 'é'])
          .repeat(1)
          .padEnd(60 * MB, 'x'),
      );
    case 'line of 70 MB':
      return put('{"type":"user","message":"'.padEnd(70 * MB, 'x'));
    case 'line of 60 MB of brackets':
      return put(
        random
          .pick(['[', '{"a":', '[{"type":"text","text":'])
          .repeat((60 * MB) / 20)
          .slice(0, 60 * MB),
      );
    case 'line of 60 MB of objects':
      return put(
        `{"type":"user","message":{"content":[${new Array(15 * MB).fill(random.pick(['{}', '""', '0', '[]'])).join()}]}}`.slice(
          0,
          63 * MB,
        ),
      );
    case 'text of 40 MB': {
      const long = JSON.stringify(random.pick(LONG_WORDS)).slice(1, -1);
      const text = JSON.stringify('@@').replace('@@', () => long.repeat(Math.floor((40 * MB) / long.length)));
      const candidates = lines.filter((line) => /"text":"/.test(line));
      if (candidates.length === 0) return put(`{"text":${text}}`);
      return put(random.pick(candidates).replace(/"text":"(?:[^"\\]|\\.)*"/, () => `"text":${text}`));
    }
    case 'a million broken lines':
      return put(random.pick(['x', '{', '\0', '{"type":"user"', '"']).concat('\n').repeat(MB));
    case 'a million lines that are no records':
      return put(
        random
          .pick(['7', 'null', '[]', '{}', '{"type":"user"}', '{"type":"assistant"}'])
          .concat('\n')
          .repeat(MB),
      );
  }
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
