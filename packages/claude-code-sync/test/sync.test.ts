import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  newServer,
  type StoredMessage,
  stateOf,
  syncerOf,
  type WholeSession,
} from '../../core/test/embedded-server.js';
import { source } from '../src/source.js';
import { copyOfFixture, envOf, filesBelow, rowsOf, VERSIONS } from './home.js';

describe.each(VERSIONS)('the history of %s on a server', (version) => {
  it('is what list prints, in order, and is sent once', async () => {
    const home = copyOfFixture(version);
    const server = await newServer();
    const sync = syncerOf(source, envOf(home), server);
    const rows = rowsOf(home);
    const first = await sync();
    expect(first).toMatchObject({ failed: 0, poison: 0, unchanged: 0 });
    const state = await stateOf(server);
    expect([...state.keys()].sort()).toEqual(rows.map(({ id }) => id).sort());
    for (const row of rows) {
      const session = state.get(row.id) as WholeSession;
      const { promptTokens, completionTokens, cost } = row;
      expect(session).toMatchObject({ promptTokens, completionTokens, cost });
      expect(session.title).toBe(row.title ?? 'Untitled session');
      if (row.createdAt !== null) expect(session.createdAt).toBe(row.createdAt);
      expectInOrder(row.id, session.messages);
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
      await syncerOf(source, envOf(home), whole)();
      const sync = syncerOf(source, envOf(home), growing);
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

function expectInOrder(externalId: string, messages: StoredMessage[]): void {
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
      await syncerOf(source, envOf(home), await newServer())();
      expect(fingerprint()).toEqual(before);
    }
  });
});
