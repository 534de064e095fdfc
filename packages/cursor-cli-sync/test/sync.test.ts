import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningServer } from '@opensync/server';
import { expect, it } from 'vitest';
import {
  newServer,
  type StoredSession,
  storedMessages,
  storedSessions,
  syncerOf,
} from '../../core/test/embedded-server.js';
import { source } from '../src/source.js';
import {
  chat,
  copyOfFixture,
  envOf,
  folderOf,
  hooksOf,
  JOURNAL,
  record,
  rowsOf,
  sessionsOf,
  stateOf,
} from './home.js';
import { StoreEditor } from './store-editor.js';

it('sends what list prints, in order, once, and leaves the history as it is', async () => {
  const home = copyOfFixture();
  const before = stateOf(home);
  const server = await newServer();
  const sync = syncerOf(source, envOf(home), server);
  expect(await sync()).toMatchObject({ failed: 0, poison: 0, sessions: 10, unchanged: 0 });
  const sessions = await storedSessions(server);
  const rows = rowsOf(home);
  expect([...sessions.keys()].sort()).toEqual(rows.map(({ id }) => id).sort());
  for (const row of rows) {
    const session = sessions.get(row.id) as StoredSession;
    expect(session.title).toBe(row.title ?? 'Untitled session');
    expect(session.projectPath ?? null).toBe(row.projectPath);
    if (row.createdAt !== null) expect(session.createdAt).toBe(row.createdAt);
    const messages = await storedMessages(server, session.id);
    const count = (role: string) => messages.filter((message) => message.role === role).length;
    // The task of a subagent is a message, but nobody typed it.
    expect(count('user')).toBe(row.messages.user + (row.parentId === null ? 0 : 1));
    expect(count('assistant')).toBe(row.messages.assistant);
    const calls = messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool-call'));
    expect(calls).toHaveLength(row.toolCalls);
    const sent = sessionsOf(home).get(row.id)?.messages ?? [];
    expect(messages.map(({ externalId }) => externalId)).toEqual(
      sent.map(({ id }) => `cursor:${row.id}:${id}`),
    );
    expect(JSON.stringify(messages)).not.toContain('filler');
  }
  const second = await sync();
  expect(second).toMatchObject({ sessionsSent: 0, messagesSent: 0, failed: 0, unchanged: 10 });
  expect(await storedSessions(server)).toEqual(sessions);
  expect(stateOf(home)).toEqual(before);
});

it('opens nothing when nothing changed', async () => {
  const home = copyOfFixture();
  const paths = Object.keys(stateOf(home)).filter((name) => /\.(db|jsonl|txt)$/.test(name));
  const keepTime = (path: string) => utimesSync(path, 1_790_000_000, 1_790_000_000);
  paths.forEach(keepTime);
  const sync = syncerOf(source, envOf(home), await newServer());
  await sync();
  // Whoever opened one of these now would fail.
  for (const path of paths) {
    writeFileSync(path, 'x'.repeat(statSync(path).size));
    keepTime(path);
  }
  expect(await sync()).toMatchObject({ failed: 0, unchanged: 10, sessionsSent: 0, messagesSent: 0 });
});

it('sends no more than what is new, when a file of the chat is named', async () => {
  const home = copyOfFixture();
  const server = await newServer();
  const sync = syncerOf(source, envOf(home), server);
  await sync();
  const file = join(home, folderOf('2'), 'store.db');
  const store = new StoreEditor(file);
  const prompt = store.putMessage({ role: 'user', content: '<user_query>Thanks.</user_query>' });
  store.list = [...store.list, prompt];
  store.save();
  expect(await sync(file)).toMatchObject({ sessions: 1, messagesSent: 1, failed: 0 });
  expect((await storedSessions(server)).get(chat('2'))?.messageCount).toBe(8);
  const transcript = `.cursor/projects/home-dev-acme-api/agent-transcripts/${chat('2')}/${chat('2')}.jsonl`;
  writeFileSync(join(home, transcript), readFileSync(join(home, transcript)));
  expect(await sync(join(home, transcript))).toMatchObject({ sessions: 1, messagesSent: 0, failed: 0 });
});

