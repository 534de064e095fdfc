import { statSync } from 'node:fs';
import { parse, resolve } from 'node:path';
import { errorCode, OpenSyncError } from '../errors.js';
import type { RawSession, Source } from '../source.js';
import { isSameFile } from '../sync.js';

export interface SelectOptions {
  since?: string;
  project?: string;
}

/** The sessions that `--since` and `--project` leave. */
export async function select<R>(
  source: Source<R>,
  raws: readonly RawSession<R>[],
  options: SelectOptions,
  now: number,
): Promise<RawSession<R>[]> {
  const since = options.since === undefined ? undefined : parseSince(options.since, now);
  const recent = since === undefined ? [...raws] : raws.filter((raw) => raw.changedAt >= since);
  const { project } = options;
  if (project === undefined) return recent;
  const { isOfProject } = await import('./project.js');
  return recent.filter((raw) => isOfProject(source, raw, project));
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A day, a time or an age, to milliseconds since the Unix epoch. */
export function parseSince(text: string, now: number): number {
  const age = /^(\d+)([mhdw])$/.exec(text);
  if (age !== null) return now - Number(age[1]) * (UNITS[age[2] ?? ''] ?? 0);
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00`) : Date.parse(text);
  if (Number.isNaN(at)) {
    throw new OpenSyncError(
      'usage',
      `--since "${text}" is no date. Use a day like 2026-01-31 or an age like 12h or 7d.`,
    );
  }
  return at;
}

/** The sessions that ids, beginnings of ids, and files name. */
export function findTargets<R>(raws: readonly RawSession<R>[], targets: readonly string[]): RawSession<R>[] {
  return [...new Set(targets.flatMap((target) => findTarget(raws, target)))];
}

const MAX_NAMED = 5;

function findTarget<R>(raws: readonly RawSession<R>[], target: string): RawSession<R>[] {
  const exact = raws.filter((raw) => raw.id === target || target.startsWith(`${raw.id}/`));
  if (exact.length > 0) return exact;
  // A subagent as "list" shows it, without the id of the session that it is part of.
  const parts = raws.filter(({ files }) => files.some((file) => parse(file).name === target));
  if (parts.length === 1) return parts;
  if (isFile(target)) {
    const path = resolve(target);
    const named = raws.filter((raw) => raw.files.some((file) => isSameFile(file, path)));
    if (named.length > 0) return named;
    throw new OpenSyncError('usage', `${target} is not a file of a session that this plugin knows.`);
  }
  const beginning = target.length < 4 ? [] : raws.filter((raw) => raw.id.startsWith(target));
  if (beginning.length === 1) return beginning;
  if (beginning.length === 0)
    throw new OpenSyncError('usage', `There is no session with the id "${target}". "list" shows the ids.`);
  const some = beginning.slice(0, MAX_NAMED).map(({ id }) => id);
  const more = beginning.length > some.length ? `, and ${beginning.length - some.length} more` : '';
  throw new OpenSyncError(
    'usage',
    `The ids of ${beginning.length} sessions begin with "${target}": ${some.join(', ')}${more}. Give more of it.`,
  );
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (errorCode(error) !== undefined) return false;
    throw error;
  }
}
