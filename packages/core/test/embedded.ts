import { join } from 'node:path';
import {
  checkpointFolder,
  createClient,
  type Env,
  openCheckpoints,
  type Source,
  type SyncSummary,
  syncFile,
  syncHistory,
} from '@opensync/core';
import { type RunningServer, startServer } from '@opensync/server';
import { expect, onTestFinished } from 'vitest';
import { temporaryDirectory } from './world.js';

/* A source and the embedded server: what the one sends, and what the other then holds. */

/** A server that is gone after the test, with an empty database. */
export async function newServer(now: () => number): Promise<RunningServer> {
  const folder = temporaryDirectory();
  const server = await startServer({ db: join(folder, 'server.db'), port: 0, home: folder, now });
  onTestFinished(() => server.close());
  return server;
}

/** What syncs the history of `env` to a server from here on, with a state of its own. */
export function syncTo<R>(
  { url, apiKey }: RunningServer,
  source: Source<R>,
  env: Env,
): (file?: string) => Promise<SyncSummary> {
  const state = { ...env, home: temporaryDirectory() };
  const folder = checkpointFolder({ env: state, sourceId: source.id, url, apiKey });
  return (file) => {
    const client = createClient({ url, apiKey, now: env.now });
    const context = { source, env, config: {}, client, checkpoints: openCheckpoints(folder, env.now) };
    return file === undefined ? syncHistory(context) : syncFile(context, file);
  };
}

export interface StoredMessage {
  externalId: string;
  role: string;
  createdAt: number;
  textContent?: string;
  parts: { type: string; content: { id?: string } | string }[];
}

export interface StoredSession {
  id: string;
  externalId: string;
  title: string;
  projectPath?: string;
  provider?: string;
  model?: string;
  messageCount: number;
  promptTokens: number;
  completionTokens: number;
  cost: number;
  createdAt: number;
}

export async function get<T>({ url, apiKey }: RunningServer, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** Sessions by their own ids. */
export async function storedSessions(server: RunningServer): Promise<Map<string, StoredSession>> {
  const { sessions } = await get<{ sessions: StoredSession[] }>(server, '/api/sessions?limit=1000');
  return new Map(sessions.map((session) => [session.externalId, session]));
}

export interface StoredTranscript extends StoredSession {
  messages: StoredMessage[];
}

/** All that the server holds, by session, without the ids and clock readings of its own. */
export async function storedState(server: RunningServer): Promise<Map<string, StoredTranscript>> {
  const state = new Map<string, StoredTranscript>();
  for (const { id } of (await storedSessions(server)).values()) {
    const { session, messages } = await get<{ session: StoredSession; messages: StoredMessage[] }>(
      server,
      `/api/sessions/get?id=${id}`,
    );
    state.set(session.externalId, { ...ofTheSource(session), messages: messages.map(ofTheSource) });
  }
  return state;
}

const SERVERS_OWN = new Set(['id', 'sessionId', 'updatedAt', 'lastSyncedAt', 'syncedAt', 'receivedAt']);

function ofTheSource<T extends object>(stored: T): T {
  return Object.fromEntries(Object.entries(stored).filter(([field]) => !SERVERS_OWN.has(field))) as T;
}
