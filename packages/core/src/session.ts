import type { Config } from './config.js';
import type { PriceOverrides } from './price-overrides.js';
import { type PricedCalls, priceCalls } from './pricing.js';
import { redactSession } from './redact.js';
import type { Need, RawSession, Source } from './source.js';
import type { Problem, Session } from './types.js';
import { toWire, type WireSession } from './wire.js';

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
  const pricing = { ...(options.prices && { overrides: options.prices }) };
  return sessions.map((session) => ({
    session: redacted(session, need, options.secrets ?? []),
    priced: priceCalls(session.calls, { ...pricing, provider: session.provider }),
  }));
}

/** A summary shows no message: there is nothing in them to take out. */
function redacted(session: Session, need: Need, secrets: readonly string[]): Session {
  if (need === 'all') return redactSession(session, { secrets });
  return { ...redactSession({ ...session, messages: [] }, { secrets }), messages: session.messages };
}

/** A session as it would be sent. */
export function wireOf(source: Source, prepared: PreparedSession, config: Config): WireSession {
  return toWire(prepared.session, {
    source: source.id,
    cost: prepared.priced.cost,
    thinking: config.thinking ?? false,
  });
}

/** A problem as people read it, with the place it was met at. */
export function describeProblem({ message, location }: Problem): string {
  if (location === undefined) return message;
  return location.line === 0
    ? `${location.file}: ${message}`
    : `${location.file}:${location.line}: ${message}`;
}
