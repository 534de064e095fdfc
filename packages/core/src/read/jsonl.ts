import { closeSync, openSync, readSync } from 'node:fs';
import { errorMessage, isOpenSyncError, OpenSyncError } from '../errors.js';
import type { Located } from '../source.js';
import type { Problem } from '../types.js';
import { parseJson } from './parse-json.js';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 20;
/** V8 cannot hold a string of 512 MiB; no tool writes a line of a tenth of it. */
const MAX_LINE_BYTES = 64 << 20;

/**
 * Memory between two files, and nothing else: the first touch of fresh memory costs as much as reading
 * into it. As many as files were ever open at once.
 */
const idleChunks: Buffer[] = [];

export interface JsonlOptions {
  /**
   * Looks at the raw bytes of a line and decides whether it is decoded and parsed at all: searching
   * bytes is ten times as fast as parsing them.
   */
  keep?: (line: Buffer) => boolean;
  report: (problem: Problem) => void;
}

/**
 * The JSON values of a file with one value a line, streamed: memory is bounded by the longest line.
 * Splits on `\n` alone, since JSON strings may hold U+2028 raw. A line that is not JSON is reported
 * and left out. A last line without `\n` counts when it is whole and is silently left for later when
 * it is not: the tool is still writing it.
 * @throws OpenSyncError `read` when the file cannot be opened or read
 */
export function* jsonl(file: string, options: JsonlOptions): Generator<Located<unknown>> {
  let number = 0;
  for (const { line, bytes, terminated } of lines(file)) {
    number++;
    const location = { file, line: number };
    if (bytes > MAX_LINE_BYTES) {
      options.report({ message: `A line of ${bytes} bytes was left out.`, location });
      continue;
    }
    if (isBlank(line) || options.keep?.(line) === false) continue;
    const parsed = parseJson(decode(line, number));
    if ('value' in parsed) yield { value: parsed.value, ...location };
    else if (terminated) options.report({ message: `A line that ${parsed.why} was left out.`, location });
  }
}

/**
 * The first value of such a file, as a session's header is. Undefined when there is none, and when the file
 * cannot be read, which is reported when its session is.
 */
export function firstRecord(file: string): unknown {
  try {
    for (const { value } of jsonl(file, { report: () => undefined })) return value;
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
  }
  return undefined;
}

function decode(line: Buffer, number: number): string {
  const text = line.toString('utf8');
  return number === 1 && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function isBlank(line: Buffer): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

interface Line {
  /** Valid only until the next one is asked for; empty when it is too long to hold. */
  line: Buffer;
  bytes: number;
  terminated: boolean;
}

function* lines(file: string): Generator<Line> {
  const descriptor = open(file);
  const chunk = idleChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    let rest = new Rest();
    for (;;) {
      const length = read(descriptor, chunk, file);
      if (length === 0) break;
      const view = chunk.subarray(0, length);
      let start = 0;
      for (;;) {
        const end = view.indexOf(NEWLINE, start);
        if (end === -1) break;
        yield rest.complete(view.subarray(start, end), true);
        if (rest.bytes > 0) rest = new Rest();
        start = end + 1;
      }
      if (start < length) rest.add(view.subarray(start));
    }
    if (rest.bytes > 0) yield rest.complete(Buffer.alloc(0), false);
  } finally {
    idleChunks.push(chunk);
    closeSync(descriptor);
  }
}

/** The part of a line that stood in earlier chunks. */
class Rest {
  bytes = 0;
  private readonly pieces: Buffer[] = [];

  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.bytes <= MAX_LINE_BYTES) this.pieces.push(Buffer.from(piece));
  }

  complete(tail: Buffer, terminated: boolean): Line {
    const bytes = this.bytes + tail.length;
    if (this.bytes === 0) return { line: tail, bytes, terminated };
    const line = bytes > MAX_LINE_BYTES ? Buffer.alloc(0) : Buffer.concat([...this.pieces, tail]);
    return { line, bytes, terminated };
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function read(descriptor: number, chunk: Buffer, file: string): number {
  try {
    return readSync(descriptor, chunk, 0, chunk.length, null);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The error for a file that cannot be opened or read. */
export function unreadable(file: string, cause: unknown): OpenSyncError {
  return new OpenSyncError('read', `Cannot read ${file}: ${errorMessage(cause)}.`, { cause });
}
