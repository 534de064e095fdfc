import { describe, expect, it } from 'vitest';
import {
  newServer,
  type StoredMessage,
  type StoredSession,
  storedMessages,
  storedSessions,
  syncerOf,
} from '../../core/test/embedded-server.js';
import { source } from '../src/source.js';
import { copyOf, databaseOf, edit, envOf, fingerprint, rowsOf } from './home.js';

describe.each([[['1.18.33']], [['1.18.33-wal']], [['1.1.65']], [['0.5.29']], [['1.18.33', '1.1.65']]])(
  'the history of %s on a server',
  (versions) => {
    it('is what list prints, in order, and is sent once', async () => {
      const home = copyOf(...versions);
      const before = fingerprint(home);
      const server = await newServer();
      const sync = syncerOf(source, envOf(home), server);
      const rows = rowsOf(home);
      expect(await sync()).toMatchObject({ failed: 0, poison: 0, unchanged: 0, sessions: rows.length });
      const stored = await storedSessions(server);
      expect([...stored.keys()].sort()).toEqual(rows.map(({ id }) => id).sort());
      for (const row of rows) {
        const session = stored.get(row.id) as StoredSession;
        const { promptTokens, completionTokens, createdAt } = row;
        const title = row.title ?? 'Untitled session';
        expect(session).toMatchObject({ title, promptTokens, completionTokens, createdAt });
        expectInOrder(row.id, await storedMessages(server, session.id));
      }
      const second = await sync();
      expect(second).toMatchObject({ sessionsSent: 0, messagesSent: 0, failed: 0, unchanged: rows.length });
      expect(fingerprint(home)).toEqual(before);
    });
  },
);

function expectInOrder(sessionId: string, messages: StoredMessage[]): void {
  let before = 0;
  for (const { externalId, createdAt, parts } of messages) {
    expect(externalId.startsWith(`opencode:${sessionId}:`)).toBe(true);
    expect(createdAt).toBeGreaterThan(before);
    before = createdAt;
    parts.forEach((part, index) => {
      if (part.type !== 'tool-result') return;
      expect(parts[index - 1]).toMatchObject({
        type: 'tool-call',
        content: { id: (part.content as { id: string }).id },
      });
    });
  }
}

describe('a trigger that names the database', () => {
  it('sends every session of it, and afterwards what has changed alone', async () => {
    const home = copyOf('1.18.33');
    const server = await newServer();
    const sync = syncerOf(source, envOf(home), server);
    expect(await sync(databaseOf(home))).toMatchObject({ sessions: 15, sessionsSent: 15, failed: 0 });
    const id = 'ses_dfdb0da0fffeQopKN3CZfq2pwg';
    edit(databaseOf(home), (db) => {
      db.exec(`UPDATE session SET title = 'Renamed' WHERE id = '${id}'`);
      db.exec(`UPDATE event_sequence SET seq = seq + 1 WHERE aggregate_id = '${id}'`);
    });
    expect(await sync(databaseOf(home))).toMatchObject({ sessionsSent: 1, messagesSent: 0, unchanged: 14 });
    expect((await storedSessions(server)).get(id)?.title).toBe('Renamed');
  });
});
