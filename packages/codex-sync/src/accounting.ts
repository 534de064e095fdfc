import type { Usage } from '@opensync/core/plugin';
import { fieldsOf, type Tokens, tokensOf } from './records.js';

/** `token_count`: the client's running total, and what it says the last response added. */
interface TokenCount {
  total: Tokens;
  last: Tokens;
}

/** Undefined before the first usage, and for what is no count. */
export function tokenCountOf(info: unknown): TokenCount | undefined {
  const total = tokensOf(fieldsOf(info)?.total_token_usage);
  const last = tokensOf(fieldsOf(info)?.last_token_usage);
  return total === undefined || last === undefined ? undefined : { total, last };
}

export const NOTHING: Tokens = { input: 0, cached: 0, cacheWrite: 0, output: 0, reasoning: 0 };
const COMPONENTS = ['input', 'cached', 'cacheWrite', 'output', 'reasoning'] as const;

/**
 * What was billed between two running totals; undefined when nothing was.
 *
 * Neither of the client's numbers can be trusted alone: the total restarts with each process up to
 * 0.77 and begins at the parent's in a fork, and the last one is repeated, or 0 for a response that
 * was cut off.
 * @param previous the total before; undefined when it is not known
 */
export function billedSince(previous: Tokens | undefined, { total, last }: TokenCount): Tokens | undefined {
  if (isSame(total, previous)) return undefined;
  if (previous === undefined || isSame(total, last)) return last;
  const difference = minus(total, previous);
  return COMPONENTS.some((component) => (difference[component] ?? 0) < 0) ? last : difference;
}

function isSame(a: Tokens, b: Tokens | undefined): boolean {
  return b !== undefined && COMPONENTS.every((component) => (a[component] ?? 0) === (b[component] ?? 0));
}

function minus(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input - b.input,
    cached: a.cached - b.cached,
    cacheWrite: a.cacheWrite - b.cacheWrite,
    output: a.output - b.output,
    reasoning: a.reasoning === undefined ? undefined : a.reasoning - (b.reasoning ?? 0),
  };
}

/** In disjoint buckets. What the vendor caches lives for minutes: priced as such. */
export function usageOf({ input, cached, cacheWrite, output, reasoning }: Tokens): Usage {
  const cacheRead = Math.min(cached, input);
  const cacheWrite5m = Math.min(cacheWrite, input - cacheRead);
  return {
    input: input - cacheRead - cacheWrite5m,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h: 0,
    output,
    reasoning: reasoning ?? null,
  };
}
