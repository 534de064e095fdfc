import { DECIMAL, decimalOf, MAX_PLACES, type PriceOverrides } from './price-overrides.js';
import prices from './prices.json' with { type: 'json' };
import type { ApiCall, Usage } from './types.js';

/** US dollars per million tokens, as decimal strings. Absent means unknown, never free. */
interface Prices {
  input?: string;
  cacheRead?: string;
  cacheWrite5m?: string;
  cacheWrite1h?: string;
  output?: string;
  /** US dollars per search. */
  webSearch?: string;
}

/** The row that a cost was computed with, for `explain`. */
export interface PriceRow extends Prices {
  /** Id under which the table knows the model; the call may have spelled it otherwise. */
  model: string;
  /** Whose price it is: the model's maker, or a reseller with prices of its own. "override" for the user's. */
  vendor: string;
  /** UTC days, first and first-no-longer; absent at an open end. */
  from?: string;
  until?: string;
  tier?: string;
  /** The long-context price applies: the prompt had more tokens than this. */
  above?: number;
  /** "models.dev" or "overlay"; absent for genai-prices, the main source, and for an override. */
  source?: string;
}

/** `exact` is the same amount as `usd` in decimal digits, before its one rounding to a binary number. */
export type Cost =
  | { known: true; usd: number; exact: string; price: PriceRow }
  | { known: false; reason: string };

export interface CostOptions {
  /** `ApiCall.tier`. Absent, "standard" and "default" are the list price. */
  tier?: string;
  /** `ApiCall.summed`. */
  summed?: boolean;
  webSearches?: number;
  /** Who sold the call: a vendor of the table, a reseller, or a name of the user's own. */
  provider?: string | undefined;
  overrides?: PriceOverrides | undefined;
}

// The table

type Row = Prices & { long?: (Prices & { above: number })[] };
type Period = Row & { from?: string; source?: string; tiers?: Record<string, Row | undefined> };
type ByVendor<T> = Record<string, Record<string, T>>;

interface Table {
  models: ByVendor<Period[]>;
  aliases: ByVendor<string>;
  leftOut: ByVendor<string>;
  vendors: {
    /** Makers that keep their weights: whoever sells their models passes the list price on. */
    closed: string[];
    /** Open weights have a price of their own at every host: the maker's price is for the maker's calls. */
    open: string[];
    /** Sellers with models or model names of their own. */
    resellers: string[];
    /** Other names of the vendors, as tools and gateways write them. */
    names: Record<string, string>;
  };
}

const table: Table = prices;
const { closed, open, resellers, names } = table.vendors;

function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

function vendorsFor(provider: string | undefined): string[] {
  if (provider === undefined) return [...closed, ...open, ...resellers];
  return [...new Set([own(names, provider) ?? provider, ...closed])];
}

const VENDOR_PREFIXES = new Set([...closed, ...open, ...resellers, ...Object.keys(names)]);

function withoutVendor(model: string): string {
  const [, vendor = '', rest = ''] = /^(?:openrouter\/)?([\w-]+)\/(.+)$/.exec(model) ?? [];
  return VENDOR_PREFIXES.has(vendor) ? rest : model;
}

/**
 * Bedrock: the global endpoint has Anthropic's price. Regional endpoints cost more since Claude 4.5 and are rows of
 * the table; before, they cost the same.
 */
const BEDROCK =
  /^(?:(?:global\.)?anthropic\.(?=claude)|[a-z-]+\.anthropic\.(?=claude-(?:3|instant|v2|(?:opus|sonnet)-4-2025|opus-4-1-)))(.+?)(?:-v\d+(?::\d+)?)?$/;
