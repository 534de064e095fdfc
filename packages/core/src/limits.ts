import { errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
import { plural } from './plural.js';
import { sessionsToSend } from './session.js';
import type { RawSession } from './source.js';
import type { Run } from './sync-run.js';

/** A hosted dashboard fails somewhere past 1,600 sessions (docs/contract.md). */
const FIRST_SYNC_SESSIONS = 1_000;

/** To a server with limits go the sessions above the floor, those it has a part of, and those that were named. */
export async function withinLimits<R>(run: Run<R>, due: RawSession<R>[]): Promise<RawSession<R>[]> {
  const { checkpoints } = run.context;
  const { only, all } = run.options;
  const isAbove = (floor: number) => (raw: RawSession<R>) =>
    raw.changedAt >= floor || checkpoints.has(raw.id);
  const known = only === undefined && all !== true ? checkpoints.floor() : undefined;
  if (known !== undefined) return due.filter(isAbove(known));
  const server = await run.server().catch((error: unknown) => {
    run.summary.stopped = isOpenSyncError(error) ? error : new OpenSyncError('network', errorMessage(error));
    return undefined;
  });
  if (server === undefined || server.unlimited || only !== undefined) return due;
  if (all === true) {
    checkpoints.setFloor(0);
    return due;
  }
  return due.filter(isAbove(chooseFloor(run, due)));
}

/**
 * A first sync takes the newest sessions alone; the rest stays behind until it changes or is asked for.
 * A few named sessions say nothing about the history: the first look at all of it decides, even when a
 * hook has synced some before.
 */
function chooseFloor<R>(run: Run<R>, due: RawSession<R>[]): number {
  let sessions = 0;
  let messages = 0;
  let kept = { sessions: 0, floor: due[0]?.changedAt ?? 0 };
  for (const raw of due) {
    const size = sizeOf(run, raw);
    sessions += size.sessions;
    messages += size.messages;
    if (sessions <= FIRST_SYNC_SESSIONS) kept = { sessions, floor: raw.changedAt };
  }
  const floor = sessions <= FIRST_SYNC_SESSIONS ? 0 : kept.floor;
  run.context.checkpoints.setFloor(floor);
  const limit =
    floor > 0
      ? ` This server's dashboard fails past about 1,600 sessions, so the newest ${kept.sessions} are sent; --all sends everything.`
      : '';
  run.options.onNotice?.(
    `First sync: ${plural(sessions, 'session')} with ${plural(messages, 'message')}.${limit}`,
  );
  return floor;
}

/** Zero for a session that cannot be read: it is reported when it is its turn. */
function sizeOf<R>({ context }: Run<R>, raw: RawSession<R>) {
  try {
    const { prepared } = sessionsToSend(context.source, raw, 'summary', context);
    return {
      sessions: prepared.length,
      messages: prepared.reduce((sum, { session }) => sum + session.messages.length, 0),
    };
  } catch (error) {
    if (error instanceof Error) return { sessions: 0, messages: 0 };
    throw error;
  }
}
