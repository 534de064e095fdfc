import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newServer, stateOf, syncerOf, type WholeSession } from '../../core/test/embedded-server.js';
import { source } from '../src/source.js';
import { copyOfFixture, envOf, rolloutsBelow, rowsOf, VERSIONS } from './home.js';

describe.each(VERSIONS)('the history of %s on a server', (version) => {
  it('is what list prints, in order, and is sent once', async () => {
    const home = copyOfFixture(version);
    const server = await newServer();
    const sync = syncerOf(source, envOf(home), server);
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
      const session = state.get(row.id) as WholeSession;
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
    await syncerOf(source, envOf(home), whole)();
    const sync = syncerOf(source, envOf(home), growing);
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
    const sync = syncerOf(source, envOf(home), server);
    await sync();
    const id = '01a20238-4245-7b42-9e64-6f6debd1f122';
    const index = join(home, 'session_index.jsonl');
    appendFileSync(index, `${JSON.stringify({ id, thread_name: 'Greeting', updated_at: 'x' })}\n`);
    expect(await sync(index)).toMatchObject({ sessionsSent: 1, messagesSent: 0 });
    expect((await stateOf(server)).get(id)?.title).toBe('Greeting');
  });
});
