import { OpenSyncError } from './errors.js';
import type { Server } from './send.js';
import type { SyncContext } from './sync.js';

/** So far two clocks may part while nobody sets one, milliseconds. */
const MAX_DRIFT_MS = 1_000;
/** Measurements, when the clock is set during each. */
const MAX_TRIES = 3;

interface Connected {
  server: Server;
  /** What the clock showed beyond the time that had passed. It changes when the clock is set, and in a sleep. */
  offset: number;
}

/**
 * Gives the server of a run, asked once for what it is. When the machine's clock was set meanwhile, or the
 * machine slept, it is asked once more: by a wrong clock messages would be sent too early or dated wrongly.
 */
export function createConnection<R>(context: SyncContext<R>): () => Promise<Server> {
  let connecting: Promise<Connected> | undefined;
  return async () => {
    connecting ??= connect(context);
    const current = connecting;
    const { server, offset } = await current;
    if (!isDrift(offset, offsetOf(context))) return server;
    if (connecting === current) connecting = connect(context);
    return (await connecting).server;
  };
}

async function connect<R>(context: SyncContext<R>): Promise<Connected> {
  for (let tries = 1; ; tries++) {
    const before = offsetOf(context);
    const server = await ask(context);
    const offset = offsetOf(context);
    if (!isDrift(before, offset) || tries === MAX_TRIES) return { server, offset };
  }
}

async function ask<R>(context: SyncContext<R>): Promise<Server> {
  const client = typeof context.client === 'function' ? await context.client() : context.client;
  const { success, data, error, kind } = await client.health();
  if (!success || data === undefined) throw new OpenSyncError(kind ?? 'network', error ?? 'No answer.');
  const has = (capability: string) => data.capabilities.includes(capability);
  return {
    client,
    skewMs: data.skewMs,
    batch: has('batch'),
    immediate: has('immediate-updates'),
    unlimited: has('unlimited'),
  };
}

function offsetOf<R>({ env, elapsed = () => performance.now() }: SyncContext<R>): number {
  return env.now() - elapsed();
}

function isDrift(before: number, after: number): boolean {
  return Math.abs(after - before) > MAX_DRIFT_MS;
}
