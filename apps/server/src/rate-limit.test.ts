import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAllowance, createLimits } from './rate-limit.js';

function allowance(burst: number, perSecond: number) {
  const clock = { now: 0 };
  return { clock, ...createAllowance({ burst, perSecond }, () => clock.now) };
}

it('lets a burst through and then one after the other', () => {
  const { take, clock } = allowance(3, 10);
  expect([1, 2, 3, 4, 5].map(() => take(1000))).toEqual([0, 0, 0, 100, 200]);
  clock.now += 200;
  expect(take(1000)).toBe(100);
});

it('gives the whole burst again after a rest, and no more', () => {
  const { take, clock } = allowance(3, 10);
  for (let index = 0; index < 3; index++) take(0);
  clock.now += 3_600_000;
  expect([1, 2, 3, 4].map(() => take(0))).toEqual([0, 0, 0, 100]);
});

it('does not let others wait for one that it refused', () => {
  const { take, clock } = allowance(1, 10);
  take(0);
  for (let index = 0; index < 1000; index++) expect(take(50)).toBe(100);
  clock.now += 100;
  expect(take(0)).toBe(0);
});

it('never lets through more than burst and rate allow, whenever they come', () => {
  const steps = fc.array(fc.record({ pause: fc.nat(500), maxWait: fc.nat(300) }), { maxLength: 200 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 50 }),
      steps,
      (burst, rate, all) => {
        const { take, clock } = allowance(burst, rate);
        let [passed, last] = [0, 0];
        for (const { pause, maxWait } of all) {
          clock.now += pause;
          const wait = take(maxWait);
          if (wait > maxWait) continue;
          passed++;
          last = Math.max(last, clock.now + wait);
        }
        expect(passed).toBeLessThanOrEqual(burst + Math.floor((last * rate) / 1000 + 1e-6));
      },
    ),
  );
});

it('counts each user for themselves', () => {
  const limits = createLimits({ user: { burst: 1, perSecond: 1 }, now: () => 0 });
  expect(limits.ofUser(1).take(0)).toBe(0);
  expect(limits.ofUser(1).take(0)).toBe(1000);
  expect(limits.ofUser(2).take(0)).toBe(0);
});

it('does not hold back eight plugins that send a history of 8,000 sessions at once', () => {
  const limits = createLimits({ now: () => 0 });
  for (let index = 0; index < 8000; index++) expect(limits.ofUser(1).take(0)).toBe(0);
});
