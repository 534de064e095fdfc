import type { Checkpoint } from './checkpoint.js';
import { DEFAULTS } from './config.js';
import { createConnection } from './connection.js';
import { errorMessage, isOpenSyncError, type OpenSyncError } from './errors.js';
import { withinLimits } from './limits.js';
import { acknowledge, type Plan, plan, withoutDoubtful } from './plan.js';
import { type Sent, type Server, send } from './send.js';
import { describeProblem, type PreparedSession, sessionsToSend, wireOf } from './session.js';
import type { RawSession, Source } from './source.js';
import {
  findSessions,
  type SyncContext,
  type SyncOptions,
  type SyncSummary,
  stampOf,
  versionOf,
} from './sync.js';
import type { Problem } from './types.js';
import { splitWire, type WireSession } from './wire.js';

/** Without success in between, so many failures mean that the server is not there. */
const MAX_FAILURES_IN_A_ROW = 3;
/** An unknown error 500 may be about its session alone: a few of them must not keep the rest from syncing. */
const MAX_ERRORS_IN_A_ROW = 20;

/** One run, and what its sessions share. */
export interface Run<R> {
  context: SyncContext<R>;
  options: SyncOptions;
  summary: SyncSummary;
  stamp: string;
  /** Connects when it is first asked; see `createConnection`. */
  server(): Promise<Server>;
  failuresInARow: number;
}

/** Reads and sends these sessions, and adds what became of them to the summary. */
export async function syncSessions<R>(
  context: SyncContext<R>,
  options: SyncOptions,
  due: RawSession<R>[],
  summary: SyncSummary,
): Promise<void> {
  const run = createRun(context, options, summary);
  const wanted = await withinLimits(run, due);
  const queue = [...wanted];
  let done = 0;
  const worker = async () => {
    for (let raw = queue.shift(); raw !== undefined; raw = queue.shift()) {
      if (options.signal?.aborted === true) return;
      if (summary.stopped === undefined) await syncOne(run, raw);
      else countFailed(run);
      options.onProgress?.(++done, wanted.length);
    }
  };
  const concurrency = options.concurrency ?? context.config.concurrency ?? DEFAULTS.concurrency;
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
}

function createRun<R>(context: SyncContext<R>, options: SyncOptions, summary: SyncSummary): Run<R> {
  return {
    context,
    options,
    summary,
    stamp: stampOf(context.source as Source, context.config),
    server: createConnection(context),
    failuresInARow: 0,
  };
}

function countFailed<R>({ summary }: Run<R>): void {
  summary.sessions++;
  summary.failed++;
}

/** A session's failure is its own, unless it says that every other one would fail as well. */
async function syncOne<R>(run: Run<R>, raw: RawSession<R>): Promise<void> {
  try {
    await syncRaw(run, raw);
  } catch (error) {
    countFailed(run);
    // Several at once meet the same end of the run: one of them tells of it.
    if (run.summary.stopped?.message === errorMessage(error)) return;
    run.options.onNotice?.(`${raw.id}: ${errorMessage(error)}`);
    if (isOpenSyncError(error) && isHopeless(run, error)) run.summary.stopped ??= error;
  }
}

function isHopeless<R>(run: Run<R>, { kind, status }: OpenSyncError): boolean {
  if (kind === 'auth' || kind === 'server') return true;
  if (kind !== 'network') return false;
  run.failuresInARow++;
  return run.failuresInARow >= (status === 500 ? MAX_ERRORS_IN_A_ROW : MAX_FAILURES_IN_A_ROW);
}

/** The sessions in one raw session: each counts once, however often it is looked at. */
interface Tally {
  seen: Set<string>;
  /** Of which something was sent or refused. */
  changed: Set<string>;
}

/** Syncs a session until no other process asks for one more look at it. */
async function syncRaw<R>(run: Run<R>, raw: RawSession<R>): Promise<void> {
  const { context, options, summary } = run;
  const tally: Tally = { seen: new Set(), changed: new Set() };
  let looks = 0;
  const finished = await context.checkpoints.exclusively(raw.id, async () => {
    looks++;
    // Who asks for another look may have seen a change that is younger than this list of files.
    const current = looks === 1 ? raw : findSession(context, raw.id);
    if (current !== undefined) await syncOnce(run, current, tally, looks === 1 && options.force === true);
    return true;
  });
  if (finished === undefined)
    return options.onNotice?.(`${raw.id}: left to another process, which is syncing it now.`);
  summary.sessions += tally.seen.size;
  summary.unchanged += tally.seen.size - tally.changed.size;
}

