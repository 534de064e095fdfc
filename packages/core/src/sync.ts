import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Checkpoint, CheckpointStore } from './checkpoint.js';
import type { Client } from './client.js';
import type { Config } from './config.js';
import { errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
import { type Acknowledged, acknowledgeHeader, headerHash, messageHash, plan } from './plan.js';
import { discover } from './read/discover.js';
import { type Sent, type Server, send } from './send.js';
import { type PreparedSession, readSessions } from './session.js';
import type { Env, RawSession, Source } from './source.js';
import { splitWire, toWire, type WireSession } from './wire.js';

/** Everything a sync touches, handed in. */
export interface SyncContext<R = unknown> {
  source: Source<R>;
  env: Env;
  config: Config;
  client: Client;
  checkpoints: CheckpointStore;
  sleep?: (ms: number) => Promise<void>;
}

export interface SyncOptions {
  /** Which sessions; all when absent. */
  only?: (raw: RawSession) => boolean;
  /** Compares with nothing and sends everything again. */
  force?: boolean;
  /** Takes all of a long history even when the server is known to suffer from it. */
  all?: boolean;
  /** Sessions in flight at once. */
  concurrency?: number;
  onProgress?: (done: number, total: number) => void;
  /** What a person should know: a session that failed, a message the server refuses. */
  onNotice?: (text: string) => void;
}

/** Counts of sessions include subagents. */
export interface SyncSummary {
  /** Sessions looked at. */
  sessions: number;
  /** Sessions whose own fields were sent. */
  sessionsSent: number;
  messagesSent: number;
  /** Sessions that the server has already. */
  unchanged: number;
  /** Sessions that could not be read or sent; the next sync tries them again. */
  failed: number;
  /** Sessions and messages that the server refuses for good. */
  poison: number;
  durationMs: number;
  /** Why the whole run ended early, when it did. */
  stopped?: OpenSyncError;
}

/** Without success in between, so many failures mean that the server is not there. */
const MAX_FAILURES_IN_A_ROW = 3;
/** A hosted dashboard fails somewhere past 1,600 sessions (docs/contract.md). */
const FIRST_SYNC_SESSIONS = 1_000;
const DEFAULT_CONCURRENCY = 4;

/** Syncs the session, with its subagents, that a file belongs to. Every trigger ends here. */
export function syncFile<R>(
  context: SyncContext<R>,
  file: string,
  options: SyncOptions = {},
): Promise<SyncSummary> {
  const path = resolve(file);
  return syncHistory(context, { ...options, only: (raw) => raw.files.includes(path) });
}

/** Syncs every session of the history, newest first. */
export async function syncHistory<R>(
  context: SyncContext<R>,
  options: SyncOptions = {},
): Promise<SyncSummary> {
  const startedAt = context.env.now();
  const run = createRun(context, options);
  const raws = findSessions(context.source, context.env).filter(options.only ?? (() => true));
  const due = raws.filter((raw) => options.force === true || !run.isComplete(raw));
  run.countUnchanged(raws, due);
  const wanted = due.length === 0 ? due : await withinLimits(run, due);
  let done = 0;
  const queue = [...wanted];
  const worker = async () => {
    for (let raw = queue.shift(); raw !== undefined; raw = queue.shift()) {
      if (run.summary.stopped !== undefined) run.summary.failed++;
      else await run.syncOne(raw);
      options.onProgress?.(++done, wanted.length);
    }
  };
  const concurrency = options.concurrency ?? context.config.concurrency ?? DEFAULT_CONCURRENCY;
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  run.summary.durationMs = context.env.now() - startedAt;
  return run.summary;
}

/** The sessions of a source, newest first, not read. */
export function findSessions<R>(source: Source<R>, env: Env): RawSession<R>[] {
  const raws = [...source.sessions(discover(source, env), env)];
  return raws.sort((a, b) => b.changedAt - a.changedAt || (a.id < b.id ? -1 : 1));
}

/**
 * What besides the history decides what is sent: the code that reads it and the settings. When it
 * changes, every session is read and compared once more.
 */
export function stampOf(source: Source, config: Config): string {
  const parts = [source.version, config.thinking ?? false, config.prices ?? {}];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 8);
}

