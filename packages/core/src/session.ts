import { type Config, DEFAULTS } from './config.js';
import type { PriceOverrides } from './price-overrides.js';
import { type PricedCalls, priceCalls } from './pricing.js';
import { levelsIn, levelsOf, metadataOf, type PrivacyOptions } from './privacy.js';
import { redactSession } from './redact.js';
import type { Env, Need, RawSession, Source } from './source.js';
import { realpath } from './sync.js';
import type { Problem, Session } from './types.js';
import { toWire, type WireSession } from './wire.js';

interface ReadOptions {
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
  return transformed(source, raw, need).sessions.map((session) => prepare(session, need, options));
}

/** Of one session: a file of a million broken lines must not become a million notices. */
const MAX_PROBLEMS = 100;

interface Transformed {
  sessions: Session[];
  /** What the reader could not read where there is no session to tell it with. */
  unplaced: Problem[];
}

function transformed<R>(source: Source<R>, raw: RawSession<R>, need: Need): Transformed {
  const problems: Problem[] = [];
  let untold = 0;
  const report = (problem: Problem) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
    else untold++;
  };
  const sessions = source.transform(raw.load(need, report), raw);
  const [first, ...others] = sessions;
  if (first === undefined) return { sessions, unplaced: limited(problems, untold) };
  first.problems = limited([...first.problems, ...problems], untold);
  for (const session of others) session.problems = limited(session.problems, 0);
  return { sessions, unplaced: [] };
}

/** @param untold how many there are beside these */
function limited(problems: Problem[], untold: number): Problem[] {
  const more = untold + Math.max(0, problems.length - MAX_PROBLEMS);
  if (more === 0) return problems;
  const kept = problems.slice(0, MAX_PROBLEMS);
  return [...kept, { ...kept.at(-1), message: `${more} more problems are not listed.` }];
}

function prepare(session: Session, need: Need, options: ReadOptions): PreparedSession {
  const pricing = { ...(options.prices && { overrides: options.prices }), provider: session.provider };
  return { session: redacted(session, need, options), priced: priceCalls(session.calls, pricing) };
}

/** A summary shows no message: there is nothing in them to take out. */
function redacted(session: Session, need: Need, { secrets = [], homes = [] }: ReadOptions): Session {
  if (need === 'all') return redactSession(session, { secrets, homes });
  return { ...redactSession({ ...session, messages: [] }, { secrets, homes }), messages: session.messages };
}

/** What a session and its subagents come to on the server. */
interface ToSend {
  prepared: PreparedSession[];
  /** Ids of those that stay here. */
  withheld: string[];
  /** What could not be read where nothing of the session could. */
  unplaced: Problem[];
}

/**
 * Reads a session and its subagents as far as they may leave the machine. Whatever is sent comes from here.
 * @throws OpenSyncError `read` when one of its files cannot be opened
 */
export function sessionsToSend<R>(
  source: Source<R>,
  raw: RawSession<R>,
  need: Need,
  { config, env }: { config: Config; env: Env },
): ToSend {
  const { sessions, unplaced } = transformed(source, raw, need);
  // By the path as the tool recorded it, before anything in it is rewritten.
  const levels = levelsIn(sessions, levelsOf(config.privacy, privacyOptions(env)));
  const options: ReadOptions = {
    prices: config.prices,
    secrets: config.apiKey === undefined ? [] : [config.apiKey],
    homes: (config.hideHome ?? DEFAULTS.hideHome) ? [env.home, realpath(env.home)] : [],
  };
  const result: ToSend = { prepared: [], withheld: [], unplaced };
  for (const session of sessions) {
    const level = levels.get(session.id);
    if (level === 'full') result.prepared.push(prepare(session, need, options));
    else if (level === 'metadata') result.prepared.push(prepare(metadataOf(session), need, options));
    else result.withheld.push(session.id);
  }
  return result;
}

function privacyOptions({ home }: Env): PrivacyOptions {
  return { home, ignoresCase: process.platform === 'win32' || process.platform === 'darwin', realpath };
}

/** A session as it would be sent. */
export function wireOf(source: Source, prepared: PreparedSession, config: Config): WireSession {
  return toWire(prepared.session, {
    source: source.id,
    cost: prepared.priced.cost,
    thinking: config.thinking ?? DEFAULTS.thinking,
    toolResults: config.toolResults ?? DEFAULTS.toolResults,
  });
}

/** A problem as people read it, with the place it was met at. */
export function describeProblem({ message, location }: Problem): string {
  if (location === undefined) return message;
  return location.line === 0
    ? `${location.file}: ${message}`
    : `${location.file}:${location.line}: ${message}`;
}
