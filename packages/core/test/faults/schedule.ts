import type { Random } from '../harness/random.js';
import type { HostedOptions } from '../hosted-server.js';
import { evolve, type TimedChange } from './evolve.js';
import { type Fixtures, pickHistory } from './fixtures.js';
import { type Change, EPOCH } from './history.js';
import type { ToolName, When } from './job.js';

/** Everything that happens in a run, decided by its seed alone. */
export interface Schedule {
  tool: ToolName;
  server: Pick<HostedOptions, 'capabilities'> & { skewMs: number; poison: boolean };
  changes: Change[];
  rounds: Round[];
  /** The true time of the last sync at the earliest. */
  endsAt: number;
}

/** Part of the way through a job; how long that is, an undisturbed one shows. 0 ≤ point < 1 */
type Point = number;

/** The history changes, and then one or more processes sync it and fail. */
export interface Round {
  /** The true time at the earliest, milliseconds since the Unix epoch. */
  clock: number;
  /** How many changes have happened when it begins, at least. */
  changes: number;
  /** The next one happens while the first process is at work. */
  meanwhile?: { at: 'read' | 'write' | 'request'; point: Point };
  damage: Damage[];
  /** The clock of the machine is set, at a request or before the first. */
  jump?: { at: Point | 'before'; ms: number };
  workers: WorkerPlan[];
  server: ServerFault[];
}

export interface WorkerPlan {
  seed: number;
  concurrency: number;
  /** Syncs one of the files, as a hook does; which one of them. */
  file?: Point;
  force: boolean;
  kill?: { at: 'write' | 'request' | 'arrival'; point: Point; when: When };
  full?: { point: Point; count: number };
  refused?: { point: Point; count: number };
}

const SERVER_FAULTS = {
  'reset before the body': 2,
  'reset after the body': 2,
  'reset after it was taken': 4,
  'answer cut, taken': 2,
  timeout: 0.3,
  'timeout, taken': 0.6,
  '429': 1,
  '429 with Retry-After': 1,
  '500 with text': 2,
  '500 with text, taken': 1,
  '503': 1,
  '503, taken': 1,
  '200 with garbage': 1,
  '200 with garbage, taken': 1,
  'batch in part': 2,
  'batch that lies': 2,
  slow: 1,
  'slow by the clock': 1,
  'slow answer by the clock': 1,
};
export type ServerFaultKind = keyof typeof SERVER_FAULTS;

interface ServerFault {
  kind: ServerFaultKind;
  point: Point;
  /** Requests in a row. */
  count: number;
}

const DAMAGES = {
  'index torn': 2,
  'index deleted': 1,
  'index with garbage': 1,
  'checkpoint torn': 2,
  'checkpoint deleted': 2,
  'checkpoint of a newer version': 2,
  'checkpoint empty': 1,
  'settled torn': 1,
  'state deleted': 1,
};
export type DamageKind = keyof typeof DAMAGES;

interface Damage {
  kind: DamageKind;
  point: Point;
}

const SECOND = 1_000;
const HOUR = 3_600_000;

export function createSchedule(fixtures: Fixtures, random: Random): Schedule {
  const { tool, files } = pickHistory(fixtures, random);
  // While it was written, or long after.
  const live = random.chance(0.5);
  const changes = evolve(files, random, live);
  const starts = startsOf(changes, random);
  let clock = live ? Math.min(...changes.map(({ time }) => time || EPOCH)) : EPOCH;
  const rounds = starts.map((done, index): Round => {
    const youngest = live ? latest(changes.slice(0, done)) : 0;
    // Within the windows in which the server drops updates, mostly.
    const pause = live && random.chance(0.8) ? random.int(0, 2_500) : random.int(0, 20) * SECOND;
    clock = Math.max(clock + pause, youngest + random.pick([0, 300, 2_000, 6_000]));
    return roundAt(clock, done, index, random, done < changes.length);
  });
  const embedded = random.chance(0.3);
  return {
    tool,
    server: {
      capabilities: embedded ? ['batch', 'immediate-updates', 'unlimited'] : [],
      skewMs: random.chance(0.6) ? 0 : random.pick([-HOUR, -90 * SECOND, -700, 700, 90 * SECOND, HOUR]),
      poison: random.chance(0.15),
    },
    changes,
    rounds,
    endsAt: Math.max(clock, live ? latest(changes) : 0) + random.pick([0, 300, 2_000, 7_000, HOUR]),
  };
}

