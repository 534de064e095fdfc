import { setImmediate } from 'node:timers/promises';
import { errorMessage, OpenSyncError } from '../../errors.js';
import { plural } from '../../plural.js';
import type { RawSession } from '../../source.js';
import { findSessions } from '../../sync.js';
import { count, dateTime, money, oneLine, printable, printableJson, table } from '../format.js';
import { accountOf, checkpointsOf, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { type SessionRow, sessionRows, syncedBy } from '../rows.js';
import { type SelectOptions, select } from '../select.js';

interface ListOptions extends SelectOptions {
  limit?: string;
  json?: boolean;
}

const DEFAULT_LIMIT = 50;
/** Sessions read in one turn of the event loop. */
const TURN = 50;
/** Characters of a session's id before those of its subagent. */
const SHORT_ID = 8;

export async function list(context: CommandContext, options: ListOptions): Promise<number> {
  const { source, io } = context;
  const limit = parseLimit(options);
  const config = settings(context);
  const account = accountOf(config, io.env);
  const syncedOf = account && syncedBy(source, config, checkpointsOf(context, account));
  const found = findSessions(source, io.env);
  const raws = await select(source, found, options, io.env.now());
  const rows: SessionRow[] = [];
  let failed = 0;
  for (const [index, raw] of raws.slice(0, limit).entries()) {
    // Lets go of what is closed and collected only between turns of the event loop, such as databases.
    if (index % TURN === 0) await setImmediate();
    try {
      rows.push(...sessionRows(raw, { source, config, syncedOf }));
    } catch (error) {
      failed++;
      io.stderr.write(`${source.plugin}: ${printable(`${raw.id}: ${errorMessage(error)}`)}\n`);
    }
  }
  const sessions = inOrder(rows);
  if (options.json === true) io.stdout.write(`${printableJson({ schema: 1, sessions }, 2)}\n`);
  else if (sessions.length > 0) printRows(context, sessions, { found, selected: raws.length, limit });
  else if (failed === 0) io.stdout.write(`${noneOf(source.name, found.length, options)}\n`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

/** A person gets what fits a screen or two, a program everything. */
function parseLimit({ limit, json }: ListOptions): number {
  if (limit === undefined) return json === true ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT;
  const value = Number(limit);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new OpenSyncError('usage', `--limit "${limit}" is not a whole number above 0.`);
}

function noneOf(name: string, found: number, { project, since }: SelectOptions): string {
  const filters = Object.entries({ project, since }).filter(([, value]) => value !== undefined);
  const given = filters.map(([option, value]) => `--${option} "${value}"`).join(' and ');
  if (found === 0 || given === '') return `No ${name} sessions found.`;
  return `No ${name} session of ${found} matches ${given}.`;
}

/** The newest first, as the list shows their times, and below each its subagents. */
function inOrder(rows: readonly SessionRow[]): SessionRow[] {
  const shown = new Map(rows.map((row) => [row.id, row]));
  const parentOf = ({ parentId }: SessionRow) => (parentId === null ? undefined : shown.get(parentId));
  const tops: SessionRow[] = [];
  const below = new Map<SessionRow, SessionRow[]>();
  for (const row of [...rows].sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0))) {
    const parent = parentOf(row);
    // One level: whoever names each other as parents are listed all the same.
    if (parent === undefined || parentOf(parent) !== undefined) tops.push(row);
    else below.set(parent, [...(below.get(parent) ?? []), row]);
  }
  return tops.flatMap((row) => [row, ...(below.get(row) ?? [])]);
}

/** As other commands take it: of a subagent, the beginning of its session's id that no other has, and its own. */
function shownId({ id, parentId }: SessionRow, found: readonly RawSession[]): string {
  if (parentId === null) return id;
  const [session = '', ...own] = id.split(/(?=\/)/);
  if (own.length === 0) return `└ ${id}`;
  let length = SHORT_ID;
  const isShared = () =>
    found.filter(({ id: other }) => other.startsWith(session.slice(0, length))).length > 1;
  while (length < session.length && isShared()) length++;
  return `└ ${session.slice(0, length)}${own.join('')}`;
}

interface Listed {
  /** Every session there is. */
  found: readonly RawSession[];
  /** Of which the filters left so many. */
  selected: number;
  limit: number;
}

function printRows(
  { io }: CommandContext,
  rows: readonly SessionRow[],
  { found, selected, limit }: Listed,
): void {
  const header = ['SESSION', 'UPDATED', 'PROJECT', 'TITLE', 'MODEL', 'TOKENS IN', 'OUT', 'COST', 'SYNCED'];
  const cells = rows.map((row) => [
    shownId(row, found),
    dateTime(row.updatedAt),
    oneLine(row.projectName ?? '', 20),
    oneLine(row.title ?? '', 40),
    oneLine(row.models.length > 1 ? `${row.model} +${row.models.length - 1}` : (row.model ?? ''), 30),
    count(row.promptTokens),
    count(row.completionTokens),
    money(row.cost),
    row.synced,
  ]);
  io.stdout.write(table(header, cells, new Set([5, 6, 7])));
  if (selected > limit) {
    const left = plural(selected - limit, 'older session');
    io.stdout.write(`${left} not shown; --limit ${selected} shows all.\n`);
  }
  // Where no tokens were recorded, no price would help.
  const unpriced = [...new Set(rows.flatMap((row) => (row.usage === null ? [] : row.unpriced)))];
  if (unpriced.length > 0) {
    io.stdout.write(
      `Some costs of ${printable(unpriced.join(', '))} are not known: "explain" says why, "config set prices" adds a price.\n`,
    );
  }
  for (const row of rows.filter(({ problems }) => problems.length > 0)) {
    for (const problem of row.problems) io.stdout.write(`${printable(`${row.id}: ${problem}`)}\n`);
  }
}