function findSession<R>({ source, env }: SyncContext<R>, id: string): RawSession<R> | undefined {
  return findSessions(source, env).find((raw) => raw.id === id);
}

async function syncOnce<R>(run: Run<R>, raw: RawSession<R>, tally: Tally, force: boolean): Promise<void> {
  const { source, checkpoints } = run.context;
  const { prepared, withheld, unplaced } = sessionsToSend(source, raw, 'all', run.context);
  tellProblems(run, [...unplaced, ...prepared.flatMap(({ session }) => session.problems)]);
  const known = checkpoints.load(raw.id) ?? { schema: 1, sessions: {} };
  tellSentBefore(run, known, withheld);
  const checkpoint = force ? { ...known, sessions: pick(known.sessions, withheld) } : known;
  for (const one of prepared) {
    tally.seen.add(one.session.id);
    const hasSubagents = prepared.some(({ session }) => session.parentId === one.session.id);
    if (await syncSession(run, raw, one, checkpoint, hasSubagents)) tally.changed.add(one.session.id);
  }
  checkpoints.setComplete(raw.id, { version: versionOf(raw, run.stamp), sessions: prepared.length });
}

/** What stands at a certain place in a file and was left out; the rest of the session is synced. */
function tellProblems<R>({ options }: Run<R>, problems: readonly Problem[]): void {
  for (const problem of problems) {
    if (problem.location !== undefined) options.onNotice?.(describeProblem(problem));
  }
}

function tellSentBefore<R>({ options }: Run<R>, { sessions }: Checkpoint, withheld: readonly string[]): void {
  for (const id of withheld.filter((one) => sessions[one]?.header !== undefined)) {
    options.onNotice?.(`${id}: it is private now, but was sent before; only the server can delete it there.`);
  }
}

function pick<T>(record: Record<string, T>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)));
}

/** Whether there was anything to send. */
async function syncSession<R>(
  run: Run<R>,
  raw: RawSession<R>,
  prepared: PreparedSession,
  checkpoint: Checkpoint,
  hasSubagents: boolean,
): Promise<boolean> {
  const wire = wireOf(run.context.source as Source, prepared, run.context.config);
  const isBlank = wire.messages.length === 0 && wire.session.createdAt === undefined;
  if (isBlank && !hasSubagents) return false;
  const server = await run.server();
  // The server dates it now, and only one that applies updates corrects that when there is more to tell.
  if (isBlank && !server.immediate) return false;
  let changed = false;
  for (const part of server.unlimited ? [wire] : splitWire(wire)) {
    changed = (await syncWire(run, raw, part, checkpoint)) || changed;
  }
  return changed;
}

async function syncWire<R>(
  run: Run<R>,
  raw: RawSession<R>,
  wire: WireSession,
  checkpoint: Checkpoint,
): Promise<boolean> {
  const { checkpoints, env } = run.context;
  const sleep = run.context.sleep ?? ((ms: number) => new Promise((done) => setTimeout(done, ms)));
  const id = wire.session.externalId;
  let changed = false;
  const remember = (sent: Sent) => {
    changed = true;
    checkpoint.sessions[id] = acknowledge(checkpoint.sessions[id], sent, wire);
    count(run, sent);
    checkpoints.save(raw.id, checkpoint);
  };
  const sendPlan = async (server: Server, next: Plan) => {
    const certain = withoutDoubtful(checkpoint.sessions[id], next);
    if (certain !== undefined) {
      checkpoint.sessions[id] = certain;
      checkpoints.save(raw.id, checkpoint);
    }
    await send(server, next, remember);
  };
  for (;;) {
    const server = await run.server();
    const now = env.now() + server.skewMs;
    const next = plan(wire, checkpoint.sessions[id], { now, immediate: server.immediate });
    if (next.session !== undefined || next.messages.length > 0) await sendPlan(server, next);
    if (next.waitMs === 0) return changed;
    await sleep(next.waitMs);
  }
}

function count<R>(run: Run<R>, sent: Sent): void {
  const { summary, options } = run;
  run.failuresInARow = 0;
  if (sent.session) summary.sessionsSent++;
  summary.messagesSent += sent.messages.length;
  summary.poison += sent.refused.length;
  for (const { externalId, error } of sent.refused) {
    options.onNotice?.(`${externalId}: the server refuses it and it was set aside: ${error}`);
  }
}
