import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkpointFolder,
  createClient,
  openCheckpoints,
  type SyncSummary,
  syncFile,
  syncHistory,
} from '@opensync/core';
import { type RunningServer, startServer } from '@opensync/server';
import { afterAll, describe, expect, it } from 'vitest';
import { source } from '../src/source.js';
import { copyOfFixture, envOf, rolloutsBelow, rowsOf, temporaryFolder, VERSIONS } from './home.js';

const now = () => Date.parse('2026-12-01T00:00:00Z');

const servers: RunningServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

async function newServer(): Promise<RunningServer> {
  const folder = temporaryFolder();
  const server = await startServer({ db: join(folder, 'server.db'), port: 0, home: folder, now });
  servers.push(server);
  return server;
}

/** What syncs a history to a server from here on, with a state of its own. */
function pluginOf(home: string, { url, apiKey }: RunningServer): (file?: string) => Promise<SyncSummary> {
  const env = { ...envOf(home), home: temporaryFolder(), now };
  const folder = checkpointFolder({ env, sourceId: source.id, url, apiKey });
  return (file) => {
    const client = createClient({ url, apiKey, now });
    const context = { source, env, config: {}, client, checkpoints: openCheckpoints(folder, now) };
    return file === undefined ? syncHistory(context) : syncFile(context, file);
  };
}

interface StoredMessage {
  externalId: string;
  role: string;
  createdAt: number;
}

interface StoredSession {
  id: string;
  externalId: string;
  title: string;
  projectPath?: string;
  provider?: string;
  model?: string;
  promptTokens: number;
  completionTokens: number;
  cost: number;
  createdAt: number;
  messages: StoredMessage[];
}

/** All that the server holds, by session, without the ids and clock readings of its own. */
async function stateOf({ url, apiKey }: RunningServer): Promise<Map<string, StoredSession>> {
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect(response.status).toBe(200);
    return response.json();
  };
  const { sessions } = (await get('/api/sessions?limit=1000')) as { sessions: StoredSession[] };
  const state = new Map<string, StoredSession>();
  for (const { id } of sessions) {
    const { session, messages } = (await get(`/api/sessions/get?id=${id}`)) as {
      session: StoredSession;
      messages: StoredMessage[];
    };
    state.set(session.externalId, { ...ofTheSource(session), messages: messages.map(ofTheSource) });
  }
  return state;
}

function ofTheSource<T extends object>(stored: T): T {
  const serverOwn = ['id', 'sessionId', 'updatedAt', 'lastSyncedAt', 'syncedAt', 'receivedAt'];
  return Object.fromEntries(Object.entries(stored).filter(([field]) => !serverOwn.includes(field))) as T;
}

describe.each(VERSIONS)('the history of %s on a server', (version) => {
  it('is what list prints, in order, and is sent once', async () => {
    const home = copyOfFixture(version);
    const server = await newServer();
    const sync = pluginOf(home, server);
    const rows = rowsOf(home);
    expect(await sync()).toMatchObject({
      failed: 0,
      poison: 0,
      sessions: rows.length,
      sessionsSent: rows.length,
    });
    const state = await stateOf(server);
    expect([...state.keys()].sort()).toEqual(rows.map(({ id }) => id).sort());
    for (const row of rows) {
      const session = state.get(row.id) as StoredSession;
      expect(session).toMatchObject({
        title: row.title ?? 'Untitled session',
        promptTokens: row.promptTokens ?? 0,
        completionTokens: row.completionTokens ?? 0,
        cost: row.cost ?? 0,
        createdAt: row.createdAt,
      });
      expect(session.projectPath ?? null).toBe(row.projectPath);
      expect(session.provider ?? null).toBe(row.provider);
      expect(session.model ?? null).toBe(row.model);
      for (const { externalId } of session.messages) expect(externalId).toMatch(`codex-cli:${row.id}:`);
      const times = session.messages.map(({ createdAt }) => createdAt);
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    }
    const second = await sync();
    expect(second).toMatchObject({ sessionsSent: 0, messagesSent: 0, failed: 0, unchanged: rows.length });
    expect(await stateOf(server)).toEqual(state);
  });

  it('ends the same after it was synced half-written', async () => {
    const [whole, growing] = [await newServer(), await newServer()];
    const home = copyOfFixture(version);
    await pluginOf(home, whole)();
    const sync = pluginOf(home, growing);
    const files = rolloutsBelow(home).map((path) => join(home, path));
    const contents = files.map((file) => readFileSync(file));
    const half = (content: Buffer) => Math.floor(content.length * 0.6);
    for (const [index, content] of contents.entries()) truncateSync(files[index] ?? '', half(content));
    await sync();
    for (const [index, content] of contents.entries())
      appendFileSync(files[index] ?? '', content.subarray(half(content)));
    for (const file of files) await sync(file);
    expect(await stateOf(growing)).toEqual(await stateOf(whole));
  });
});

describe('a rename', () => {
  it('reaches the server although no rollout changed', async () => {
    const home = copyOfFixture('0.169.0');
    const server = await newServer();
    const sync = pluginOf(home, server);
    await sync();
    const id = '01a20238-4245-7b42-9e64-6f6debd1f122';
    const index = join(home, 'session_index.jsonl');
    appendFileSync(index, `${JSON.stringify({ id, thread_name: 'Greeting', updated_at: 'x' })}\n`);
    expect(await sync(index)).toMatchObject({ sessionsSent: 1, messagesSent: 0 });
    expect((await stateOf(server)).get(id)?.title).toBe('Greeting');
  });
});
