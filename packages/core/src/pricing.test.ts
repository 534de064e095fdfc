import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PriceOverrides, wrongPriceAt } from './price-overrides.js';
import table from './prices.json' with { type: 'json' };
import { addCosts, calculateCost, priceCalls } from './pricing.js';
import type { ApiCall, Usage } from './types.js';

const NONE: Usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: null };
const used = (tokens: Partial<Usage>): Usage => ({ ...NONE, ...tokens });
const day = (text: string) => Date.parse(text);

function known(...args: Parameters<typeof calculateCost>) {
  const cost = calculateCost(...args);
  if (!cost.known) throw new Error(cost.reason);
  return cost;
}

function reason(...args: Parameters<typeof calculateCost>) {
  const cost = calculateCost(...args);
  return cost.known ? undefined : cost.reason;
}

describe('the price of a call', () => {
  it('is each bucket at its own price', () => {
    const usage = used({
      input: 1_000_000,
      cacheRead: 1_000_000,
      cacheWrite5m: 1_000_000,
      output: 1_000_000,
    });
    expect(known('claude-opus-5-5', usage).exact).toBe('29.2'); // 4 + 0.20 + 5 + 20
  });

  it('charges a one-hour cache write twice the input, a five-minute one a quarter more', () => {
    expect(known('claude-opus-5-5', used({ cacheWrite5m: 1_000_000 })).usd).toBe(5);
    expect(known('claude-opus-5-5', used({ cacheWrite1h: 1_000_000 })).usd).toBe(8);
    expect(known('claude-sonnet-5-5', used({ cacheWrite1h: 1_000_000 })).usd).toBe(4);
  });

  it('does not count reasoning beside the output that holds it', () => {
    const without = known('gpt-5.5', used({ output: 500 }));
    expect(known('gpt-5.5', used({ output: 500, reasoning: 400 })).exact).toBe(without.exact);
  });

  it('applies the long-context price to the whole request', () => {
    // Haiku 5.5: 0.10 in and 0.50 out up to 100,000 prompt tokens, 0.50 and 2.50 above.
    const short = known('claude-haiku-5-5', used({ input: 100_000, output: 1_000 }));
    const long = known('claude-haiku-5-5', used({ input: 60_000, cacheRead: 40_001, output: 1_000 }));
    expect(short.exact).toBe('0.0105');
    expect(short.price.above).toBeUndefined();
    expect(long.exact).toBe('0.03450005'); // 60,000 x 0.50 + 40,001 x 0.05 + 1,000 x 2.50
    expect(long.price.above).toBe(100_000);
  });

  it('is unknown for a sum of requests of which one may have been long', () => {
    const options = { summed: true };
    const short = used({ input: 100_000, output: 1_000 });
    expect(known('claude-haiku-5-5', short, undefined, options).exact).toBe('0.0105');
    const long = used({ input: 60_000, cacheRead: 40_001, output: 1_000 });
    expect(reason('claude-haiku-5-5', long, undefined, options)).toMatch(/above 100000 prompt tokens/);
    // Not where the length makes no difference.
    expect(known('composer-2', used({ input: 1_000_000 }), undefined, options).usd).toBe(0.5);
  });

  it('begins OpenAI long context at exactly 272,000 prompt tokens where the vendor says so', () => {
    expect(known('gpt-5.5', used({ input: 271_999 })).exact).toBe('1.359995');
    expect(known('gpt-5.5', used({ input: 272_000 })).exact).toBe('2.72');
  });

  it('is the price of the day of the call', () => {
    const usage = used({ input: 1_000_000 });
    const before = known('o3', usage, day('2025-06-09T23:59:59Z'));
    const after = known('o3', usage, day('2025-06-10T00:00:00Z'));
    expect([before.usd, before.price.until]).toEqual([10, '2025-06-10']);
    expect([after.usd, after.price.from]).toEqual([2, '2025-06-10']);
  });

  it('without a time is the price in force on the day of the data, not one announced for later', () => {
    const usage = used({ input: 1_000_000 });
    expect(known('gemini-3.8-flash', usage).exact).toBe('0.75');
    expect(known('gemini-3.8-flash', usage, day('2027-01-01')).exact).toBe('1.5');
  });

  it('has a row of its own for each tier', () => {
    const usage = used({ input: 1_000_000, output: 100_000 });
    const tier = (name: string) => known('claude-opus-5-5', usage, undefined, { tier: name });
    expect(tier('standard').exact).toBe('6');
    expect(tier('fast').exact).toBe('12');
    expect(tier('batch').exact).toBe('3');
    expect(tier('fast').price.tier).toBe('fast');
    expect(reason('claude-opus-5-5', usage, undefined, { tier: 'warp' })).toMatch(/no price for tier "warp"/);
  });

  it('is unknown at a tier that the vendor does not sell for long prompts', () => {
    const options = { tier: 'priority' };
    expect(known('gpt-5.5', used({ input: 1_000 }), undefined, options).exact).toBe('0.0125');
    expect(reason('gpt-5.5', used({ input: 300_000 }), undefined, options)).toMatch(
      /above 271999 prompt tokens/,
    );
  });

  it('adds web searches by the piece', () => {
    expect(known('claude-sonnet-5-5', used({ input: 1 }), undefined, { webSearches: 3 }).exact).toBe(
      '0.030002',
    );
    expect(reason('composer-2', NONE, undefined, { webSearches: 1 })).toMatch(/no price for webSearch/);
  });
});

