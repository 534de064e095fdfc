import * as z from 'zod/mini';

/** Decimal places of a price. */
export const MAX_PLACES = 12;
export const DECIMAL = /^\d{1,12}(\.\d{1,12})?$/;

/** The shortest digits of a number, without an exponent. */
export function decimalOf(price: number | string): string {
  if (typeof price === 'string') return price;
  const text = String(price);
  return text.includes('e') ? price.toFixed(MAX_PLACES).replace(/\.?0+$/, '') : text;
}

const isPrice = (price: number | string) => {
  const text = decimalOf(price);
  return DECIMAL.test(text) && Number(text) === Number(price);
};

const Price = z
  .union([z.number(), z.string()])
  .check(
    z.refine(isPrice, 'A price is US dollars per million tokens, as a number or as digits: 2.5 or "2.5"'),
  );

/**
 * Prices that a user sets in the configuration, by model name exactly as the tool records it.
 * They replace the table's row whole, at every tier, day and prompt length.
 */
export const PriceOverrides = z.record(
  z.string(),
  z.strictObject({
    input: Price,
    output: Price,
    cacheRead: z.optional(Price),
    cacheWrite5m: z.optional(Price),
    cacheWrite1h: z.optional(Price),
    webSearch: z.optional(Price),
  }),
);
export type PriceOverrides = z.infer<typeof PriceOverrides>;
