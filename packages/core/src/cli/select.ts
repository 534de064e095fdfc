import { statSync } from 'node:fs';
import { resolve } from 'node:path';
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
function parseSince(text: string, now: number): number {
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
  return [...new Set(targets.flatMap((target) => findTarget(raws, target).raws))];
}

/** What a target names. */
export interface Target<R> {
  raws: RawSession<R>[];
  /** Behind the id of the session, with the "/": the beginning of a subagent's id, or nothing. */
  subagent: string;
}

/** @throws OpenSyncError `usage` when it names no session, or a beginning that several have */
export function findTarget<R>(raws: readonly RawSession<R>[], target: string): Target<R> {
  const exact = raws.filter((raw) => raw.id === target || target.startsWith(`${raw.id}/`));
  if (exact.length > 0) return { raws: exact, subagent: target.slice(exact[0]?.id.length) };
  if (isFile(target)) {
    const path = resolve(target);
    const named = raws.filter((raw) => raw.files.some((file) => isSameFile(file, path)));
    if (named.length > 0) return { raws: named, subagent: '' };
    throw new OpenSyncError('usage', `${target} is not a file of a session that this plugin knows.`);
  }
  const [beginning = '', ...rest] = target.split(/(?=\/)/);
  return { raws: [onlyOne(raws, beginning)], subagent: rest.join('') };
}

/** Ids that an error lists. */
const MAX_CANDIDATES = 5;

/** The one whose id is this or begins with it. @throws OpenSyncError `usage` */
export function onlyOne<T extends { id: string }>(found: readonly T[], beginning: string): T {
  const candidates = found.filter(({ id }) => id.startsWith(beginning));
  const [first] = candidates;
  const chosen =
    candidates.find(({ id }) => id === beginning) ?? (candidates.length === 1 ? first : undefined);
  if (chosen !== undefined && beginning !== '') return chosen;
  if (first === undefined)
    throw new OpenSyncError('usage', `There is no session with the id "${beginning}". "list" shows the ids.`);
  const ids = candidates.slice(0, MAX_CANDIDATES).map(({ id }) => `\n  ${id}`);
  const more = candidates.length - ids.length;
  if (more > 0) ids.push(`\n  and ${more} more`);
  throw new OpenSyncError(
    'usage',
    `${candidates.length} sessions have an id that begins with "${beginning}". Give more characters of one of them:${ids.join('')}`,
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
