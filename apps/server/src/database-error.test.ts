import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { expect, it } from 'vitest';
import { testApp } from '../test/support.js';
import { openDatabase } from './database.js';
import { connect } from './sqlite.js';

it('asks to come again while another program holds the database, and says that it does', async () => {
  const { db, file, as, key } = testApp();
  db.get('PRAGMA busy_timeout = 1');
  const other = connect(file);
  other.exec('BEGIN IMMEDIATE');
  const refused = await as(key).session({ externalId: 's' });
  expect(refused).toMatchObject({
    status: 503,
    json: { error: expect.stringContaining('holds the database') },
  });
  expect(refused.headers.get('retry-after')).toBe('1');
  other.exec('ROLLBACK');
  other.close();
  expect((await as(key).session({ externalId: 's' })).status).toBe(200);
});

it.each([
  ['removed', (file: string) => rmSync(file)],
  ['moved away', (file: string) => renameSync(file, `${file}.old`)],
  [
    'replaced',
    (file: string) => {
      for (const end of ['', '-wal', '-shm']) renameSync(file + end, `${file}.old${end}`);
      openDatabase(file).close();
    },
  ],
  ['robbed of its log', (file: string) => rmSync(`${file}-wal`)],
])('acknowledges nothing once its database was %s', async (_, damage) => {
  const { file, as, key } = testApp();
  expect((await as(key).session({ externalId: 'before' })).status).toBe(200);
  damage(file);
  for (const answer of [await as(key).session({ externalId: 'after' }), await as(key).batch({})]) {
    expect([answer.status, answer.json.error]).toEqual([
      503,
      expect.stringContaining('Start the server again'),
    ]);
  }
});

it('says that a database is damaged, and still reads what is whole', async () => {
  const { db, file, close, as, key } = testApp();
  const text = Array.from({ length: 5000 }, (_, index) => `word${index}`).join(' ');
  for (const externalId of ['1', '2', '3', '4'])
    await as(key).message({ sessionExternalId: 's', externalId, textContent: text });
  db.get('PRAGMA wal_checkpoint(TRUNCATE)');
  close();
  const damaged = openSync(file, 'r+');
  for (let at = 15 * 4096; at < statSync(file).size; at += 4096)
    writeSync(damaged, Buffer.alloc(4096, 0xab), 0, 4096, at);
  closeSync(damaged);
  const app = testApp(undefined, file);
  expect((await app.as(key).get('/sync/sessions/list')).json.sessionIds).toEqual(['s']);
  const answer = await app.as(key).get('/api/search?q=word');
  expect([answer.status, answer.json.error]).toEqual([500, expect.stringContaining('damaged')]);
});
