import { join } from 'node:path';
import { type RunningServer, startServer } from '@opensync/server';
import { expect, onTestFinished } from 'vitest';
import { checkpointFolder, openCheckpoints } from '../src/checkpoint.js';
import { createClient } from '../src/client.js';
import type { Env, Source } from '../src/source.js';
import { type SyncSummary, syncFile, syncHistory } from '../src/sync.js';
import { temporaryDirectory } from './harness/temporary-directory.js';

/** Later than every record of the fixtures. */
const now = () => Date.UTC(2026, 11, 1);

export async function newServer(): Promise<RunningServer> {
  const home = temporaryDirectory();
  const server = await startServer({ db: join(home, 'server.db'), port: 0, home, now });
  onTestFinished(() => server.close());
  return server;
}

/** What syncs a history, or one file of it, to a server from here on, with a state of its own. */
export function syncerOf<R>(
  source: Source<R>,
  history: Env,
  { url, apiKey }: RunningServer,
): (file?: string) => Promise<SyncSummary> {
  const env = { ...history, now };
  const state = { ...env, home: temporaryDirectory() };
  const folder = checkpointFolder({ env: state, sourceId: source.id, url, apiKey });
  return (file) => {
    const client = createClient({ url, apiKey, now });
    const context = { source, env, config: {}, client, checkpoints: openCheckpoints(folder, now) };
    return file === undefined ? syncHistory(context) : syncFile(context, file);
  };
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

export interface StoredMessage {
  externalId: string;
  role: string;
  createdAt: number;
  textContent?: string;
  parts: { type: string; content: { id?: string } | string }[];
}

export interface WholeSession extends StoredSession {
  messages: StoredMessage[];
}

/** What the server answers to a request for a path. */
export async function get<T>({ url, apiKey }: RunningServer, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** The sessions that the server holds, by the tool's id. */
export async function storedSessions(server: RunningServer): Promise<Map<string, StoredSession>> {
  const { sessions } = await get<{ sessions: StoredSession[] }>(server, '/api/sessions?limit=1000');
  return new Map(sessions.map((session) => [session.externalId, session]));
}

/** @param id the server's */
export async function storedMessages(server: RunningServer, id: string): Promise<StoredMessage[]> {
  const { messages } = await get<{ messages: StoredMessage[] }>(server, `/api/sessions/get?id=${id}`);
  return messages;
}

/** All that the server holds, by the tool's id, without the ids and clock readings of its own. */
export async function stateOf(server: RunningServer): Promise<Map<string, WholeSession>> {
  const state = new Map<string, WholeSession>();
  for (const [externalId, session] of await storedSessions(server)) {
    const messages = await storedMessages(server, session.id);
    state.set(externalId, { ...ofTheSource(session), messages: messages.map(ofTheSource) });
  }
  return state;
}

function ofTheSource<T extends object>(stored: T): T {
  const serverOwn = ['id', 'sessionId', 'updatedAt', 'lastSyncedAt', 'syncedAt', 'receivedAt'];
  return Object.fromEntries(Object.entries(stored).filter(([field]) => !serverOwn.includes(field))) as T;
}
