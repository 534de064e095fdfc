import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { checkpointFolder, openCheckpoints } from '../src/checkpoint.js';
import { createClient } from '../src/client.js';
import type { Config } from '../src/config.js';
import type { Env, Source } from '../src/source.js';
import { type SyncContext, type SyncOptions, type SyncSummary, syncHistory } from '../src/sync.js';
import { temporaryDirectory } from './harness/temporary-directory.js';
import { API_KEY, type HostedOptions, type HostedServer, startHostedServer } from './hosted-server.js';
import { type TinyLine, tinySource } from './tiny-source.js';

/** Where the clock of a test stands at first: later than every fixture. */
export const START = Date.UTC(2026, 11, 1, 12);
export const MINUTE = 60_000;

/** A home directory, a clock that only sleeping moves, and a server that shares it. */
export interface World {
  home: string;
  /** `wrongBy`: how far somebody has set the machine's clock, in milliseconds. */
  clock: { now: number; wrongBy: number };
  server: HostedServer;
  /** What people would be told. */
  notices: string[];
  /** Writes `~/.tiny/<id>.jsonl`; `changedAt` is the file's time. */
  write(id: string, lines: TinyLine[], changedAt?: number): string;
  /** A run as a new process would do it: nothing but the disk is shared with the one before. */
  sync(options?: SyncOptions, changes?: Changes): Promise<SyncSummary>;
  context<R>(source: Source<R>, changes?: Changes): SyncContext<R>;
  /** Requests to `/sync/…` since it was last asked. */
  newRequests(): string[];
  stateFolder: string;
}

interface Changes {
  source?: Source<never>;
  config?: Config;
  fetch?: typeof fetch;
  apiKey?: string;
  url?: string;
  home?: string;
}

export async function createWorld(options: HostedOptions = {}): Promise<World> {
  const clock = { now: START, wrongBy: 0 };
  const server = await startHostedServer({ now: () => clock.now, ...options });
  onTestFinished(() => server.close());
  const home = temporaryDirectory();
  const env: Env = { home, vars: {}, now: () => clock.now + clock.wrongBy };
  const sleep = async (ms: number) => {
    clock.now += ms;
  };
  const notices: string[] = [];
  let seen = 0;
  const folderOf = (sourceId: string, url: string, apiKey: string) =>
    checkpointFolder({ env, sourceId, url, apiKey });
  const world: World = {
    home,
    clock,
    server,
    notices,
    write(id, lines, changedAt) {
      const path = join(home, '.tiny', `${id}.jsonl`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      if (changedAt !== undefined) utimesSync(path, changedAt / 1000, changedAt / 1000);
      return path;
    },
    sync: (syncOptions = {}, changes = {}) =>
      syncHistory(world.context((changes.source ?? tinySource) as Source, changes), {
        onNotice: (text) => notices.push(text),
        ...syncOptions,
      }),
    context: (source, { config, fetch, apiKey = API_KEY, url = server.url, ...rest } = {}) => ({
      source,
      env: { ...env, home: rest.home ?? home },
      config: { convexUrl: url, apiKey, ...config },
      client: createClient({ url, apiKey, sleep, now: env.now, ...(fetch && { fetch }) }),
      checkpoints: openCheckpoints(folderOf(source.id, url, apiKey), env.now),
      sleep,
      elapsed: () => world.clock.now,
    }),
    newRequests() {
      const paths = server.requests.filter(({ number }) => number > seen).map(({ path }) => path);
      seen += paths.length;
      return paths;
    },
    stateFolder: folderOf(tinySource.id, server.url, API_KEY),
  };
  return world;
}

/** A message of the user's, so many milliseconds after the start of a conversation an hour ago. */
export function prompt(id: string, text = `text of ${id}`, afterMs = 0): TinyLine {
  return { id, role: 'user', createdAt: START - 60 * MINUTE + afterMs, parts: [{ type: 'text', text }] };
}

/** Makes every lock below a folder look as if its process had been killed. */
export function killLockOwners(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.lock')) continue;
    const [, ...rest] = readFileSync(join(folder, name), 'utf8').split(' ');
    writeFileSync(join(folder, name), [DEAD_PROCESS, ...rest].join(' '));
  }
}

/** No system gives out process ids so high. */
export const DEAD_PROCESS = 2 ** 30;
/** Content of a lock whose process is gone. */
export const DEAD_LOCK = `${DEAD_PROCESS} ${hostname()} token`;

/** A server to which everything may be sent at once. */
export const SAFE: HostedOptions = { capabilities: ['batch', 'immediate-updates', 'unlimited'] };

/** All that the server of a world holds. */
export const snapshot = ({ server }: World) => server.store.snapshot();

/** What a server holds after one undisturbed sync of the history. */
export async function cleanSnapshot(
  options: HostedOptions,
  fill: (world: World) => void,
  sync = (w: World) => w.sync(),
) {
  const world = await createWorld(options);
  fill(world);
  expect(await sync(world)).toMatchObject({ failed: 0, poison: 0 });
  return { state: snapshot(world), requests: world.newRequests().length };
}