/** A session as it would be sent. */
export function wireOf(source: Source, prepared: PreparedSession, config: Config): WireSession {
  return toWire(prepared.session, {
    source: source.id,
    cost: prepared.priced.cost,
    thinking: config.thinking ?? false,
  });
}

interface Run<R> {
  summary: SyncSummary;
  isComplete(raw: RawSession<R>): boolean;
  countUnchanged(raws: RawSession<R>[], due: RawSession<R>[]): void;
  syncOne(raw: RawSession<R>): Promise<void>;
  server(): Promise<Server>;
  context: SyncContext<R>;
  options: SyncOptions;
}

function createRun<R>(context: SyncContext<R>, options: SyncOptions): Run<R> {
  const { source, config, checkpoints } = context;
  const stamp = stampOf(source as Source, config);
  const versionOf = (raw: RawSession<R>) => `${stamp}:${raw.version}`;
  let failuresInARow = 0;
  let connecting: Promise<Server> | undefined;
  const summary: SyncSummary = {
    sessions: 0,
    sessionsSent: 0,
    messagesSent: 0,
    unchanged: 0,
    failed: 0,
    poison: 0,
    durationMs: 0,
  };
  const run: Run<R> = {
    summary,
    context,
    options,
    server: () => (connecting ??= connect(context)),
    isComplete: (raw) => checkpoints.complete().get(raw.id)?.version === versionOf(raw),
    countUnchanged(raws, due) {
      const isDue = new Set(due);
      for (const raw of raws) {
        if (isDue.has(raw)) continue;
        const sessions = checkpoints.complete().get(raw.id)?.sessions ?? 1;
        summary.sessions += sessions;
        summary.unchanged += sessions;
      }
    },
    async syncOne(raw) {
      try {
        const work = () => syncRaw(run, raw, versionOf(raw));
        const finished = await checkpoints.exclusively(raw.id, work);
        if (finished === undefined) options.onNotice?.(`${raw.id}: another process is syncing it.`);
        failuresInARow = 0;
      } catch (error) {
        summary.sessions++;
        summary.failed++;
        options.onNotice?.(`${raw.id}: ${errorMessage(error)}`);
        const kind = isOpenSyncError(error) ? error.kind : 'read';
        if (kind === 'network') failuresInARow++;
        if (kind === 'auth' || kind === 'server' || failuresInARow >= MAX_FAILURES_IN_A_ROW) {
          summary.stopped ??= error as OpenSyncError;
        }
      }
    },
  };
  return run;
}

async function connect<R>({ client }: SyncContext<R>): Promise<Server> {
  const { success, data, error, kind } = await client.health();
  if (!success || data === undefined) throw new OpenSyncError(kind ?? 'network', error ?? 'No answer.');
  const has = (capability: string) => data.capabilities.includes(capability);
  return {
    client,
    skewMs: data.skewMs,
    batch: has('batch'),
    immediate: has('immediate-updates'),
    unlimited: has('unlimited'),
  };
}

/** On a first sync to a server with limits, the newest sessions alone; the rest stays behind until asked for. */
async function withinLimits<R>(run: Run<R>, due: RawSession<R>[]): Promise<RawSession<R>[]> {
  const { checkpoints } = run.context;
  const server = await run.server().catch((error: unknown) => {
    run.summary.stopped = isOpenSyncError(error) ? error : new OpenSyncError('network', errorMessage(error));
    return undefined;
  });
  if (server === undefined || server.unlimited) return due;
  if (run.options.all === true) checkpoints.setFloor(undefined);
  const floor = checkpoints.floor();
  if (floor !== undefined) return due.filter((raw) => raw.changedAt >= floor || checkpoints.has(raw.id));
  if (run.options.all === true || checkpoints.complete().size > 0) return due;
  announceFirstSync(run, due);
  const first = due[FIRST_SYNC_SESSIONS];
  if (first === undefined) return due;
  const newest = due.slice(0, FIRST_SYNC_SESSIONS);
  checkpoints.setFloor(newest[newest.length - 1]?.changedAt);
  return newest;
}

