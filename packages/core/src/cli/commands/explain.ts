import { OpenSyncError } from '../../errors.js';
import { plural } from '../../plural.js';
import type { Cost, PriceRow } from '../../pricing.js';
import { readSessions } from '../../session.js';
import type { ApiCall, Location } from '../../types.js';
import { count, money, oneLine, printable, printableJson, table } from '../format.js';
import { type CommandContext, EXIT } from '../program.js';
import { openSession } from './show.js';

interface ExplainedCall {
  id: string;
  file: string | null;
  line: number | null;
  model: string | null;
  createdAt: number | null;
  tier: string | null;
  usage: ApiCall['usage'] | null;
  webSearches: number;
  /** US dollars as exact decimal digits; null when unknown. */
  cost: string | null;
  price: PriceRow | null;
  /** US dollars, as the tool itself reckoned the call; null when it did not. */
  toolCost: number | null;
  /** Why the cost is unknown. */
  reason: string | null;
}

export async function explain(
  context: CommandContext,
  id: string,
  options: { json?: boolean },
): Promise<number> {
  const { raw, row, config } = openSession(context, id);
  const one = readSessions(context.source, raw, 'all', { prices: config.prices }).find(
    ({ session }) => session.id === row.id,
  );
  if (one === undefined) throw new OpenSyncError('read', `${row.id} changed while it was read. Try again.`);
  const { session, priced } = one;
  const calls = priced.calls.map(({ call, cost }) => explained(call, cost));
  const notCounted = session.uncounted.map(({ id: callId, reason, location }) => ({
    id: callId ?? null,
    ...placeOf(location),
    reason,
  }));
  const { io } = context;
  if (options.json === true) {
    const result = { schema: 1, session: row, calls, notCounted };
    io.stdout.write(`${printableJson(result, 2)}\n`);
    return EXIT.ok;
  }
  io.stdout.write(`${printable(`${row.title ?? row.id}\n${row.files.join('\n')}`)}\n\n`);
  io.stdout.write(callTable(calls));
  io.stdout.write(`\nTotal ${money(row.cost)}\n`);
  for (const { id: callId, cost, toolCost } of calls) {
    if (toolCost === null || decimals(Number(cost)) === decimals(toolCost)) continue;
    io.stdout.write(`${printable(callId)}: the tool itself reckoned $${decimals(toolCost)}\n`);
  }
  io.stdout.write(
    whyUnknown(calls)
      .map((line) => `${printable(line)}\n`)
      .join(''),
  );
  for (const problem of row.problems) io.stdout.write(`${printable(problem)}\n`);
  if (notCounted.length > 0) io.stdout.write('\nNot counted:\n');
  for (const { line, reason } of notCounted) io.stdout.write(`  line ${line ?? '?'}: ${printable(reason)}\n`);
  return EXIT.ok;
}

/** Dollars without the noise of binary fractions: ten decimals are less than a token of any model. */
function decimals(usd: number): string {
  return usd.toFixed(10).replace(/\.?0+$/, '');
}

/** Each reason once: as a rule it holds for every call of a model. */
function whyUnknown(calls: readonly ExplainedCall[]): string[] {
  const counts = new Map<string, number>();
  for (const { reason } of calls) if (reason !== null) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const lines = [...counts].map(([reason, count]) => `Cost unknown of ${plural(count, 'call')}: ${reason}`);
  const isPriceable = calls.some(({ reason, usage, model }) => reason !== null && usage !== null && model);
  return isPriceable ? [...lines, '"config set prices" adds a price of your own.'] : lines;
}

function explained(call: ApiCall, cost: Cost): ExplainedCall {
  return {
    id: call.id,
    ...placeOf(call.location),
    model: call.model ?? null,
    createdAt: call.createdAt ?? null,
    tier: call.tier ?? null,
    usage: call.usage ?? null,
    webSearches: call.webSearches ?? 0,
    cost: cost.known ? cost.exact : null,
    price: cost.known ? cost.price : null,
    toolCost: call.toolCost ?? null,
    reason: cost.known ? null : cost.reason,
  };
}

function placeOf(location: Location | undefined): { file: string | null; line: number | null } {
  return { file: location?.file ?? null, line: location?.line ?? null };
}

function callTable(calls: readonly ExplainedCall[]): string {
  const header = ['LINE', 'CALL', 'MODEL', 'INPUT', 'CACHE READ', 'WRITE 5M', 'WRITE 1H', 'OUTPUT', 'COST'];
  const rows = calls.map(({ line, id, model, usage, cost }) => [
    String(line ?? ''),
    oneLine(id, 32),
    oneLine(model ?? '', 30),
    count(usage?.input ?? null),
    count(usage?.cacheRead ?? null),
    count(usage?.cacheWrite5m ?? null),
    count(usage?.cacheWrite1h ?? null),
    count(usage?.output ?? null),
    cost === null ? 'unknown' : `$${cost}`,
  ]);
  return table(header, rows, new Set([0, 3, 4, 5, 6, 7, 8]));
}