describe('what is not known', () => {
  it.each([
    'claude-opus-99',
    '<synthetic>',
    'unknown',
    '',
    'claude',
    'gpt-5.5-ultra',
    'constructor',
    '__proto__',
  ])('has no price for the model %j', (model) => {
    expect(reason(model, used({ input: 1 }))).toBe(`no price for model "${model}"`);
  });

  it('is named when a bucket was used that has no price', () => {
    expect(reason('gpt-5-pro', used({ cacheRead: 1 }))).toBe('model "gpt-5-pro" has no price for cacheRead');
    expect(reason('gpt-5.5', used({ cacheWrite5m: 1 }))).toBe(
      'model "gpt-5.5" has no price for cacheWrite5m',
    );
    expect(known('gpt-5-pro', used({ input: 1 })).exact).toBe('0.000015');
  });

  it('includes counts that are not counts', () => {
    expect(reason('gpt-5.5', used({ output: -1 }))).toMatch(/not a count: output is -1/);
    expect(reason('gpt-5.5', used({ input: Number.NaN }))).toMatch(/not a count: input is NaN/);
  });

  it('says why a model was left out of the table', () => {
    expect(reason('deepseek-v4-pro', used({ input: 1 }))).toMatch(/hour of day/);
  });
});

describe('the name of a model', () => {
  it.each([
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['claude-haiku-4-5@20251001', 'claude-haiku-4-5'],
    ['claude-opus-5-5[1m]', 'claude-opus-5-5'],
    ['anthropic/claude-opus-4.5', 'claude-opus-4-5'],
    ['openrouter/openai/gpt-5.5', 'gpt-5.5'],
    ['us.anthropic.claude-3-7-sonnet-20250219-v1:0', 'claude-3-7-sonnet-latest'],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
    ['gpt-5-codex', 'gpt-5'],
    ['gpt-5.2-2025-12-11', 'gpt-5.2'],
    ['glm-5.3', 'GLM-5.3'],
  ])('may be spelled %s', (model, id) => {
    expect(known(model, used({ input: 1 })).price.model).toBe(id);
  });

  it('tries the exact one before the one without a date', () => {
    expect(known('gpt-4o-2024-05-13', used({ input: 1_000_000 })).usd).toBe(5);
    expect(known('gpt-4o-2024-08-06', used({ input: 1_000_000 })).usd).toBe(2.5);
  });

  it('is not matched by likeness: a new version does not get the old one’s price', () => {
    const cacheRead = used({ cacheRead: 1_000_000 });
    expect(known('claude-sonnet-5', cacheRead).exact).toBe('0.2');
    expect(known('claude-sonnet-5-5', cacheRead).exact).toBe('0.1');
    expect(calculateCost('claude-sonnet-5-6', cacheRead).known).toBe(false);
  });

  it('on a regional Bedrock endpoint has that endpoint’s price', () => {
    const sonnet = known('us.anthropic.claude-sonnet-4-5-20250929-v1:0', used({ input: 1_000_000 }));
    expect([sonnet.exact, sonnet.price.vendor]).toEqual(['3.3', 'amazon-bedrock']);
    expect(calculateCost('us.anthropic.claude-opus-9-v1:0', used({ input: 1 })).known).toBe(false);
  });
});

