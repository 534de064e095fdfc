import { join } from 'node:path';
import { source as claudeCode } from '../../../claude-code-sync/src/source.js';
import { source as codex } from '../../../codex-sync/src/source.js';
import { checkpointFolder, openCheckpoints } from '../../src/checkpoint.js';
import { createClient } from '../../src/client.js';
import type { Env, Source } from '../../src/source.js';
import { type SyncContext, syncFile, syncHistory } from '../../src/sync.js';
import { createRandom } from '../harness/random.js';
import { readClock } from './clock.js';
import { die, report, watchDisk } from './disk.js';
import type { FromWorker, Job, Result, ToolName, ToWorker } from './job.js';

const SOURCES: Record<ToolName, Source> = {
  'claude-code': claudeCode as Source,
  'codex-cli': codex as Source,
};
/** Nothing listens on the port that means "no port". */
const NOBODY = 'http://127.0.0.1:1';

const sleepers = new Map<number, () => void>();
const intervals = new Map<NodeJS.Timeout, { act: () => void; everyMs: number; at: number }>();
let sleeps = 0;

async function run(job: Job): Promise<Result> {
  const now = () => readClock(job.clockFile).now;
  const disk = watchDisk(job, now);
  Math.random = createRandom(job.seed).number;
  driveIntervals(now);
  const notices: string[] = [];
  const requests = { count: 0 };
  const env: Env = { home: job.home, vars: {}, now };
  const source = SOURCES[job.tool];
  const sleep = (ms: number) => sleepBy(ms, now);
  const { url, apiKey } = job;
  const context: SyncContext = {
    source,
    env,
    config: { convexUrl: url, apiKey },
    client: createClient({
      url,
      apiKey,
      now,
      sleep,
      timeoutMs: job.timeoutMs,
      userAgent: job.agent,
      fetch: fetchFor(job, requests),
    }),
    checkpoints: openCheckpoints(checkpointFolder({ env, sourceId: source.id, url, apiKey }), now),
    sleep,
    elapsed: () => readClock(job.clockFile).elapsed,
  };
  const options = {
    concurrency: job.concurrency,
    force: job.force === true,
    onNotice: (text: string) => notices.push(text),
  };
  const summary =
    job.file === undefined
      ? await syncHistory(context, options)
      : await syncFile(context, join(job.home, job.file), options);
  return { summary, notices, reads: disk.reads, writes: disk.writes, requests: requests.count };
}

async function sleepBy(ms: number, now: () => number): Promise<void> {
  const id = ++sleeps;
  send({ sleep: ms, id });
  await new Promise<void>((resolve) => sleepers.set(id, resolve));
  sleepers.delete(id);
  for (const timer of intervals.values()) {
    if (now() < timer.at + timer.everyMs) continue;
    timer.at = now();
    timer.act();
  }
}

/** Intervals go by the shared clock as well: an hour that passes in a moment must not look like neglect. */
function driveIntervals(now: () => number): void {
  intervals.clear();
  globalThis.setInterval = ((act: () => void, everyMs: number) => {
    const handle = setTimeout(() => undefined, 0);
    intervals.set(handle, { act, everyMs, at: now() });
    return handle;
  }) as typeof setInterval;
  globalThis.clearInterval = (handle) => {
    intervals.delete(handle as NodeJS.Timeout);
  };
}

function fetchFor({ kill, refused, url }: Job, requests: { count: number }): typeof fetch {
  return async (input, init) => {
    const number = ++requests.count;
    const path = String(input).slice(url.length);
    const dies = kill?.at === 'request' && kill.number === number;
    if (dies && kill.when !== 'after') die(`before ${path}`);
    if (refused !== undefined && number >= refused.from && number < refused.from + refused.count) {
      report({ kind: 'connection refused', place: path });
      return fetch(NOBODY + path, init);
    }
    const response = await fetch(input, init);
    if (dies) die(`after ${path}`);
    return response;
  };
}

function send(message: FromWorker): void {
  process.send?.(message);
}

process.on('message', (message: ToWorker) => {
  if ('awake' in message) sleepers.get(message.awake)?.();
  else {
    run(message.job).then(
      (result) => send({ done: result }),
      (error: unknown) => send({ crashed: error instanceof Error ? String(error.stack) : String(error) }),
    );
  }
});
process.on('disconnect', () => process.exit());
send({ ready: true });