/** How many changes have happened when each round begins. Often one looks at a file just before it changes and one just after. */
function startsOf(changes: readonly Change[], random: Random): number[] {
  const starts = Array.from({ length: random.int(1, 3) }, () => random.int(0, changes.length));
  const later = changes.flatMap(({ kind }, index) => (kind === 'created' ? [] : [index]));
  if (later.length > 0 && random.chance(0.7)) {
    const index = random.pick(later);
    starts.push(index, index + 1);
  }
  return starts.sort((a, b) => a - b);
}

function latest(changes: readonly TimedChange[]): number {
  return changes.reduce((time, change) => Math.max(time, change.time), 0);
}

function roundAt(clock: number, changes: number, index: number, random: Random, more: boolean): Round {
  const many = random.weighted({ one: 7, two: 2, ten: 0.5 });
  const workers = Array.from({ length: { one: 1, two: 2, ten: 10 }[many] }, () => workerPlan(index, random));
  const round: Round = { clock, changes, damage: [], workers, server: [] };
  if (more && random.chance(0.4)) {
    round.meanwhile = { at: random.pick(['read', 'write', 'request']), point: early(index, random) };
  }
  if (index > 0 && random.chance(0.25)) {
    round.damage = Array.from({ length: random.int(1, 2) }, () => ({
      kind: random.weighted(DAMAGES),
      point: random.number(),
    }));
  }
  if (random.chance(0.15)) {
    const ms = random.pick([-25 * HOUR, -HOUR, -20_000, -2_000, 2_000, 20_000, HOUR, 25 * HOUR]);
    round.jump = { at: random.chance(0.3) ? 'before' : early(index, random), ms };
  }
  const faults = random.pick([0, 0, 1, 1, 2, 3]);
  for (let n = 0; n < faults; n++) round.server.push(serverFault(index, random));
  return round;
}

function serverFault(index: number, random: Random): ServerFault {
  const kind = random.weighted(SERVER_FAULTS);
  // A client tries five times. Each waiting in vain takes real time.
  const count = kind.startsWith('timeout') ? random.pick([1, 1, 2]) : random.pick([1, 1, 1, 2, 3, 5, 6, 17]);
  return { kind, point: early(index, random), count };
}

function workerPlan(index: number, random: Random): WorkerPlan {
  const plan: WorkerPlan = {
    seed: random.int(1, 2 ** 31),
    concurrency: random.pick([1, 1, 2, 4]),
    force: random.chance(0.05),
  };
  if (random.chance(0.2)) plan.file = random.number();
  const fault = random.weighted({ none: 3, write: 4, request: 2, arrival: 2, full: 1.5, refused: 1 });
  const point = early(index, random);
  if (fault === 'write') plan.kill = { at: 'write', point, when: random.pick(['before', 'half', 'after']) };
  if (fault === 'request') plan.kill = { at: 'request', point, when: random.pick(['before', 'after']) };
  if (fault === 'arrival') plan.kill = { at: 'arrival', point, when: random.pick(['before', 'after']) };
  if (fault === 'full') plan.full = { point, count: random.pick([1, 1, 2, 5, 1_000]) };
  if (fault === 'refused') plan.refused = { point, count: random.pick([1, 2, 5, 6, 1_000]) };
  return plan;
}

/** A first sync has most to do; later ones are over soon, and so must be what is to hit them. */
function early(index: number, random: Random): Point {
  return index === 0 ? random.number() : random.number() * random.number();
}
