import { createHash } from 'node:crypto';
import { fieldsOf, firstRecord, stringOf, timeOf } from '@opensync/core/plugin';

/** `<time>_<id>.jsonl`, the time of the header with `-` for `:` and `.`. */
const NAME = /(?:^|[/\\])([^/\\_]+)_([^/\\]+)\.jsonl$/;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3}Z)$/;
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Pi writes the header at once after it made the id. Milliseconds. */
const MAX_APART = 60_000;

/**
 * The session that a file belongs to. An id that Pi made is unique and stands for itself. One that a caller of
 * `--session-id` chose means another session in every project, which may have another level of privacy: the
 * header tells them apart, so its digest is a part of the id, whatever other files there are.
 */
export function sessionIdOf(path: string): string | undefined {
  const made = madeIdOf(path);
  if (made !== undefined) return made;
  // Of an import that found its name taken, `<name>-1.jsonl`, the header alone knows the id.
  const header = fieldsOf(firstRecord(path));
  const id = stringOf(header.id) ?? nameOf(path);
  if (id === undefined || isMade(id, timeOf(header.timestamp))) return id;
  const key = JSON.stringify([header.timestamp ?? null, header.cwd ?? null]);
  return `${id}@${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
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
