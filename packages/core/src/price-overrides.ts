import { isFields } from './read/values.js';

/** Decimal places of a price. */
export const MAX_PLACES = 12;
export const DECIMAL = /^\d{1,12}(\.\d{1,12})?$/;

/** The shortest digits of a number, without an exponent. */
export function decimalOf(price: number | string): string {
  if (typeof price === 'string') return price;
  const text = String(price);
  return text.includes('e') ? price.toFixed(MAX_PLACES).replace(/\.?0+$/, '') : text;
}

/**
 * Prices that a user sets in the configuration, by model name exactly as the tool records it.
 * They replace the table's row whole, at every tier, day and prompt length.
 */
export type PriceOverrides = Record<string, PriceOverride>;

/** US dollars per million tokens, `webSearch` per search; a number or its digits: 2.5 or "2.5". */
interface PriceOverride {
  input: number | string;
  output: number | string;
  cacheRead?: number | string | undefined;
  cacheWrite5m?: number | string | undefined;
  cacheWrite1h?: number | string | undefined;
  webSearch?: number | string | undefined;
}

const REQUIRED = ['input', 'output'];
const PRICES = new Set([...REQUIRED, 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'webSearch']);

/** Path to the first part that makes a value no price table, empty for the value itself; undefined when it is one. */
export function wrongPriceAt(value: unknown): string[] | undefined {
  if (!isFields(value)) return [];
  for (const [model, row] of Object.entries(value)) {
    if (!isFields(row)) return [model];
    const missing = REQUIRED.find((name) => !Object.hasOwn(row, name));
    if (missing !== undefined) return [model, missing];
    const wrong = Object.entries(row).find(([name, price]) => !PRICES.has(name) || !isPrice(price));
    if (wrong !== undefined) return [model, wrong[0]];
  }
  return undefined;
}

function isPrice(price: unknown): boolean {
  if (typeof price !== 'number' && typeof price !== 'string') return false;
  const text = decimalOf(price);
  return DECIMAL.test(text) && Number(text) === Number(price);
}
