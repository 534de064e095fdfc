import { setTimeout as sleepFor } from 'node:timers/promises';

export interface Rate {
  /** So many at once, */
  burst: number;
  /** and so many a second in the long run. */
  perSecond: number;
}

interface Allowance {
  /**
   * Milliseconds until it is the caller's turn. Above `maxWaitMs` the caller is refused, and others
   * do not wait for it.
   */
  take(maxWaitMs: number): number;
}

export interface Limits {
  /** For whoever comes without a key that is one, all of them together. */
  strangers: Allowance;
  ofUser(userId: number): Allowance;
  sleep(ms: number): Promise<unknown>;
}

interface LimitOptions {
  strangers?: Rate;
  user?: Rate;
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
  sleep?: (ms: number) => Promise<unknown>;
}

const STRANGERS: Rate = { burst: 100, perSecond: 1 };
/** A plugin sends a session in one request, as a rule: a history of years is a few thousand. */
const USER: Rate = { burst: 10_000, perSecond: 200 };

export function createLimits({
  strangers = STRANGERS,
  user = USER,
  now = () => performance.now(),
  // A request that waits its turn does not keep a closing server's process alive.
  sleep = (ms) => sleepFor(ms, undefined, { ref: false }),
}: LimitOptions = {}): Limits {
  const users = new Map<number, Allowance>();
  return {
    strangers: createAllowance(strangers, now),
    ofUser(userId) {
      const allowance = users.get(userId) ?? createAllowance(user, now);
      users.set(userId, allowance);
      return allowance;
    },
    sleep,
  };
}

/** The generic cell rate algorithm: all it keeps is when the next one would come if they came evenly. */
export function createAllowance({ burst, perSecond }: Rate, now: () => number): Allowance {
  const interval = 1000 / perSecond;
  let next = Number.NEGATIVE_INFINITY;
  return {
    take(maxWaitMs) {
      const due = Math.max(next, now());
      const waitMs = Math.max(0, due - (burst - 1) * interval - now());
      if (waitMs <= maxWaitMs) next = due + interval;
      return waitMs;
    },
  };
}