describe('the provider', () => {
  const usage = used({ output: 1_000_000 });

  it('has its own price where it sets one', () => {
    expect(known('grok-4.5-fast', usage, undefined, { provider: 'cursor' }).usd).toBe(18);
    expect(known('gpt-5', usage, undefined, { provider: 'opencode' }).exact).toBe('8.5');
    expect(known('gpt-5', usage, undefined, { provider: 'openai' }).exact).toBe('10');
  });

  it('passes a closed model on at its maker’s price, but not a model with open weights', () => {
    expect(known('gpt-5.5', usage, undefined, { provider: 'my-gateway' }).price.vendor).toBe('openai');
    expect(known('kimi-k3', usage).price.vendor).toBe('moonshotai');
    expect(reason('kimi-k3', usage, undefined, { provider: 'groq' })).toBe(
      'no price for model "kimi-k3" at provider "groq"',
    );
  });
});

describe('an override', () => {
  const overrides: PriceOverrides = {
    'my-model': { input: '0.1', output: 0.2 },
    'claude-opus-5-5': { input: 1, output: 2, cacheRead: '0' },
  };

  it('prices a model that the table does not know, and wins over one that it knows', () => {
    const usage = used({ input: 1_000_000, output: 1_000_000 });
    expect(known('my-model', usage, undefined, { overrides }).exact).toBe('0.3');
    const opus = known('claude-opus-5-5', usage, undefined, { overrides, tier: 'fast' });
    expect([opus.usd, opus.price.vendor]).toEqual([3, 'override']);
  });

  it('matches exactly, and leaves unknown what it does not state', () => {
    expect(known('claude-opus-5-5[1m]', used({ input: 1_000_000 }), undefined, { overrides }).usd).toBe(4);
    expect(known('claude-opus-5-5', used({ cacheRead: 5 }), undefined, { overrides }).usd).toBe(0);
    expect(reason('my-model', used({ cacheRead: 5 }), undefined, { overrides })).toMatch(
      /no price for cacheRead/,
    );
  });

  it('is checked when the configuration is read', () => {
    const accepts = (price: unknown) => wrongPriceAt({ m: { input: price, output: 1 } }) === undefined;
    expect([0, 2.5, '2.5', 0.000001, 1e-7].map(accepts)).toEqual([true, true, true, true, true]);
    expect([-1, '-1', '$2', '1e3', Number.NaN, 1e-13, null].some(accepts)).toBe(false);
    expect(wrongPriceAt({ m: { input: 1, output: 1, cacheReads: 1 } })).toEqual(['m', 'cacheReads']);
    expect(wrongPriceAt({ m: { input: 1 } })).toEqual(['m', 'output']);
    expect([wrongPriceAt({ m: 1 }), wrongPriceAt([]), wrongPriceAt({})]).toEqual([['m'], [], undefined]);
  });
});

