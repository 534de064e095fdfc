import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
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
import { copyOfFixture, envOf, filesBelow, rowsOf, temporaryFolder, VERSIONS } from './home.js';

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
  textContent?: string;
  parts: { type: string; content: { id?: string } | string }[];
}

interface StoredSession {
  id: string;
  externalId: string;
  title: string;
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
  const serverOwn = new Set(['id', 'sessionId', 'updatedAt', 'lastSyncedAt', 'syncedAt', 'receivedAt']);
  return Object.fromEntries(Object.entries(stored).filter(([field]) => !serverOwn.has(field))) as T;
}

describe.each(VERSIONS)('the history of %s on a server', (version) => {
  it('is what list prints, in order, and is sent once', async () => {
    const home = copyOfFixture(version);
    const server = await newServer();
    const sync = pluginOf(home, server);
    const rows = rowsOf(home);
    const first = await sync();
    expect(first).toMatchObject({ failed: 0, poison: 0, unchanged: 0 });
    const state = await stateOf(server);
    expect([...state.keys()].sort()).toEqual(rows.map(({ id }) => id).sort());
    for (const row of rows) {
      const session = state.get(row.id) as StoredSession;
      const { promptTokens, completionTokens, cost } = row;
      expect(session).toMatchObject({ promptTokens, completionTokens, cost });
      expect(session.title).toBe(row.title ?? 'Untitled session');
      if (row.createdAt !== null) expect(session.createdAt).toBe(row.createdAt);
      expectInOrder(session);
    }
    const second = await sync();
    expect(second).toMatchObject({ sessionsSent: 0, messagesSent: 0, failed: 0, unchanged: second.sessions });
    expect(await stateOf(server)).toEqual(state);
  });

  it.each([1, 2, 3])(
    'ends the same after it was synced half-written, wherever it was cut (%i)',
    async (seed) => {
      const [whole, growing] = [await newServer(), await newServer()];
      const home = copyOfFixture(version);
      await pluginOf(home, whole)();
      const sync = pluginOf(home, growing);
      const files = filesBelow(home)
        .filter((file) => file.endsWith('.jsonl'))
        .map((file) => join(home, file));
      const contents = new Map(files.map((file) => [file, readFileSync(file)]));
      for (const [file, bytes] of contents)
        truncateSync(file, Math.floor(shareOf(`${seed} ${file.slice(home.length)}`) * bytes.length));
      const first = await sync();
      expect(first.failed).toBe(0);
      for (const [file, bytes] of contents) {
        writeFileSync(file, bytes);
        // As a hook would do it: one file that has changed, the others not yet.
        await sync(file);
      }
      await sync();
      expect(await stateOf(growing)).toEqual(await stateOf(whole));
    },
  );
});

/** Between 0 and 1, the same for the same text. */
function shareOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

function expectInOrder({ externalId, messages }: StoredSession): void {
  let before = 0;
  for (const message of messages) {
    expect(message.externalId.startsWith(`claude-code:${externalId}:`)).toBe(true);
    expect(message.createdAt).toBeGreaterThan(before);
    before = message.createdAt;
    message.parts.forEach((part, index) => {
      if (part.type !== 'tool-result') return;
      const { id } = part.content as { id: string };
      expect(message.parts[index - 1]).toMatchObject({ type: 'tool-call', content: { id } });
    });
  }
}

describe('reading', () => {
  it('leaves the files of the tool as they were', async () => {
    for (const version of VERSIONS) {
      const home = copyOfFixture(version);
      const fingerprint = () =>
        filesBelow(home).map((file) => {
          const path = join(home, file);
          return [
            file,
            createHash('sha256').update(readFileSync(path)).digest('hex'),
            statSync(path).mtimeMs,
          ];
        });
      const before = fingerprint();
      rowsOf(home);
      await pluginOf(home, await newServer())();
      expect(fingerprint()).toEqual(before);
    }
  });
});