const DATE = /[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$/;

/**
 * The ways in which the table may know the model, the exact one first. Every step is an explicit rule; nothing is
 * matched by likeness, so that a new model never gets an older one's price.
 */
function spellings(model: string): string[] {
  const plain = model.replace(/\[1m\]$/, '');
  const bare = withoutVendor(plain).replace(BEDROCK, '$1');
  // Vertex AI joins the date with "@".
  return [...new Set([model, plain, bare, bare.replace('@', '-'), bare.replace(DATE, '')])];
}

interface Entry {
  model: string;
  vendor: string;
  periods: Period[];
}

/** The entry of a model, or why there is none. */
function findEntry(model: string, provider: string | undefined): Entry | string {
  for (const spelling of spellings(model)) {
    for (const vendor of vendorsFor(provider)) {
      const leftOut = own(table.leftOut[vendor], spelling);
      if (leftOut !== undefined) return `no price for model "${model}": ${leftOut}`;
      const id = own(table.aliases[vendor], spelling) ?? spelling;
      const periods = own(table.models[vendor], id);
      if (periods !== undefined) return { model: id, vendor, periods };
    }
  }
  return `no price for model "${model}"${provider === undefined ? '' : ` at provider "${provider}"`}`;
}

/**
 * The period that `when` falls in. Without a time it is the newest one that had begun on the day of the data: the
 * table also knows prices that are announced for later.
 */
function findPeriod(
  periods: Period[],
  when: number | undefined,
): { period: Period; until?: string } | undefined {
  const time = when !== undefined && Number.isFinite(when) ? when : Date.parse(prices.about.asOf);
  const index = periods.findLastIndex(({ from }) => from === undefined || Date.parse(from) <= time);
  const period = periods[index];
  if (period === undefined) return undefined;
  const until = periods[index + 1]?.from;
  return until === undefined ? { period } : { period, until };
}

const promptTokens = (usage: Usage) =>
  usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;

const isListPrice = (tier: string | undefined) =>
  tier === undefined || tier === 'standard' || tier === 'default';

function pickPrices({ input, cacheRead, cacheWrite5m, cacheWrite1h, output, webSearch }: Prices): Prices {
  const picked = { input, cacheRead, cacheWrite5m, cacheWrite1h, output, webSearch };
  return Object.fromEntries(Object.entries(picked).filter(([, price]) => price !== undefined));
}

/** The part of the table that holds for one request. Long-context prices hold for the whole of it. */
interface Located {
  period: Period;
  until: string | undefined;
  /** Prices of the tier, below any long context. */
  atTier: Row;
  long: (Prices & { above: number }) | undefined;
}

function locate(
  entry: Entry,
  usage: Usage,
  when: number | undefined,
  { tier, summed }: CostOptions,
): Located | string {
  const name = `model "${entry.model}"`;
  const found = findPeriod(entry.periods, when);
  if (found === undefined) return `${name} has no price for that day`;
  const { period, until } = found;
  const atTier = isListPrice(tier) ? period : own(period.tiers, tier ?? '');
  if (atTier === undefined) return `${name} has no price for tier "${tier}"`;
  const tokens = promptTokens(usage);
  const long = atTier.long?.findLast(({ above }) => tokens > above);
  const standardLong = period.long?.findLast(({ above }) => tokens > above);
  if (long === undefined && standardLong !== undefined)
    return `${name} has no price for tier "${tier}" above ${standardLong.above} prompt tokens`;
  if (long !== undefined && summed === true)
    return `${name} has another price above ${long.above} prompt tokens, and only the sum of several requests is known`;
  return { period, until, atTier, long };
}

function rowOf(entry: Entry, { period, until, atTier, long }: Located, tier: string | undefined): PriceRow {
  return {
    model: entry.model,
    vendor: entry.vendor,
    ...(period.from === undefined ? {} : { from: period.from }),
    ...(until === undefined ? {} : { until }),
    ...(isListPrice(tier) ? {} : { tier }),
    ...(long === undefined ? {} : { above: long.above }),
    ...(period.source === undefined ? {} : { source: period.source }),
    ...pickPrices({ webSearch: atTier.webSearch, ...(long ?? atTier) }),
  };
}

function overrideRow(model: string, override: PriceOverrides[string]): PriceRow {
  const set = Object.entries(override).filter(
    (entry): entry is [string, number | string] => entry[1] !== undefined,
  );
  return {
    model,
    vendor: 'override',
    ...Object.fromEntries(set.map(([key, price]) => [key, decimalOf(price)])),
  };
}

// Exact arithmetic: amounts are integers of 10^-18 dollars, a price having 12 decimals and being for 10^6 tokens.

const AMOUNT_PLACES = 18;
const MILLION = 1_000_000n;

function parsePrice(price: string): bigint | undefined {
  if (!DECIMAL.test(price)) return undefined;
  const [whole = '', fraction = ''] = price.split('.');
  return BigInt(whole + fraction.padEnd(MAX_PLACES, '0'));
}

function formatAmount(amount: bigint): string {
  const digits = amount.toString().padStart(AMOUNT_PLACES + 1, '0');
  const text = `${digits.slice(0, -AMOUNT_PLACES)}.${digits.slice(-AMOUNT_PLACES)}`;
  return text.replace(/\.?0+$/, '');
}

function parseAmount(exact: string): bigint {
  const [whole = '', fraction = ''] = exact.split('.');
  return BigInt(whole + fraction.padEnd(AMOUNT_PLACES, '0'));
}

const BUCKETS = ['input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output'] as const;
const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

type Quantity = (typeof BUCKETS)[number] | 'webSearch';

/** A row and its prices as amounts, undefined where it has none. */
interface Tariff {
  row: PriceRow;
  each: Partial<Record<Quantity, bigint>>;
}

function tariffOf(row: PriceRow): Tariff {
  const each: Tariff['each'] = {};
  for (const kind of [...BUCKETS, 'webSearch'] as const) {
    const price = parsePrice(row[kind] ?? '');
    if (price !== undefined) each[kind] = kind === 'webSearch' ? price * MILLION : price;
  }
  return { row, each };
}

/** The bill of one request, or why it cannot be written. What was not used needs no price. */
function amountOf(usage: Usage, webSearches: number, tariff: Tariff): bigint | string {
  let total = addQuantity(0n, 'webSearch', webSearches, tariff);
  for (const bucket of BUCKETS) {
    if (typeof total === 'string') return total;
    total = addQuantity(total, bucket, usage[bucket], tariff);
  }
  return total;
}

function addQuantity(total: bigint, kind: Quantity, count: number, { row, each }: Tariff): bigint | string {
  if (count === 0) return total;
  if (!isCount(count)) return `usage of model "${row.model}" is not a count: ${kind} is ${count}`;
  const price = each[kind];
  return price === undefined
    ? `model "${row.model}" has no price for ${kind}`
    : total + price * BigInt(count);
}

/**
 * Cost of one request, exact. Unknown, with the reason, when the model, the tier or the price of anything used is
 * unknown; it never throws and there is no fallback price. `when` is milliseconds since the Unix epoch.
 */
export function calculateCost(model: string, usage: Usage, when?: number, options: CostOptions = {}): Cost {
  return costFrom(billOf(findPrices(model, options), usage, when, options, new Map()));
}

/** What is known of a model's prices, or why nothing is. */
function findPrices(model: string, { provider, overrides }: CostOptions): Entry | PriceRow | string {
  const override = own(overrides, model);
  return override === undefined ? findEntry(model, provider) : overrideRow(model, override);
}

/** Tariffs that were worked out before, by the part of the table they come from. */
type Tariffs = Map<object, Tariff>;

/** What one request costs, and by which row; or why that is unknown. */
type Bill = { amount: bigint; row: PriceRow } | string;

function billOf(
  entry: Entry | PriceRow | string,
  usage: Usage,
  when: number | undefined,
  options: CostOptions,
  tariffs: Tariffs,
): Bill {
  if (typeof entry === 'string') return entry;
  const { tier, webSearches = 0 } = options;
  const located = 'periods' in entry ? locate(entry, usage, when, options) : entry;
  if (typeof located === 'string') return located;
  const key = 'period' in located ? (located.long ?? located.atTier) : located;
  let tariff = tariffs.get(key);
  if (tariff === undefined) {
    tariff = tariffOf('periods' in entry ? rowOf(entry, located as Located, tier) : entry);
    tariffs.set(key, tariff);
  }
  const amount = amountOf(usage, webSearches, tariff);
  return typeof amount === 'string' ? amount : { amount, row: tariff.row };
}

function costFrom(bill: Bill): Cost {
  if (typeof bill === 'string') return { known: false, reason: bill };
  const exact = formatAmount(bill.amount);
  return { known: true, usd: Number(exact), exact, price: bill.row };
}

/** The exact sum, rounded to a number once; undefined when any of the costs is unknown. */
export function addCosts(costs: readonly Cost[]): { usd: number; exact: string } | undefined {
  let total = 0n;
  for (const cost of costs) {
    if (!cost.known) return undefined;
    total += parseAmount(cost.exact);
  }
  const exact = formatAmount(total);
  return { usd: Number(exact), exact };
}

/** The exact sum of amounts as `PricedCalls.exact` gives them; null when one of them is unknown. */
export function addExact(amounts: readonly (string | undefined)[]): number | null {
  let total = 0n;
  for (const amount of amounts) {
    if (amount === undefined) return null;
    total += parseAmount(amount);
  }
  return Number(formatAmount(total));
}

export interface PricedCalls {
  /** US dollars; null when the cost of any call is unknown, 0 when there are no calls. */
  cost: number | null;
  /** `cost` in decimal digits; absent when it is null. */
  exact?: string;
  /** Models whose calls have no known cost, sorted, each once; "unknown model" for a call that names none. */
  unpriced: string[];
  calls: { call: ApiCall; cost: Cost }[];
}

type SessionOptions = Pick<CostOptions, 'provider' | 'overrides'>;

function billOfCall(call: ApiCall, entry: Entry | PriceRow | string, tariffs: Tariffs): Bill {
  if (call.usage === undefined) return 'the tool recorded no tokens for the call';
  if (!call.model) return 'the tool recorded no model for the call';
  return billOf(entry, call.usage, call.createdAt, call, tariffs);
}

/** A call that used nothing, such as a tool's own placeholder for an error, costs nothing at any price. */
function usedNothing({ usage, webSearches = 0 }: ApiCall): boolean {
  return usage !== undefined && webSearches === 0 && BUCKETS.every((bucket) => usage[bucket] === 0);
}

/** Cost of a session's calls: each at its own model, day and tier, then summed exactly. */
export function priceCalls(calls: readonly ApiCall[], options: SessionOptions = {}): PricedCalls {
  // A session has many calls and few models.
  const entries = new Map<string, Entry | PriceRow | string>();
  const entryOf = ({ model = '', provider = options.provider }: ApiCall) => {
    const key = `${provider}/${model}`;
    const entry = entries.get(key) ?? findPrices(model, { ...options, provider });
    entries.set(key, entry);
    return entry;
  };
  const tariffs: Tariffs = new Map();
  const bills = calls.map((call) => billOfCall(call, entryOf(call), tariffs));
  const unpriced = new Set<string>();
  let total = 0n;
  calls.forEach((call, index) => {
    const bill = bills[index] ?? '';
    if (usedNothing(call)) return;
    if (typeof bill === 'string') unpriced.add(call.model || 'unknown model');
    else total += bill.amount;
  });
  const exact = unpriced.size === 0 ? formatAmount(total) : undefined;
  return {
    cost: exact === undefined ? null : Number(exact),
    ...(exact === undefined ? {} : { exact }),
    unpriced: [...unpriced].sort(),
    // Worked out for those who ask: a list of sessions shows their totals alone.
    get calls() {
      return calls.map((call, index) => ({ call, cost: costFrom(bills[index] ?? '') }));
    },
  };
}
