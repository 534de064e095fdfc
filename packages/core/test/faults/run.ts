import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { source as claudeCode } from '../../../claude-code-sync/src/source.js';
import { source as codex } from '../../../codex-sync/src/source.js';
import { readSessions, wireOf } from '../../src/session.js';
import type { Env, Source } from '../../src/source.js';
import { findSessions } from '../../src/sync.js';
import type { WireSession } from '../../src/wire.js';
import { createRandom } from '../harness/random.js';
import { differences, type Shown, type States, shownBy } from './check.js';
import { Clock } from './clock.js';
import { damage } from './damage.js';
import { API_KEY, addStranger, type FaultyServer, startFaultyServer } from './faulty-server.js';
import type { Fixtures } from './fixtures.js';
import { applyOnDisk, applyTo, type Files, writeFiles } from './history.js';
import type { Injected, Job, Result } from './job.js';
import type { Ending, Pool, Work } from './pool.js';
import { createSchedule, type Round, type Schedule, type WorkerPlan } from './schedule.js';

export interface Outcome {
  seed: number;
  /** Faults that took place, by kind. */
  injected: Map<string, number>;
  /** Where processes were killed and writes failed. */
  places: Map<string, number>;
  problems: string[];
}

interface Tools {
  pool: Pool;
  fixtures: Fixtures;
  /** Where the homes are made. */
  folder: string;
  /** Tells what happens as it happens. */
  log?: (text: string) => void;
}

const PATIENT_MS = 30_000;
const IMPATIENT_MS = 250;

