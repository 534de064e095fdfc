import { createHash, randomUUID } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { errorCode } from './errors.js';
import { isAlive } from './is-alive.js';
import type { Acknowledged } from './plan.js';
import { appendPrivate } from './private-file.js';
import { jsonOf } from './read/parse-json.js';
import { isFields } from './read/values.js';
import type { Env } from './source.js';
import { isLoopback } from './url.js';
import { writeFileAtomic } from './write-file.js';

/**
 * What a server has acknowledged, on disk: one file a session, and an index that says which version
 * of a session is complete there, so that a run with nothing to do reads nothing else. Both may be
 * deleted at any time; the next run then sends everything again, which the server takes as updates.
 *
 * ~/.opensync/state/<server>/<source>/index.jsonl
 * ~/.opensync/state/<server>/<source>/.settled.json, of no use without the index
 * ~/.opensync/state/<server>/<source>/<session>.json
 */
export interface CheckpointStore {
  /** What the server holds completely, by session id. */
  complete(): ReadonlyMap<string, Complete>;
  /** Notes that the server holds this version completely. */
  setComplete(sessionId: string, complete: Complete): void;
  /** The state of the whole history at which the server held all of it; saves reading the index. */
  settled(): Settled | undefined;
  setSettled(settled: Settled): void;
  load(sessionId: string): Checkpoint | undefined;
  save(sessionId: string, checkpoint: Checkpoint): void;
  has(sessionId: string): boolean;
  /**
   * Runs `work` while no other process works on the session. When another one does, it is asked to
   * look once more after it is done, and the result is undefined.
   */
  exclusively<T>(sessionId: string, work: () => Promise<T>): Promise<T | undefined>;
  /** Sessions that changed before this time are left alone until they change; see `sync --all`. */
  floor(): number | undefined;
  setFloor(changedAt: number): void;
  /** When the server last took something, milliseconds since the Unix epoch; undefined when it never did. */
  changedAt(): number | undefined;
}

/** A version of a session, and how many sessions it came to on the server, subagents included. */
interface Complete {
  version: string;
  sessions: number;
}

interface Settled {
  digest: string;
  /** How many sessions the history came to, subagents included. */
  sessions: number;
}

/** By externalId: a session and the subagents it is read with. */
export interface Checkpoint {
  schema: 1;
  sessions: Record<string, Acknowledged>;
}

/** A lock that nobody touched for so long is left over, even when its process id is in use again. */
const LOCK_STALE_MS = 10 * 60_000;
const LOCK_TOUCH_MS = 60_000;

interface CheckpointLocation {
  env: Env;
  sourceId: string;
  url: string;
  apiKey: string;
}

/**
 * State belongs to one account on one server: another key may be another account. An embedded server
 * is known by its key alone, since it takes another port when its own is busy.
 */
export function checkpointFolder({ env, sourceId, url, apiKey }: CheckpointLocation): string {
  const place = isLoopback(new URL(url).hostname) ? 'loopback' : url;
  const account = createHash('sha256').update(`${place}\0${apiKey}`).digest('hex').slice(0, 16);
  return join(env.home, '.opensync', 'state', account, sourceId);
}

export function openCheckpoints(folder: string, now: () => number): CheckpointStore {
  const indexFile = join(folder, 'index.jsonl');
  // No session's file begins with a dot.
  const floorFile = join(folder, '.floor.json');
  const settledFile = join(folder, '.settled.json');
  const fileOf = (sessionId: string) => join(folder, `${fileName(sessionId)}.json`);
  let index: Map<string, Complete> | undefined;
  const complete = () => (index ??= readIndex(indexFile));
  return {
    complete,
    setComplete(sessionId, entry) {
      if (complete().get(sessionId)?.version === entry.version) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      appendPrivate(indexFile, indexLine(sessionId, entry));
      complete().set(sessionId, entry);
    },
    settled() {
      if (!existsSync(indexFile)) return undefined;
      const { digest, sessions } = (jsonOf(readIfExists(settledFile) ?? '{}') ?? {}) as Partial<Settled>;
      return typeof digest === 'string' && typeof sessions === 'number' ? { digest, sessions } : undefined;
    },
    setSettled: (settled) => writeFileAtomic(settledFile, JSON.stringify(settled), { durable: false }),
    load: (sessionId) => readCheckpoint(fileOf(sessionId)),
    save: (sessionId, checkpoint) =>
      // After a power cut an older one, or none, makes the next run send more than it must, and lose nothing.
      writeFileAtomic(fileOf(sessionId), JSON.stringify(checkpoint), { durable: false }),
    has: (sessionId) => existsSync(fileOf(sessionId)),
    exclusively: (sessionId, work) => exclusively(fileOf(sessionId), now, work),
    floor() {
      const text = readIfExists(floorFile);
      const changedAt = text === undefined ? undefined : (jsonOf(text) as { changedAt?: unknown })?.changedAt;
      return typeof changedAt === 'number' ? changedAt : undefined;
    },
    setFloor: (changedAt) => writeFileAtomic(floorFile, JSON.stringify({ changedAt })),
    changedAt: () => statSync(indexFile, { throwIfNoEntry: false })?.mtimeMs,
  };
}

