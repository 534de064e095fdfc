import { readFileSync } from 'node:fs';
import type { Problem } from '../types.js';
import { unreadable } from './jsonl.js';
import { parseJson } from './parse-json.js';

/**
 * The JSON value that a file holds; undefined, and reported, when it is none: a tool may be writing it.
 * @throws OpenSyncError `read` when the file cannot be opened or read
 */
export function readJson(file: string, report: (problem: Problem) => void): unknown {
  const text = readText(file);
  const parsed = parseJson(text);
  if ('value' in parsed) return parsed.value;
  report({ message: `A file that ${parsed.why} was left out.`, location: { file, line: 0 } });
  return undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}
