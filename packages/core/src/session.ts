import type { Config } from './config.js';
import type { PriceOverrides } from './price-overrides.js';
import { type PricedCalls, priceCalls } from './pricing.js';
import { redactSession } from './redact.js';
import type { Env, Need, RawSession, Source } from './source.js';
import { realpath } from './sync.js';
import type { Problem, Session } from './types.js';
import { toWire, type WireSession } from './wire.js';

export interface ReadOptions {
  prices?: PriceOverrides | undefined;
  /** Literal secrets to take out besides those that look like one: this plugin's own key. */
  secrets?: readonly string[];
  /** What is written as `~`: the home directory, by each path that leads to it. */
  homes?: readonly string[];
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
    session: redacted(session, need, options),
    priced: priceCalls(session.calls, { ...pricing, provider: session.provider }),
  }));
}

/** A summary shows no message: there is nothing in them to take out. */
function redacted(session: Session, need: Need, { secrets = [], homes = [] }: ReadOptions): Session {
  if (need === 'all') return redactSession(session, { secrets, homes });
  return { ...redactSession({ ...session, messages: [] }, { secrets, homes }), messages: session.messages };
}

/**
 * Reads a session and its subagents as they may be sent.
 * @throws OpenSyncError `read` when one of its files cannot be opened
 */
export function sessionsToSend<R>(
  source: Source<R>,
  raw: RawSession<R>,
  { config, env }: { config: Config; env: Env },
): PreparedSession[] {
  return readSessions(source, raw, 'all', {
    prices: config.prices,
    secrets: config.apiKey === undefined ? [] : [config.apiKey],
    homes: config.hideHome === false ? [] : [env.home, realpath(env.home)],
  });
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
