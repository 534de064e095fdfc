import { readFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import {
  errorMessage,
  type JsonlOptions,
  jsonl,
  type Located,
  parseJson,
  unreadable,
} from '@opensync/core/plugin';

/** Absent before Node 22.15. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (data: Buffer) => Buffer };

function isCompressed(file: string): boolean {
  return file.endsWith('.zst');
}

export function canRead(file: string): boolean {
  return !isCompressed(file) || zstdDecompressSync !== undefined;
}

/**
 * The records of a rollout, compressed or not.
 * @throws OpenSyncError `read` when the file cannot be opened or read
 */
export function* linesOf(file: string, options: JsonlOptions): Generator<Located<unknown>> {
  if (!isCompressed(file)) {
    yield* jsonl(file, options);
    return;
  }
  const text = decompress(file, options);
  let number = 0;
  for (let start = 0; start < text.length; number++) {
    const newline = text.indexOf(0x0a, start);
    const line = text.subarray(start, newline === -1 ? text.length : newline);
    start += line.length + 1;
    if (line.length === 0 || options.keep?.(line) === false) continue;
    const location = { file, line: number + 1 };
    const parsed = parseJson(line.toString('utf8'));
    if ('value' in parsed) yield { value: parsed.value, ...location };
    else options.report({ message: `A line that ${parsed.why} was left out.`, location });
  }
}

/** Empty, and reported, when it cannot be decompressed. */
function decompress(file: string, { report }: JsonlOptions): Buffer {
  const location = { file, line: 0 };
  if (zstdDecompressSync === undefined) {
    report({ message: 'A compressed file was left out: it takes Node.js 22.15 or newer.', location });
    return Buffer.alloc(0);
  }
  const data = read(file);
  try {
    return zstdDecompressSync(data);
  } catch (error) {
    report({ message: `A compressed file was left out: ${errorMessage(error)}.`, location });
    return Buffer.alloc(0);
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}
