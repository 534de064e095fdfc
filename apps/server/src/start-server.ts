import { resolve } from 'node:path';
import { createApp } from './app.js';
import { type Database, openDatabase } from './database.js';
import { isLoopback } from './guard.js';
import { addKey, addUser, ensureOwner, randomSecret, userOfKey } from './keys.js';
import { type Listener, listen } from './listen.js';
import { createLimits } from './rate-limit.js';
import { readServerFile, type ServerFile, writeServerFile } from './server-file.js';
import { VERSION } from './version.js';

export const DEFAULT_PORT = 4747;

export interface ServerOptions {
  /** File of the database; created when it is missing. */
  db: string;
  /** 0 is any free port. Without it: 4747, or any free one when that is taken. */
  port?: number;
  /** "127.0.0.1" without it. Other machines can reach anything that is not loopback. */
  host?: string;
  /** Must be true for a host that is not loopback. */
  allowRemote?: boolean;
  /** Where to leave `.opensync/server.json` with URL and key. Without it nothing is written but the database. */
  home?: string;
  /** Milliseconds since the Unix epoch. */
  now?: () => number;
  /** What `/health` reports. */
  version?: string;
}

export interface RunningServer {
  /** Base of the API, without a slash at the end. */
  url: string;
  port: number;
  /** A key of the first user. */
  apiKey: string;
  /** For a person to click: opens the page without a key, for as long as the server runs. */
  openUrl: string;
  /** Creates a further user and returns their key, which cannot be read again. */
  addUser(name: string): string;
  close(): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', allowRemote = false, now = Date.now, version = VERSION } = options;
  refuseRemote(host, allowRemote);
  const file = resolve(options.db);
  const db = openDatabase(file);
  try {
    const ownerId = ensureOwner(db, now());
    const pageToken = { value: randomSecret('page_'), userId: ownerId };
    const app = createApp({ db, now, version, allowRemote, pageToken, limits: createLimits() });
    const listener = await listenOn(app, host, options.port);
    const url = `http://${urlHost(host)}:${listener.port}`;
    const before = options.home === undefined ? undefined : readServerFile(options.home);
    const apiKey = publish(db, ownerId, { url, file, home: options.home, now: now() });
    return {
      url,
      port: listener.port,
      apiKey,
      openUrl: `${url}/#token=${pageToken.value}`,
      addUser: (name) => addUser(db, name, now()),
      async close() {
        await close(listener, db);
        giveBack(options.home, before);
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function refuseRemote(host: string, allowRemote: boolean): void {
  if (allowRemote || isLoopback(host)) return;
  throw new Error(
    `Host ${host} would let other machines reach this server, and your sessions and the key would ` +
      'travel unencrypted. Leave --host away, or add --allow-remote if that is what you want.',
  );
}

async function listenOn(app: Parameters<typeof listen>[0], host: string, port?: number): Promise<Listener> {
  try {
    return await listen(app, host, port ?? DEFAULT_PORT);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    if (port === undefined) return listen(app, host, 0);
    throw new Error(`Port ${port} on ${host} is in use. Choose another with --port, or 0 for any free one.`, {
      cause: error,
    });
  }
}

/** Leaves URL and key where plugins look for them. A key of this database that is there already stays. */
function publish(
  db: Database,
  ownerId: number,
  { url, file, home, now }: { url: string; file: string; home: string | undefined; now: number },
): string {
  if (home === undefined) return addKey(db, ownerId, now);
  const known = readServerFile(home)?.apiKey;
  const isValid = known !== undefined && userOfKey(db, known) !== undefined;
  const apiKey = isValid ? known : addKey(db, ownerId, now);
  writeServerFile(home, { url, apiKey, pid: process.pid, db: file });
  return apiKey;
}

/** To a server that was there before, and still runs, and would not be found any more. */
function giveBack(home: string | undefined, before: ServerFile | undefined): void {
  if (home === undefined || before === undefined || before.pid === process.pid) return;
  if (readServerFile(home)?.pid === process.pid && isAlive(before.pid)) writeServerFile(home, before);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function close(listener: Listener, db: Database): Promise<void> {
  await listener.close();
  db.close();
}

/** An address that a client on this machine can call. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
