import { errorMessage } from '../errors.js';
import type { FilePattern, RawSession } from '../source.js';
import { type SyncContext, type SyncSummary, syncHistory } from '../sync.js';
import { watchFiles } from './watch-files.js';

export interface FollowOptions {
  /** Ends it; the sessions that are being sent are finished first. */
  signal: AbortSignal;
  /** Ends it when nothing has happened for so long, milliseconds. Absent: never. */
  idleMs?: number;
  /** A sync that sent something, or failed. */
  onSync?: (summary: SyncSummary) => void;
  onNotice?: (text: string) => void;
  /** Called before each look at what was changed lately. */
  onLook?: () => void;
  /** Subscribes to what no file of the history tells, such as a hook's mark; returns how to end that. */
  listen?: (onEvent: () => void) => () => void;
}

/** A burst of writes is one change. */
const DEBOUNCE_MS = 100;
/** After a look, a rest of so many times the CPU time it took, within limits: news must not wait for long. */
const REST = { times: 4, mostMs: 1_000 };
/** Some things are written a moment after the event that tells of them. */
const LOOK_AGAIN_MS = [500, 2_500];
/** What is being worked on, and comes first. */
const RECENT_MS = 24 * 3_600_000;
/** For file systems that tell nothing; so many times the CPU time of a look, within limits. */
const POLL = { times: 50, leastMs: 10_000, mostMs: 60_000 };

/**
 * Syncs the history, and then whatever changes in it, until told to end. Every change leads to the same
 * comparison as `sync`, so that it does not matter who else syncs, and what was missed is found later.
 *
 * What was changed lately is never kept waiting by a long history: that is sent alongside.
 *
 * @param contextOf what to sync with, asked before each look, so that a sign-in or another setting
 *   takes effect; undefined while nobody is signed in
 */
export async function follow<R>(
  patterns: readonly FilePattern[],
  contextOf: () => SyncContext<R> | undefined,
  options: FollowOptions,
): Promise<void> {
  const { signal } = options;
  const bell = new Bell(signal);
  const watcher = watchFiles(patterns, () => bell.ring(), options.onNotice ?? (() => undefined));
  let unlisten: (() => void) | undefined;
  let sweep: Promise<void> | undefined;
  let sweptAt = Number.NEGATIVE_INFINITY;
  try {
    unlisten = options.listen?.(() => bell.ring());
    while (!signal.aborted) {
      const cpu = process.cpuUsage();
      options.onLook?.();
      watcher.refresh();
      await look(contextOf, options, isRecent);
      const { user, system } = process.cpuUsage(cpu);
      const tookMs = (user + system) / 1_000;
      const pollMs = Math.min(Math.max(POLL.times * tookMs, POLL.leastMs), POLL.mostMs);
      if (sweep === undefined && performance.now() - sweptAt >= pollMs) {
        sweep = look(contextOf, options).finally(() => {
          [sweep, sweptAt] = [undefined, performance.now()];
          bell.nudge();
        });
      }
      const restMs = Math.max(DEBOUNCE_MS, Math.min(REST.times * tookMs, REST.mostMs));
      const idleMs = sweep === undefined ? options.idleMs : undefined;
      if ((await bell.wait({ restMs, pollMs, idleMs })) && sweep === undefined) break;
    }
    await sweep;
  } finally {
    unlisten?.();
    watcher.close();
  }
}

function isRecent({ changedAt }: RawSession): boolean {
  return changedAt >= Date.now() - RECENT_MS;
}

/** One comparison of the history with what the server has. A failure is told, and the next look repeats it. */
async function look<R>(
  contextOf: () => SyncContext<R> | undefined,
  { onNotice, onSync, signal }: FollowOptions,
  only?: (raw: RawSession) => boolean,
): Promise<void> {
  try {
    const context = contextOf();
    if (context === undefined) return;
    const options = { signal, ...(only && { only }), ...(onNotice && { onNotice }) };
    const summary = await syncHistory(context, options);
    if (summary.stopped !== undefined) onNotice?.(summary.stopped.message);
    if (summary.sessionsSent + summary.messagesSent + summary.failed > 0) onSync?.(summary);
  } catch (error) {
    onNotice?.(errorMessage(error));
  }
}

/** Rings for an event, and again some time after it. */
class Bell {
  private rungAt = performance.now();
  /** When to look although nobody rang, earliest first. */
  private later: number[] = [];
  private rung = false;
  private nudged = false;
  private wakeUp: () => void = () => undefined;

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', () => this.wakeUp());
    this.ring();
  }

  ring(): void {
    this.rung = true;
    this.rungAt = performance.now();
    this.later = LOOK_AGAIN_MS.map((ms) => this.rungAt + ms);
    this.wakeUp();
  }

  /** Ends the waiting, without a reason to look soon. */
  nudge(): void {
    this.nudged = true;
    this.wakeUp();
  }

  /** Rests, and then waits for a reason to look. True when there was none for longer than `idleMs`. */
  async wait(times: { restMs: number; pollMs: number; idleMs: number | undefined }): Promise<boolean> {
    const { restMs, pollMs, idleMs = Number.POSITIVE_INFINITY } = times;
    const startedAt = performance.now();
    await this.sleep(restMs, () => false);
    const dueAt = Math.min(startedAt + pollMs, ...this.later.slice(0, 1));
    const idleAt = this.rungAt + idleMs;
    await this.sleep(Math.min(dueAt, idleAt) - performance.now(), () => this.rung || this.nudged);
    this.nudged = false;
    const now = performance.now();
    this.later = this.later.filter((at) => at > now);
    if (this.rung) {
      this.rung = false;
      return false;
    }
    return now >= idleAt;
  }

  /** Until the time is over, the end is told, or somebody rang and that is a reason. */
  private async sleep(ms: number, isReason: () => boolean): Promise<void> {
    const until = performance.now() + ms;
    while (!this.signal.aborted && !isReason() && performance.now() < until) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, until - performance.now());
        this.wakeUp = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  }
}