/** One run: an undisturbed sync of the last state, the disturbed ones of all states, and the comparison. */
export async function runSeed(seed: number, tools: Tools): Promise<Outcome> {
  const schedule = createSchedule(tools.fixtures, createRandom(seed));
  const folder = mkdtempSync(join(tools.folder, `${seed}-`));
  const outcome: Outcome = { seed, injected: new Map(), places: new Map(), problems: [] };
  try {
    const clean = await cleanSync(schedule, tools, join(folder, 'clean'));
    const states = statesOf(schedule, join(folder, 'states'));
    const run = new Run(schedule, tools, outcome, join(folder, 'run'), clean.result);
    const actual = await run.all(states);
    outcome.problems.push(...differences({ clean: clean.shown, actual, states }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return outcome;
}

interface Clean {
  shown: Shown;
  result: Result;
}

async function cleanSync(schedule: Schedule, { pool }: Tools, home: string): Promise<Clean> {
  mkdirSync(home, { recursive: true });
  writeFiles(home, finalOf(schedule));
  const clock = new Clock(join(home, 'clock'));
  clock.atLeast(LATE);
  const server = await startFaultyServer({ ...schedule.server, skewMs: 0 }, clock);
  try {
    const job = jobOf(schedule, { home, url: server.hosted.url, clockFile: clock.path });
    const onSleep = (ms: number) => clock.pass(ms);
    const { ending } = await pool.run(job, { onSleep, onInjected: () => undefined });
    const result = resultOf(await ending);
    if (result.summary.failed > 0) throw new Error(`The clean sync failed: ${result.notices.join('; ')}`);
    return { shown: shownBy(server.hosted.store, 'user'), result };
  } finally {
    clock.close();
    await server.close();
  }
}

/** Later than everything, clocks that are wrong included. */
const LATE = Date.UTC(2027, 0, 1);

function finalOf({ changes }: Schedule): Files {
  return changes.reduce(applyTo, new Map() as Files);
}

type Place = Pick<Job, 'home' | 'url' | 'clockFile'>;

function jobOf({ tool }: Schedule, place: Place): Job {
  return { ...place, tool, apiKey: API_KEY, agent: 'clean', timeoutMs: PATIENT_MS, concurrency: 1, seed: 1 };
}

function resultOf(ending: Ending): Result {
  if ('result' in ending) return ending.result;
  throw new Error('crashed' in ending ? ending.crashed : 'Somebody killed a process that was to live.');
}

class Run {
  private readonly clock: Clock;
  private server!: FaultyServer;
  /** Changes that have happened. */
  private done = 0;

  constructor(
    private readonly schedule: Schedule,
    private readonly tools: Tools,
    private readonly outcome: Outcome,
    private readonly home: string,
    /** How long an undisturbed sync takes, in reads, writes and requests. */
    private readonly clean: Result,
  ) {
    mkdirSync(home, { recursive: true });
    this.clock = new Clock(join(home, 'clock'));
  }

  async all(states: States): Promise<Shown> {
    const { schedule, clock } = this;
    clock.atLeast(schedule.rounds[0]?.clock ?? LATE);
    this.server = await startFaultyServer(schedule.server, clock);
    try {
      addStranger(this.server, states.at(-1)?.values() ?? []);
      const { store } = this.server.hosted;
      const theirs = fingerprint(shownBy(store, 'stranger'));
      for (const round of schedule.rounds) await this.round(round);
      this.changeUpTo(schedule.changes.length);
      clock.atLeast(schedule.endsAt);
      this.server.begin({ faults: [], onArrival: () => undefined, onInjected: () => undefined });
      await this.finish();
      this.checkTurns();
      if (fingerprint(shownBy(store, 'stranger')) !== theirs) {
        this.outcome.problems.push("another user's sessions have changed");
      }
      return shownBy(store, 'user');
    } finally {
      clock.close();
      await this.server.close();
    }
  }

  /** The sync after which nothing may be missing, and one that finds nothing to do. */
  private async finish(): Promise<void> {
    const { problems } = this.outcome;
    const last = await this.undisturbed();
    if (last.summary.failed > 0 || last.notices.some(isWaiting)) {
      problems.push(`the last sync failed: ${last.notices.join('; ')}`);
    }
    // A torn note may cost one more comparison.
    const { summary } = await this.undisturbed();
    const sent = summary.sessionsSent + summary.messagesSent;
    if (sent > 0) problems.push(`a sync with nothing to do sent ${sent} sessions and messages`);
    const again = await this.undisturbed();
    if (again.requests > 0) problems.push(`a sync with nothing to do sent ${again.requests} requests`);
  }

  /**
   * The server has one request for a session at a time, since parallel ones conflict. Not so when a process
   * dies or gives up while the server is at work, nor when its lock looks as if it had been left behind.
   */
  private checkTurns(): void {
    const excuses = ['kill -9', 'timeout', 'timeout, taken', 'clock set forward', 'clock set back'];
    if (this.server.hosted.inFlight > 1 && !excuses.some((kind) => this.outcome.injected.has(kind))) {
      this.outcome.problems.push('two requests for one session were under way at the same time');
    }
  }

  private async undisturbed(): Promise<Result> {
    const { home, clock, server, schedule } = this;
    const job = jobOf(schedule, { home, clockFile: clock.path, url: server.hosted.url });
    const result = resultOf(await (await this.start(job)).ending);
    this.tools.log?.(`undisturbed at ${clock.now}: ${JSON.stringify(result)}`);
    return result;
  }

  private async round(round: Round): Promise<void> {
    this.tools.log?.(`round at ${this.clock.now}: ${JSON.stringify(round)}`);
    this.changeUpTo(round.changes);
    this.clock.atLeast(round.clock);
    for (const { kind, point } of round.damage) {
      if (damage(join(this.home, '.opensync'), kind, point)) this.count(kind);
    }
    if (round.jump?.at === 'before') this.jump(round.jump.ms);
    const pids = new Map<string, number>();
    const before = this.done;
    this.server.begin({
      faults: round.server.map(({ kind, point, count }) => ({
        kind,
        count,
        from: place(point, this.clean.requests),
      })),
      onArrival: (number, agent) => this.onArrival(round, before, number, agent, pids),
      onInjected: (kind, path) => this.injected({ kind, place: path }),
    });
    const works: Work[] = [];
    for (const [index, plan] of round.workers.entries()) {
      const job = this.jobFor(round, plan, index);
      const work = await this.start(job);
      pids.set(job.agent, work.pid);
      works.push(work);
    }
    for (const { ending } of works) this.ended(await ending);
    if (round.meanwhile !== undefined) this.changeUpTo(before + 1);
  }

  private start(job: Job): Promise<Work> {
    return this.tools.pool.run(job, {
      onSleep: (ms) => this.clock.pass(ms),
      onInjected: (injected) => this.injected(injected),
    });
  }

  private jobFor(round: Round, plan: WorkerPlan, index: number): Job {
    const { home, clock, server, schedule, clean } = this;
    const { meanwhile } = round;
    const change = schedule.changes[this.done];
    const job: Job = {
      ...jobOf(schedule, { home, clockFile: clock.path, url: server.hosted.url }),
      agent: `worker ${index}`,
      timeoutMs: round.server.some(({ kind }) => kind.startsWith('timeout')) ? IMPATIENT_MS : PATIENT_MS,
      concurrency: plan.concurrency,
      seed: plan.seed,
      force: plan.force,
    };
    if (plan.file !== undefined) {
      const paths = [...new Set(schedule.changes.slice(0, this.done + 1).map(({ path }) => path))];
      job.file = paths[Math.floor(plan.file * paths.length)] ?? '';
    }
    if (plan.kill !== undefined && plan.kill.at !== 'arrival') {
      const { at, point, when } = plan.kill;
      job.kill = { at, when, number: place(point, at === 'write' ? clean.writes : clean.requests) };
    }
    if (plan.full !== undefined)
      job.full = { from: place(plan.full.point, clean.writes), count: plan.full.count };
    if (plan.refused !== undefined) {
      job.refused = { from: place(plan.refused.point, clean.requests), count: plan.refused.count };
    }
    if (index === 0 && change !== undefined && meanwhile !== undefined && meanwhile.at !== 'request') {
      const number = place(meanwhile.point, meanwhile.at === 'read' ? clean.reads : clean.writes);
      job.change = { at: meanwhile.at, number, change };
    }
    return job;
  }

  private onArrival(
    { jump, meanwhile, workers }: Round,
    before: number,
    number: number,
    agent: string,
    pids: ReadonlyMap<string, number>,
  ): 'taken' | 'dropped' | undefined {
    const { requests } = this.clean;
    if (typeof jump?.at === 'number' && place(jump.at, requests) === number) this.jump(jump.ms);
    if (meanwhile?.at === 'request' && place(meanwhile.point, requests) === number && this.done === before) {
      const change = this.schedule.changes[before];
      this.changeUpTo(before + 1);
      if (change !== undefined) this.count(`history ${change.kind} meanwhile`);
    }
    for (const [index, { kill }] of workers.entries()) {
      const pid = pids.get(`worker ${index}`);
      const isDue = kill?.at === 'arrival' && place(kill.point, requests) === number;
      if (!isDue || pid === undefined || agent !== `worker ${index}`) continue;
      process.kill(pid, 'SIGKILL');
      this.injected({ kind: 'kill -9', place: `while the server has its request, ${kill.when}` });
      return kill.when === 'before' ? 'dropped' : 'taken';
    }
    return undefined;
  }

  private ended(ending: Ending): void {
    this.tools.log?.(JSON.stringify(ending));
    // The disk may be too full to note that all is done; anything else that ends a process is a bug.
    if ('crashed' in ending && !ending.crashed.includes('ENOSPC')) this.outcome.problems.push(ending.crashed);
  }

  private changeUpTo(count: number): void {
    for (; this.done < Math.min(count, this.schedule.changes.length); this.done++) {
      const change = this.schedule.changes[this.done];
      if (change === undefined) return;
      applyOnDisk(this.home, change);
      this.tools.log?.(`${change.kind} ${change.path}: ${change.content?.length ?? 'gone'}`);
    }
  }

  private jump(ms: number): void {
    this.clock.jump(ms);
    this.count(ms < 0 ? 'clock set back' : 'clock set forward');
  }

  private injected({ kind, place }: Injected): void {
    this.tools.log?.(`${kind}: ${place}`);
    // The process has made the change itself.
    if (kind.startsWith('history ')) this.done++;
    this.count(kind);
    if (kind === 'kill -9' || kind === 'disk full') {
      const key = `${kind} ${place}`;
      this.outcome.places.set(key, (this.outcome.places.get(key) ?? 0) + 1);
    }
  }

  private count(kind: string): void {
    this.tools.log?.(kind);
    this.outcome.injected.set(kind, (this.outcome.injected.get(kind) ?? 0) + 1);
  }
}

/** The number of a point that lies so far on the way, and sometimes just behind the last one. */
function place(point: number, count: number): number {
  return 1 + Math.floor(point * (count + 1));
}

function fingerprint(shown: Shown): string {
  return JSON.stringify([...shown]);
}

function isWaiting(notice: string): boolean {
  return notice.includes('left to another process');
}

const SOURCES = { 'claude-code': claudeCode as Source, 'codex-cli': codex as Source };

/** What each state of the history would be sent as. */
function statesOf({ tool, changes }: Schedule, home: string): States {
  const source = SOURCES[tool];
  const env: Env = { home, vars: {}, now: () => LATE };
  mkdirSync(home, { recursive: true });
  return changes.map((change) => {
    applyOnDisk(home, change);
    const wires = new Map<string, WireSession>();
    for (const raw of findSessions(source, env)) {
      for (const prepared of readSessions(source, raw, 'all', {})) {
        const wire = wireOf(source, prepared, {});
        wires.set(wire.session.externalId, wire);
      }
    }
    return wires;
  });
}