function announceFirstSync<R>(run: Run<R>, due: RawSession<R>[]): void {
  const { source, config } = run.context;
  let sessions = 0;
  let messages = 0;
  for (const raw of due) {
    for (const prepared of readable(() => readSessions(source, raw, 'summary', { prices: config.prices }))) {
      sessions++;
      messages += prepared.session.messages.length;
    }
  }
  const what = `First sync: ${sessions} sessions with ${messages} messages.`;
  const limit =
    due.length > FIRST_SYNC_SESSIONS
      ? ` This server's dashboard fails past about 1,600 sessions, so the newest ${FIRST_SYNC_SESSIONS} are sent; --all sends everything.`
      : '';
  run.options.onNotice?.(what + limit);
}

/** A session that cannot be read is counted as none here and reported when it is its turn. */
function readable<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (isOpenSyncError(error)) return [];
    throw error;
  }
}

async function syncRaw<R>(run: Run<R>, raw: RawSession<R>, version: string): Promise<true> {
  const { source, config, checkpoints } = run.context;
  const { summary } = run;
  const secrets = config.apiKey === undefined ? [] : [config.apiKey];
  const prepared = readSessions(source, raw, 'all', { prices: config.prices, secrets });
  const checkpoint: Checkpoint = (run.options.force === true ? undefined : checkpoints.load(raw.id)) ?? {
    schema: 1,
    sessions: {},
  };
  const before = summary.sessionsSent + summary.messagesSent + summary.poison;
  for (const one of prepared) await syncSession(run, raw, one, checkpoint);
  checkpoints.setComplete(raw.id, { version, sessions: prepared.length });
  summary.sessions += prepared.length;
  if (summary.sessionsSent + summary.messagesSent + summary.poison === before)
    summary.unchanged += prepared.length;
  return true;
}

async function syncSession<R>(
  run: Run<R>,
  raw: RawSession<R>,
  prepared: PreparedSession,
  checkpoint: Checkpoint,
): Promise<void> {
  const wire = wireOf(run.context.source as Source, prepared, run.context.config);
  // Without a time and without a message there is nothing to show, and the server would date it now.
  if (wire.messages.length === 0 && wire.session.createdAt === undefined) return;
  const server = await run.server();
  for (const part of server.unlimited ? [wire] : splitWire(wire)) {
    await syncWire(run, raw, part, checkpoint, server);
  }
}

async function syncWire<R>(
  run: Run<R>,
  raw: RawSession<R>,
  wire: WireSession,
  checkpoint: Checkpoint,
  server: Server,
): Promise<void> {
  const { checkpoints, env } = run.context;
  const sleep = run.context.sleep ?? ((ms: number) => new Promise((done) => setTimeout(done, ms)));
  const id = wire.session.externalId;
  const hashes = new Map(wire.messages.map((message) => [message.externalId, messageHash(message)]));
  const remember = (sent: Sent) => {
    const known = checkpoint.sessions[id] ?? { messages: {} };
    checkpoint.sessions[id] = record(known, sent, wire, hashes);
    count(run, sent);
    checkpoints.save(raw.id, checkpoint);
  };
  for (;;) {
    const now = env.now() + server.skewMs;
    const next = plan(wire, checkpoint.sessions[id], { now, immediate: server.immediate });
    if (next.session !== undefined || next.messages.length > 0) await send(server, next, remember);
    if (next.waitMs === 0) return;
    await sleep(next.waitMs);
  }
}

function record(
  known: Acknowledged,
  sent: Sent,
  wire: WireSession,
  hashes: ReadonlyMap<string, string>,
): Acknowledged {
  let next = known;
  if (sent.session) next = acknowledgeHeader(next, wire.session);
  const messages = { ...next.messages };
  for (const id of sent.messages) messages[id] = hashes.get(id) ?? '';
  const refused = { ...next.refused };
  for (const { externalId } of sent.refused) {
    refused[externalId] = hashes.get(externalId) ?? headerHash(wire.session);
  }
  next = { ...next, messages };
  return Object.keys(refused).length === 0 ? next : { ...next, refused };
}

function count<R>(run: Run<R>, sent: Sent): void {
  const { summary, options } = run;
  if (sent.session) summary.sessionsSent++;
  summary.messagesSent += sent.messages.length;
  summary.poison += sent.refused.length;
  for (const { externalId, error } of sent.refused) {
    options.onNotice?.(`${externalId}: the server refuses it and it was set aside: ${error}`);
  }
}
