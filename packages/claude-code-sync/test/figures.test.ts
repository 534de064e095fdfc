import { calculateCost } from '@opensync/core';
import { describe, expect, it } from 'vitest';

describe('the client’s own figures', () => {
  // clientSays[].modelUsage of the corpora: model, input, cacheRead, cacheWrite5m, cacheWrite1h, output, costUSD.
  it.each([
    ['claude-opus-5-5', 34, 10252, 1470, 0, 725, 0.0240364], // 2.1.330, session aaaa0001, "single"
    ['claude-opus-5-5', 15, 34321, 222, 5432, 197, 0.0554302], // 2.1.330, aaaa0017, "onehour"
    ['claude-haiku-5-5', 42, 40342, 2850, 0, 1636, 0.00158187], // 2.1.330, aaaa0019, "models"
    ['claude-sonnet-5-5', 12, 50055, 2231, 0, 1277, 0.023377], // 2.1.330, aaaa0019, "models"
    ['claude-sonnet-4-5-20250929', 109, 139524, 12188, 0, 3680, 0.1430892], // 2.1.330, aaaa0002, "tour"
    ['claude-haiku-4-5-20251001', 24, 0, 0, 0, 3, 0.000039], // 2.0.37, b0c45857, "fork"
    ['claude-sonnet-4-6', 43, 31389, 442, 0, 1143, 0.0283482], // 2.1.74, acc281c1, "fork"
  ] as const)(
    'agree for %s (%d in, %d out of a cache)',
    (model, input, cacheRead, cacheWrite5m, cacheWrite1h, output, costUSD) => {
      const usage = { input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning: null };
      const cost = calculateCost(model, usage, Date.parse('2026-11-20'));
      expect(cost.known && cost.usd).toBeCloseTo(costUSD, 12);
    },
  );
});