function fileName(sessionId: string): string {
  const encoded = encodeURIComponent(sessionId.toWellFormed()).replace(/[.*]/g, '_');
  if (encoded.length <= 100 && encoded === sessionId) return encoded;
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 32);
}

function indexLine(sessionId: string, { version, sessions }: Complete): string {
  return `${JSON.stringify([sessionId, version, sessions])}\n`;
}

/** Of several lines for one session the last one holds; a torn line is none. */
function readIndex(file: string): Map<string, Complete> {
  const index = new Map<string, Complete>();
  const lines = indexLines(readIfExists(file) ?? '');
  for (const line of lines) {
    const [id, version, sessions] = Array.isArray(line) ? line : [];
    if (typeof id === 'string' && typeof version === 'string') {
      index.set(id, { version, sessions: Number(sessions) || 0 });
    }
  }
  if (lines.length > 2 * index.size + 1_000) {
    writeFileAtomic(file, [...index].map(([id, entry]) => indexLine(id, entry)).join(''));
  }
  return index;
}

/** All lines at once, which is several times as fast; one by one when one of them is torn. */
function indexLines(text: string): unknown[] {
  const whole = text.slice(0, text.lastIndexOf('\n'));
  const lines = jsonOf(`[${whole.replaceAll('\n', ',')}]`);
  return Array.isArray(lines) ? lines : whole.split('\n').map(jsonOf);
}

/** A checkpoint that cannot be understood is no checkpoint: everything is sent again. */
function readCheckpoint(file: string): Checkpoint | undefined {
  const text = readIfExists(file);
  const value = text === undefined ? undefined : jsonOf(text);
  return isCheckpoint(value) ? value : undefined;
}

/** By hand: this file is read when there is nothing else to do, and a schema would cost more than the rest. */
function isCheckpoint(value: unknown): value is Checkpoint {
  const { schema, sessions } = (value ?? {}) as Partial<Checkpoint>;
  return schema === 1 && isFields(sessions) && Object.values(sessions).every(isAcknowledged);
}

function isAcknowledged(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { header, title, messages, refused = {} } = value;
  return [header, title].every(isOptionalText) && isTexts(messages) && isTexts(refused);
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return isFields(value) && Object.values(value).every((text) => typeof text === 'string');
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function exclusively<T>(
  file: string,
  now: () => number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const lock = `${file}.lock`;
  const again = `${file}.again`;
  let result: T | undefined;
  do {
    let token = acquire(lock, now);
    if (token === undefined) {
      // The mark comes before the second try: a holder that lets go in between has not seen the mark,
      // and one that lets go later will.
      writeFileAtomic(again, '');
      token = acquire(lock, now);
      if (token === undefined) return result;
    }
    result = await holding(lock, token, now, () => {
      rmSync(again, { force: true });
      return work();
    });
  } while (existsSync(again));
  return result;
}

async function holding<T>(
  lock: string,
  token: string,
  now: () => number,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setInterval(() => touch(lock, now()), LOCK_TOUCH_MS);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // A process that slept for long, as computers do, may have lost its lock to another one.
    if (readIfExists(lock) === token) rmSync(lock, { force: true });
  }
}

/** The content of the lock; undefined when another process holds it. */
function acquire(lock: string, now: () => number): string | undefined {
  const token = create(lock, now);
  if (token !== undefined) return token;
  const stale = staleToken(lock, now);
  return stale !== undefined && remove(lock, stale) ? create(lock, now) : undefined;
}

/** Process and machine, and what tells this lock from any other of theirs. */
function create(lock: string, now: () => number): string | undefined {
  const token = `${process.pid} ${hostname()} ${randomUUID()}`;
  const own = `${lock}.${randomUUID()}`;
  mkdirSync(dirname(lock), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(own, token, { flag: 'wx', mode: 0o600 });
    touch(own, now());
    putInPlace(own, lock);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return undefined;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
  touch(lock, now());
  return token;
}

/** As a link it says whose it is from the first moment on: neither a crash nor a full disk leaves one that nobody can judge. */
function putInPlace(own: string, lock: string): void {
  try {
    linkSync(own, lock);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw error;
    // A file system without links.
    copyFileSync(own, lock, constants.COPYFILE_EXCL);
  }
}

/** A lock that cannot be touched looks left over too early, which costs repeated work at most. */
function touch(lock: string, now: number): void {
  try {
    utimesSync(lock, now / 1000, now / 1000);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** Content of a lock whose owner is gone; undefined when it is held or was let go of meanwhile. */
function staleToken(lock: string, now: () => number): string | undefined {
  const token = readIfExists(lock);
  const touchedAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (token === undefined || touchedAt === undefined) return undefined;
  // Empty while its owner is between creating and writing it, on a file system without links.
  const [pid, host] = token.split(' ');
  const isDead = host === hostname() && !isAlive(Number(pid));
  return isDead || now() - touchedAt > LOCK_STALE_MS ? token : undefined;
}

/** Removes a left-over lock, unless another process has just replaced it with its own. */
function remove(lock: string, stale: string): boolean {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
  const isStale = readFileSync(aside, 'utf8') === stale;
  if (isStale || existsSync(lock)) rmSync(aside, { force: true });
  else renameSync(aside, lock);
  return isStale;
}
