import { describe, expect, it } from 'vitest';
import type { ApiCall, Usage } from './types.js';
import { addUsage, completionTokens, mainModel, modelsOf, promptTokens, usageOf } from './usage.js';

const usage = (fields: Partial<Usage> = {}): Usage => ({
  input: 1,
  cacheRead: 20,
  cacheWrite5m: 300,
  cacheWrite1h: 4_000,
  output: 50_000,
  reasoning: 7,
  ...fields,
});
const call = (model: string | undefined, tokens: Usage | undefined): ApiCall => ({
  id: 'c',
  ...(model !== undefined && { model }),
  ...(tokens !== undefined && { usage: tokens }),
});

describe('tokens that a tool noted', () => {
  it('are in disjoint buckets', () => {
    const noted = { input: 1, cacheRead: 20, cacheWrite: 4_300, cacheWrite1h: 4_000, output: 50_000 };
    expect(usageOf({ ...noted, reasoning: 7 })).toEqual(usage());
    expect(usageOf({ input: 3, output: 5 })).toEqual({
      input: 3,
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      output: 5,
      reasoning: null,
    });
  });

  it('are unknown when a count is missing, is none, or when nothing but zeros was noted', () => {
    expect(usageOf({ input: undefined, output: 5 })).toBeUndefined();
    expect(usageOf({ input: 3, output: null })).toBeUndefined();
    expect(usageOf({ input: 3, cacheRead: '20', output: 5 })).toBeUndefined();
    expect(usageOf({ input: 3 - 20, cacheRead: 20, output: 5 })).toBeUndefined();
    expect(usageOf({ input: 0, cacheRead: 0, cacheWrite: 0, output: 0 })).toBeUndefined();
  });

  it('count no part for more than its whole', () => {
    expect(usageOf({ input: 3, cacheWrite: 2, cacheWrite1h: 9, output: 5, reasoning: 8 })).toMatchObject({
      cacheWrite5m: 0,
      cacheWrite1h: 2,
      reasoning: 5,
    });
  });
});

describe('usage', () => {
  it('counts every prompt bucket as what went in and reasoning once, inside what came out', () => {
    expect(promptTokens(usage())).toBe(4_321);
    expect(completionTokens(usage())).toBe(50_000);
  });

  it('adds bucket by bucket', () => {
    expect(addUsage([{ usage: usage() }, { usage: usage({ input: 9, reasoning: 3 }) }])).toEqual({
      input: 10,
      cacheRead: 40,
      cacheWrite5m: 600,
      cacheWrite1h: 8_000,
      output: 100_000,
      reasoning: 10,
    });
  });

  it('of no calls is zero, which is known', () => {
    expect(addUsage([])).toEqual(
      usage({ input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 }),
    );
  });

  it('is unknown as soon as one call does not record it, and leaves what it adds alone', () => {
    const one = usage();
    expect(addUsage([{ usage: one }, {}])).toBeNull();
    expect(one).toEqual(usage());
  });

  it('does not know the reasoning when one call does not tell it apart', () => {
    expect(addUsage([{ usage: usage({ reasoning: null }) }, { usage: usage() }])?.reasoning).toBeNull();
  });
});

describe('models', () => {
  it('are listed in order of first use', () => {
    expect(
      modelsOf([call('b', undefined), call(undefined, usage()), call('a', usage()), call('b', usage())]),
    ).toEqual(['b', 'a']);
  });

  it('the main one has the most tokens, the earlier one of equals', () => {
    const small = usage({ output: 1 });
    expect(mainModel([call('a', small), call('b', small), call('b', small)])).toBe('b');
    expect(mainModel([call('a', small), call('b', small)])).toBe('a');
    expect(mainModel([call('a', undefined), call('b', small)])).toBe('b');
    expect(mainModel([call('a', undefined)])).toBe('a');
    expect(mainModel([call(undefined, usage())])).toBeUndefined();
  });
});
