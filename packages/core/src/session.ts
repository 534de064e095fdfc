import { type PricedCalls, type PriceOverrides, priceCalls } from './pricing.js';
import { redactSession } from './redact.js';
import type { Need, RawSession, Source } from './source.js';
import type { Problem, Session } from './types.js';

export interface ReadOptions {
  prices?: PriceOverrides | undefined;
  /** Literal secrets to take out besides those that look like one: this plugin's own key. */
  secrets?: readonly string[];
}

/** A session as it may leave the machine: priced and without secrets. */
export interface PreparedSession {
  session: Session;
  priced: PricedCalls;
}

/**
 * Reads a session and its subagents. What the reader could not read is a problem of the first of them.
 * @throws OpenSyncError `read` when one of its files cannot be opened
 */
export function readSessions<R>(
  source: Source<R>,
  raw: RawSession<R>,
  need: Need,
  options: ReadOptions,
): PreparedSession[] {
  const problems: Problem[] = [];
  const sessions = source.transform(
    raw.load(need, (problem) => problems.push(problem)),
    raw,
  );
  // One by one: a damaged file may have more problems than a call can have arguments.
  for (const problem of problems) sessions[0]?.problems.push(problem);
  const pricing = options.prices === undefined ? {} : { overrides: options.prices };
  const secrets = options.secrets ?? [];
  return sessions.map((session) => ({
    session: redactSession(session, { secrets }),
    priced: priceCalls(session.calls, pricing),
  }));
}
