import { createHash } from 'node:crypto';
import {
  type Fields,
  type FoundFile,
  fieldsOf,
  isOpenSyncError,
  jsonl,
  stringOf,
  timeOf,
} from '@opensync/core/plugin';

/** `<time>_<id>.jsonl`, the time of the header with `-` for `:` and `.`. */
const NAME = /(?:^|[/\\])([^/\\_]+)_([^/\\]+)\.jsonl$/;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3}Z)$/;
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Pi writes the header at once after it made the id. Milliseconds. */
const MAX_APART = 60_000;

/**
 * The session of each file, by path. An id that Pi made is unique and stands for itself. One that a caller of
 * `--session-id` chose means another session in every project, which may have another level of privacy: the
 * header tells them apart, so its digest is a part of the id, whatever other files there are.
 */
export function sessionIdsOf(files: readonly FoundFile[]): Map<string, string> {
  const ids = new Map<string, string>();
  const made = new Map<string, string[]>();
  for (const { path } of files) {
    const id = madeIdOf(path) ?? idByHeader(path);
    if (id === undefined) continue;
    ids.set(path, id);
    if (!id.includes('@')) made.set(id, [...(made.get(id) ?? []), path]);
  }
  for (const [id, paths] of made) if (paths.length > 1) separate(id, paths, ids);
  return ids;
}

/** The id that the name of a file tells, where Pi made it: a UUID of the time that stands before it. */
export function madeIdOf(path: string): string | undefined {
  const [, time = '', id = ''] = NAME.exec(path) ?? [];
  return isMade(id, Date.parse(time.replace(TIME, '$1:$2:$3.$4'))) ? id : undefined;
}

/** What the caller of `--session-id` chose, or Pi made: no id of ours, but a name that people know. */
export function nameOf(path: string): string | undefined {
  return NAME.exec(path)?.[2];
}

function isMade(id: string, createdAt: number | undefined): boolean {
  const [, high, low] = UUID_V7.exec(id) ?? [];
  if (high === undefined || createdAt === undefined) return false;
  return Math.abs(Number.parseInt(`${high}${low}`, 16) - createdAt) <= MAX_APART;
}

/** Of an import that found its name taken, `<name>-1.jsonl`, the header alone knows the id. */
function idByHeader(path: string): string | undefined {
  const header = headerOf(path);
  const id = stringOf(header.id) ?? nameOf(path);
  if (id === undefined) return undefined;
  return isMade(id, timeOf(header.timestamp)) ? id : `${id}@${digestOf(header)}`;
}

/** Somebody may have copied a session by hand and given the copy another directory: that is no longer it. */
function separate(id: string, paths: readonly string[], ids: Map<string, string>): void {
  const headers = paths.map((path) => ({ path, header: headerOf(path) }));
  const [first] = headers.map(({ header }) => keyOf(header)).sort();
  for (const { path, header } of headers)
    if (keyOf(header) !== first) ids.set(path, `${id}@${digestOf(header)}`);
}

function keyOf({ timestamp, cwd }: Fields): string {
  return JSON.stringify([timestamp ?? null, cwd ?? null]);
}

function digestOf(header: Fields): string {
  return createHash('sha256').update(keyOf(header)).digest('hex').slice(0, 12);
}

function headerOf(path: string): Fields {
  try {
    // What is wrong with the line is reported when the session is read.
    for (const { value } of jsonl(path, { report: () => undefined })) {
      const line = fieldsOf(value);
      return line.type === 'session' ? line : {};
    }
  } catch (error) {
    // It cannot be opened: reading its session fails, with the reason, and no other.
    if (!isOpenSyncError(error)) throw error;
  }
  return {};
}