it('ends the same when it was synced half-way as when it was synced at once', async () => {
  const [whole, growing] = [await newServer(), await newServer()];
  const home = copyOfFixture();
  await syncerOf(source, envOf(home), whole)();
  const sync = syncerOf(source, envOf(home), growing);
  const file = join(home, folderOf('2'), 'store.db');
  const finished = readFileSync(file);
  const { list } = new StoreEditor(file);
  for (let length = 2; length < list.length; length += 3) {
    const store = new StoreEditor(file);
    store.list = list.slice(0, length);
    store.save();
    await sync(file);
  }
  writeFileSync(file, finished);
  await sync();
  const contents = async (server: RunningServer) => {
    const session = (await storedSessions(server)).get(chat('2'));
    const messages = await storedMessages(server, `${session?.id}`);
    return messages.map(({ externalId, role, parts }) => ({ externalId, role, parts }));
  };
  expect(await contents(growing)).toEqual(await contents(whole));
});

it('sends a title that only the statistics of the tool know, when they come to know it', async () => {
  const home = copyOfFixture();
  const store = new StoreEditor(join(home, folderOf('2'), 'store.db'));
  store.meta.name = 'New Agent';
  store.save();
  const [tracking, later] = [join(home, '.cursor/ai-tracking'), join(home, 'later')];
  renameSync(tracking, later);
  const server = await newServer();
  const sync = syncerOf(source, envOf(home), server);
  await sync();
  const title = async () => (await storedSessions(server)).get(chat('2'))?.title;
  expect(await title()).toBe('Add a /healthz route and run the tests.');
  renameSync(later, tracking);
  expect(await sync()).toMatchObject({ sessionsSent: 1, messagesSent: 0, failed: 0 });
  expect(await title()).toBe('Add healthcheck route');
});

it('sends the totals of a chat when its last turn was recorded, and looks at no other chat', async () => {
  const home = copyOfFixture();
  const other = join(home, folderOf('6'), 'store.db');
  const keepTime = () => utimesSync(other, 1_790_000_000, 1_790_000_000);
  keepTime();
  const server = await newServer();
  const sync = syncerOf(source, envOf(home), server);
  await sync();
  const totals = async (number: string) => {
    const { promptTokens, completionTokens, cost } = (await storedSessions(server)).get(
      chat(number),
    ) as StoredSession;
    return { promptTokens, completionTokens, cost };
  };
  const last = hooksOf('2').length - 3;
  record(home, ...hooksOf('2').slice(0, last));
  expect(await sync()).toMatchObject({ sessionsSent: 0, messagesSent: 0, unchanged: 10, failed: 0 });
  expect(await totals('2')).toEqual({ promptTokens: 0, completionTokens: 0, cost: 0 });
  // Whoever opened this store now would fail.
  writeFileSync(other, 'x'.repeat(statSync(other).size));
  keepTime();
  record(home, ...hooksOf('2').slice(last));
  expect(await sync()).toMatchObject({ sessionsSent: 1, messagesSent: 0, unchanged: 9, failed: 0 });
  // No list has a price for this model.
  expect(await totals('2')).toEqual({ promptTokens: 52_061, completionTokens: 505, cost: 0 });
  expect(await sync()).toMatchObject({ sessionsSent: 0, unchanged: 10, failed: 0 });
});

it('finds the chats that the journal tells news of when it is the journal that changed', async () => {
  const home = copyOfFixture();
  const server = await newServer();
  const sync = syncerOf(source, envOf(home), server);
  record(home, ...hooksOf('2'));
  await sync();
  record(home, ...hooksOf('6'));
  expect(await sync(join(home, JOURNAL))).toMatchObject({ sessions: 2, sessionsSent: 1, unchanged: 1 });
  expect((await storedSessions(server)).get(chat('6'))).toMatchObject({
    promptTokens: 4000,
    completionTokens: 200,
    cost: 0.0022,
  });
});
