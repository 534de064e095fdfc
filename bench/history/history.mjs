import { join } from 'node:path';
import { createRandom } from './random.mjs';
import { writeSession } from './session.mjs';
import { createTexts } from './texts.mjs';
import { addTo, noUsage } from './usage.mjs';

/** What differs between clients that matters to a reader. `placeholders`: only the last line has the final count. */
const CLIENTS = [
  { version: '2.1.330', requestLog: true },
  { version: '2.1.330', requestLog: true, hourCache: true },
  { version: '2.1.197', requestLog: false },
  { version: '2.1.197', requestLog: false },
  { version: '2.1.74', requestLog: false, placeholders: true },
];
const UNMARKED_CLIENT = CLIENTS[2];
const FORK_MARKS = ['requestSessionId', 'forkedFrom', 'none'];
const FORK_SHARE = 0.04;
const FORKABLE_BYTES = 150_000;
const FIRST_DAY = Date.UTC(2026, 0, 1);
const YEAR = 365 * 24 * 3_600_000;
const FILES_PER_SESSION = 1.25;

/**
 * Writes a whole history below `folder`, a `CLAUDE_CONFIG_DIR`.
 * @param options.bytes about how large; `sessions` or `files` how many, the latter exactly
 * @returns the truth: what a reader has to find
 */
export function writeHistory({ folder, bytes, sessions, files, seed, templates }) {
  const random = createRandom(seed);
  const expected = sessions ?? Math.max(1, Math.round(files / FILES_PER_SESSION));
  const truth = createTruth();
  const world = {
    random,
    templates,
    texts: createTexts(random),
    totals: truth.totals,
    record: truth.record,
    profile: { bigResults: 0.25 },
  };
  const projects = Array.from({ length: Math.ceil(Math.sqrt(expected) / 2) }, (_, index) =>
    projectOf(folder, index),
  );
  const forkable = new Map();
  const isDone = () =>
    sessions === undefined ? truth.totals.files >= files : truth.totals.sessions >= sessions;
  while (!isDone()) {
    const left = Math.max(1, expected - truth.totals.sessions);
    const budget = Math.max(2_000, ((bytes - truth.totals.bytes) / left) * shareOf(random));
    const roomForAgents = files === undefined || files - truth.totals.files >= 7;
    const plan = planSession(world, { project: random.pick(projects), budget, roomForAgents, forkable });
    keepForFork(forkable, plan, writeSession(world, plan));
    truth.totals.sessions++;
  }
  return truth.finish();
}

function projectOf(folder, index) {
  const cwd = `/home/dev/work/project-${index}`;
  return { cwd, folder: join(folder, 'projects', cwd.replace(/[^A-Za-z0-9]/g, '-')) };
}

/** Log-normal with mean 1. */
function shareOf(random) {
  const sigma = 1;
  return random.heavyTailed(1_000 * Math.exp(-(sigma ** 2) / 2), sigma) / 1_000;
}

function planSession({ random }, { project, budget, roomForAgents, forkable }) {
  const original = random.chance(FORK_SHARE) ? forkable.get(project.cwd) : undefined;
  const sessionId = random.uuid();
  const plan = {
    sessionId,
    path: join(project.folder, `${sessionId}.jsonl`),
    cwd: project.cwd,
    client: random.pick(CLIENTS),
    isTerminal: random.chance(0.6),
    startedAt: FIRST_DAY + Math.floor(random.unit() * YEAR),
    budget,
    agents: roomForAgents && random.chance(0.2) ? random.between(1, 3) : 0,
    keepForFork: original === undefined && budget < FORKABLE_BYTES,
  };
  return original === undefined ? plan : asFork(random, plan, original);
}

/** A fork by an unmarked client shows only when the files are compared: the original then ends where it was copied. */
function asFork(random, plan, original) {
  const mark = random.pick(FORK_MARKS);
  const client = mark === 'none' ? UNMARKED_CLIENT : CLIENTS[0];
  const copy = { lines: original.lines, sessionId: original.sessionId, mark };
  return { ...plan, client, copy, isTerminal: true, startedAt: original.endedAt + 60_000 };
}

function keepForFork(forkable, plan, written) {
  if (plan.copy !== undefined) forkable.delete(plan.cwd);
  else if (written.lines !== undefined) forkable.set(plan.cwd, written);
}

function createTruth() {
  const totals = {
    sessions: 0,
    subagents: 0,
    apiMessages: 0,
    files: 0,
    bytes: 0,
    lines: 0,
    usageLines: 0,
    bigLines: 0,
  };
  const usage = noUsage();
  const bySession = {};
  return {
    totals,
    record(id, sessionUsage) {
      if (id.includes('/')) totals.subagents++;
      addTo(usage, sessionUsage);
      bySession[id] = { ...sessionUsage };
    },
    finish: () => ({ totals, usage, bySession }),
  };
}