describe('a sum', () => {
  it('is exact: ten tenths are one', () => {
    const overrides: PriceOverrides = { m: { input: '0.1', output: '0.2' } };
    const tenth = known('m', used({ input: 1_000_000 }), undefined, { overrides });
    const fifth = known('m', used({ output: 1_000_000 }), undefined, { overrides });
    expect(addCosts([tenth, fifth])).toEqual({ usd: 0.3, exact: '0.3' });
    expect(addCosts(Array.from({ length: 10 }, () => tenth))).toEqual({ usd: 1, exact: '1' });
    expect(addCosts([])).toEqual({ usd: 0, exact: '0' });
    expect(addCosts([tenth, { known: false, reason: 'no price' }])).toBeUndefined();
  });

  const call = (id: string, rest: Partial<ApiCall>): ApiCall => ({ id, ...rest });

  it('takes every call at its own model, day and tier', () => {
    const usage = used({ input: 1_000_000 });
    const calls = [
      call('a', { model: 'o3', createdAt: day('2025-01-01'), usage }),
      call('b', { model: 'o3', createdAt: day('2026-01-01'), usage }),
      call('c', { model: 'claude-opus-5-5', tier: 'fast', usage, webSearches: 1 }),
    ];
    const priced = priceCalls(calls);
    expect(priced).toMatchObject({ cost: 20.01, exact: '20.01', unpriced: [] });
    expect(priced.calls.map(({ cost }) => cost.known && cost.usd)).toEqual([10, 2, 8.01]);
  });

  it('is unknown as soon as one call is, and names the models', () => {
    const calls = [
      call('a', { model: 'claude-opus-5-5', usage: used({ input: 1 }) }),
      call('b', { model: 'zeta', usage: used({ input: 1 }) }),
      call('c', { model: 'alpha', usage: used({ input: 1 }) }),
      call('d', { model: 'zeta', usage: used({ output: 1 }) }),
      call('e', { usage: used({ output: 1 }) }),
    ];
    const priced = priceCalls(calls);
    expect(priced.cost).toBeNull();
    expect(priced).not.toHaveProperty('exact');
    expect(priced.unpriced).toEqual(['alpha', 'unknown model', 'zeta']);
  });

  it('is unknown when a call recorded no tokens', () => {
    const priced = priceCalls([call('a', { model: 'claude-opus-5-5' })]);
    expect([priced.cost, priced.unpriced]).toEqual([null, ['claude-opus-5-5']]);
  });

  it('is 0 without calls, and for calls that used nothing', () => {
    expect(priceCalls([])).toEqual({ cost: 0, exact: '0', unpriced: [], calls: [] });
    expect(priceCalls([call('a', { model: '<synthetic>', usage: NONE })])).toMatchObject({
      cost: 0,
      unpriced: [],
    });
  });
});

describe('properties', () => {
  const count = fc.nat({ max: 50_000_000 });
  const usages = fc.record({
    input: count,
    cacheRead: count,
    cacheWrite5m: count,
    cacheWrite1h: count,
    output: count,
    reasoning: fc.constant(null),
  });
  const flat = fc.constantFrom('claude-opus-5-5', 'claude-sonnet-5-5', 'claude-opus-4-8', 'claude-fable-5-2');

  it('the cost of two calls is the cost of their tokens together', () => {
    fc.assert(
      fc.property(flat, usages, usages, (model, a, b) => {
        const together = used({
          input: a.input + b.input,
          cacheRead: a.cacheRead + b.cacheRead,
          cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
          cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
          output: a.output + b.output,
        });
        expect(addCosts([known(model, a), known(model, b)])?.exact).toBe(known(model, together).exact);
      }),
    );
  });

  it('more tokens never cost less, long context included', () => {
    const bucket = fc.constantFrom('input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output');
    fc.assert(
      fc.property(usages, bucket, count, (usage, key, more) => {
        const less = known('claude-haiku-5-5', usage).usd;
        const cost = known('claude-haiku-5-5', { ...usage, [key]: usage[key as 'input'] + more }).usd;
        expect(cost).toBeGreaterThanOrEqual(less);
        expect(less).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('any string may be a model, a tier or a provider, and any number a time', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('toString', '__proto__'),
    );
    fc.assert(
      fc.property(text, usages, fc.option(fc.double()), text, text, (model, usage, when, tier, provider) => {
        const cost = calculateCost(model, usage, when ?? undefined, { tier, provider });
        expect(cost.known ? cost.usd >= 0 : cost.reason.length > 0).toBe(true);
      }),
    );
  });
});

describe('prices.json', () => {
  const periods = Object.values(table.models).flatMap((models) => Object.values(models).flat());

  it('holds decimal strings only', () => {
    const prices = JSON.stringify(periods).matchAll(/"(?:input|output|cache\w+|webSearch)":("?)([^,"}]*)/g);
    for (const [, quote, price] of prices) expect(quote === '"' && price).toMatch(/^\d+(\.\d{1,12})?$/);
  });

  it('says where it is from', () => {
    expect(table.about.sources.map(({ name }) => name)).toEqual([
      '@pydantic/genai-prices',
      '@earendil-works/pi-ai',
      'scripts/prices-overlay.json',
    ]);
  });
});
