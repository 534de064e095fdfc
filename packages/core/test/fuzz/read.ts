import { sessionRows } from '../../src/cli/rows.js';
import { isOpenSyncError } from '../../src/errors.js';
import { sessionsToSend, wireOf } from '../../src/session.js';
import type { Env, RawSession, Source } from '../../src/source.js';
import { findSessions } from '../../src/sync.js';
import type { Problem } from '../../src/types.js';
import { splitWire, type WireSession } from '../../src/wire.js';
import { HostedStore } from '../hosted-store.js';
import { NOW } from './histories.js';

/** A message as it would be sent, without its date. */
interface SentMessage {
  id: string;
  content: string;
}

export interface ReadSession {
  /** Of the raw session it comes from. */
  rawId: string;
  messages: SentMessage[];
  /** What is sent of the session itself. */
  header: string;
}

/** Everything that came of reading a history. */
export interface Reading {
  /** By id. */
  sessions: Map<string, ReadSession>;
  problems: Problem[];
  /** Raw sessions that cannot be read, with the reason. */
  failed: Map<string, string>;
  /** Files of each raw session. */
  files: Map<string, readonly string[]>;
  /** Milliseconds that each raw session took. */
  ms: Map<string, number>;
  /** What must not be: exceptions, values that a server refuses, ids that come twice. */
  faults: string[];
}

export function readHistory(
  source: Source,
  home: string,
  isWanted: (raw: RawSession) => boolean = () => true,
): Reading {
  const env: Env = { home, vars: {}, now: () => NOW };
  const reading: Reading = {
    sessions: new Map(),
    problems: [],
    failed: new Map(),
    files: new Map(),
    ms: new Map(),
    faults: [],
  };
  const raws = attempt(reading, 'finding sessions', () => findSessions(source, env)) ?? [];
  const ids = new Set<string>();
  for (const raw of raws) {
    if (ids.has(raw.id)) reading.faults.push(`two raw sessions ${raw.id}`);
    ids.add(raw.id);
    attempt(reading, 'looking at a session', () => {
      if (typeof raw.version !== 'string' || !Number.isFinite(raw.changedAt))
        reading.faults.push(`no version or time: ${raw.version}, ${raw.changedAt}`);
      reading.files.set(raw.id, raw.files);
    });
    if (isWanted(raw)) readOne(source, raw, env, reading);
  }
  return reading;
}

function readOne(source: Source, raw: RawSession, env: Env, reading: Reading): void {
  const startedAt = performance.now();
  const wires = orFailed(raw, reading, () => {
    const { prepared, unplaced } = sessionsToSend(source, raw, 'all', { config: {}, env });
    reading.problems.push(...unplaced);
    for (const { session } of prepared)
      for (const problem of session.problems) reading.problems.push(problem);
    return prepared.map((one) => wireOf(source, one, { thinking: true }));
  });
  if (wires === undefined) return;
  orFailed(raw, reading, () => sessionRows(raw, { source, config: {} }));
  reading.ms.set(raw.id, performance.now() - startedAt);
  for (const wire of wires) addSession(raw.id, wire, reading);
}

function addSession(rawId: string, wire: WireSession, reading: Reading): void {
  const { session, messages } = wire;
  if (reading.sessions.has(session.externalId)) reading.faults.push(`two sessions ${session.externalId}`);
  reading.faults.push(...refusals(wire));
  reading.sessions.set(session.externalId, {
    rawId,
    header: JSON.stringify(session),
    messages: messages.map(({ createdAt: _, ...rest }) => ({
      id: rest.externalId,
      content: JSON.stringify(rest),
    })),
  });
}

/** What a server would not take, or would take for something else. */
function refusals(wire: WireSession): string[] {
  const store = new HostedStore({ now: () => NOW, immediate: true });
  const found: string[] = [];
  let before = 0;
  for (const part of splitWire(wire)) {
    try {
      store.saveSession('user', part.session);
      for (const message of part.messages) {
        const { createdAt = before + 1 } = message;
        if (!Number.isSafeInteger(createdAt) || createdAt <= before)
          found.push(`${message.externalId} at ${createdAt} stands behind one at ${before}`);
        before = createdAt;
        if (store.messages.has(message.externalId)) found.push(`two messages ${message.externalId}`);
        saveMessage(store, message);
      }
    } catch (error) {
      found.push(`refused by a server: ${String(error).slice(0, 300)}`);
    }
  }
  return found;
}

/** The server's own cut of its search text may refuse a message, which the client then sends otherwise. */
function saveMessage(store: HostedStore, message: WireSession['messages'][number]): void {
  try {
    store.saveMessage('user', message);
  } catch (error) {
    if (!/lone leading surrogate/.test(String(error))) throw error;
  }
}

/** A session may fail with an error that names the file; anything else is a fault. */
function orFailed<T>(raw: RawSession, reading: Reading, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOpenSyncError(error) && error.kind === 'read') reading.failed.set(raw.id, error.message);
    else reading.faults.push(`reading ${raw.id} threw ${stackOf(error)}`);
    return undefined;
  }
}

function attempt<T>(reading: Reading, what: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    reading.faults.push(`${what} threw ${stackOf(error)}`);
    return undefined;
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack).slice(0, 1_500) : String(error);
}
