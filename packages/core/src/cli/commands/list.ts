import { setImmediate } from 'node:timers/promises';
import { errorMessage, OpenSyncError } from '../../errors.js';
import { findSessions } from '../../sync.js';
import { count, dateTime, money, oneLine, printable, printableJson, table } from '../format.js';
import { accountOf, checkpointsOf, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { type SessionRow, sessionRows, syncedBy } from '../rows.js';
import { type SelectOptions, select } from '../select.js';

export interface ListOptions extends SelectOptions {
  limit?: string;
  json?: boolean;
}

const DEFAULT_LIMIT = 50;
/** Sessions read in one turn of the event loop. */
const TURN = 50;

export async function list(context: CommandContext, options: ListOptions): Promise<number> {
  const { source, io } = context;
  const limit = parseLimit(options);
  const config = settings(context);
  const account = accountOf(config, io.env);
  const syncedOf = account && syncedBy(source, config, checkpointsOf(context, account));
  const raws = await select(source, findSessions(source, io.env), options, io.env.now());
  const groups: SessionRow[][] = [];
  let shown = 0;
  let failed = 0;
  let left = 0;
  for (const [index, raw] of raws.entries()) {
    // Lets go of what is closed and collected only between turns of the event loop, such as databases.
    if (index % TURN === 0) await setImmediate();
    if (shown >= limit) {
      left++;
      continue;
    }
    try {
      const group = sessionRows(raw, { source, config, syncedOf });
      groups.push(group);
      shown += group.length;
    } catch (error) {
      failed++;
      io.stderr.write(`${source.plugin}: ${printable(`${raw.id}: ${errorMessage(error)}`)}\n`);
    }
  }
  // As the column says: a file may be younger than what was said last.
  const rows = groups.sort(([a], [b]) => (b?.updatedAt ?? 0) - (a?.updatedAt ?? 0)).flat();
  if (options.json === true) io.stdout.write(`${printableJson({ schema: 1, sessions: rows }, 2)}\n`);
  else printRows(context, rows, left, options);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

/** A person gets what fits a screen or two, a program everything. */
function parseLimit({ limit, json }: ListOptions): number {
  if (limit === undefined) return json === true ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT;
  const value = Number(limit);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new OpenSyncError('usage', `--limit "${limit}" is not a whole number above 0.`);
}

function printRows(
  { source, io }: CommandContext,
  rows: readonly SessionRow[],
  left: number,
  { since, project }: SelectOptions,
): void {
  if (rows.length === 0) {
    const isChosen = since !== undefined || project !== undefined;
    io.stdout.write(`No ${source.name} sessions ${isChosen ? 'match' : 'found'}.\n`);
    return;
  }
  const header = ['SESSION', 'UPDATED', 'PROJECT', 'TITLE', 'MODEL', 'TOKENS IN', 'OUT', 'COST', 'SYNCED'];
  const cells = rows.map((row) => [
    row.parentId === null ? row.id : `└ ${row.id.slice(row.id.lastIndexOf('/') + 1)}`,
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
  if (left > 0)
    io.stdout.write(`${left} older sessions are not shown; --limit ${rows.length + left} shows them.\n`);
  // Where no tokens were recorded, no price would help.
  const unpriced = [...new Set(rows.flatMap((row) => (row.usage === null ? [] : row.unpriced)))];
  if (unpriced.length > 0) {
    io.stdout.write(
      `No price is known for ${printable(unpriced.join(', '))}: "config set prices" adds one.\n`,
    );
  }
  for (const row of rows.filter(({ problems }) => problems.length > 0)) {
    for (const problem of row.problems) io.stdout.write(`${printable(`${row.id}: ${problem}`)}\n`);
  }
}
