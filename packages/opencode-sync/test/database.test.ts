import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyOf, databaseOf, edit, fingerprint, rawsOf, rowsOf, sessionOf } from './home.js';

const HELLO = 'ses_dfdb0da0fffeQopKN3CZfq2pwg';

/** Another process, as a client is: has the database open in WAL mode, renames a session when it is told to. */
const CLIENT = `
  let sqlite;
  try { sqlite = require('node:sqlite'); } catch { sqlite = require(process.argv[2]); }
  const db = new sqlite.DatabaseSync(process.argv[1]);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
  const rename = (title) => db.exec("UPDATE session SET title = '" + title + "' WHERE id = '${HELLO}'; UPDATE event_sequence SET seq = seq + 1 WHERE aggregate_id = '${HELLO}'");
  rename('first');
  process.stdout.write('ready');
  process.stdin.on('data', (title) => { rename(String(title)); process.stdout.write('done'); });
`;

async function startClient(
  file: string,
): Promise<{ rename(title: string): Promise<void>; process: ChildProcess }> {
  const driver = createRequire(import.meta.url).resolve('@photostructure/sqlite');
  const client = spawn(process.execPath, ['--no-warnings', '-e', CLIENT, file, driver]);
  onTestFinished(() => void client.kill('SIGKILL'));
  await once(client.stdout, 'data');
  const rename = async (title: string) => {
    client.stdin.write(title);
    await once(client.stdout, 'data');
  };
  return { rename, process: client };
}

describe('reading a database', () => {
  it('changes nothing and leaves nothing beside one that nobody has open', () => {
    const home = copyOf('1.18.33');
    const before = fingerprint(home);
    expect(rowsOf(home)).toHaveLength(15);
    expect(fingerprint(home)).toEqual(before);
  });

  it('sees what is only in the log that a client left, and changes neither', () => {
    const home = copyOf('1.18.33-wal');
    const before = fingerprint(home);
    expect(Object.keys(before)).toHaveLength(3);
    expect(rowsOf(home).map(({ title }) => title)).toEqual(['Mock title: hello']);
    expect(fingerprint(home)).toEqual(before);
  });

  it('leaves no file beside a log without shared memory', () => {
    const home = copyOf('1.18.33-wal');
    rmSync(`${databaseOf(home)}-shm`);
    const before = fingerprint(home);
    expect(rowsOf(home)).toHaveLength(1);
    expect(fingerprint(home)).toEqual(before);
  });

  it('follows a client that is writing, and keeps out of its way', async () => {
    const home = copyOf('1.18.33');
    const client = await startClient(databaseOf(home));
    const before = fingerprint(home);
    const titleOf = () => sessionOf(home, HELLO).title;
    const versions = () => new Map(rawsOf(home).map(({ id, version }) => [id, version]));
    const first = versions();
    expect(titleOf()).toBe('first');
    expect(fingerprint(home)).toEqual(before);
    await client.rename('second');
    expect(titleOf()).toBe('second');
    const second = versions();
    expect([...second].filter(([id, version]) => first.get(id) !== version).map(([id]) => id)).toEqual([
      HELLO,
    ]);
    client.process.kill('SIGKILL');
    await once(client.process, 'exit');
    expect(titleOf()).toBe('second');
  });

  it('gives every session the database and its log as files', () => {
    const home = copyOf('1.18.33-wal');
    expect(rawsOf(home).map(({ files }) => files)).toEqual([[databaseOf(home), `${databaseOf(home)}-wal`]]);
  });

  it('gives the same in any order, one by one or ahead of time', () => {
    const home = copyOf('1.18.33');
    const load = (reverse: boolean) => {
      const raws = rawsOf(home);
      const loaded = (reverse ? raws.reverse() : raws).map(
        (raw) => [raw.id, [...raw.load('all', fail)]] as const,
      );
      return Object.fromEntries(loaded);
    };
    expect(load(true)).toEqual(load(false));
  });

  it('fails for a file that is no database, and for nothing else', () => {
    const home = copyOf('1.18.33', '1.1.65');
    const path = join(dirname(databaseOf(home)), 'opencode-dev.db');
    writeFileSync(path, 'no database '.repeat(1000));
    const raws = rawsOf(home);
    expect(raws).toHaveLength(26);
    const broken = raws.find(({ id }) => id === 'opencode-dev.db');
    expect(broken?.files).toEqual([path]);
    expect(() => broken?.load('all', fail)).toThrow(expect.objectContaining({ kind: 'read' }));
    for (const raw of raws) if (raw !== broken) expect([...raw.load('all', fail)].length).toBeGreaterThan(0);
  });

  it('takes a database without tables for an empty history', () => {
    const home = copyOf('1.18.33-wal');
    for (const suffix of ['-wal', '-shm']) rmSync(`${databaseOf(home)}${suffix}`);
    expect(rawsOf(home)).toEqual([]);
  });
});

function fail(problem: unknown): never {
  throw new Error(JSON.stringify(problem));
}

describe('the version of a session', () => {
  const versionsOf = (home: string) => new Map(rawsOf(home).map(({ id, version }) => [id, version]));
  const changed = (home: string, sql: string) => {
    const before = versionsOf(home);
    expect(versionsOf(home)).toEqual(before);
    edit(databaseOf(home), (db) => db.exec(sql));
    return [...versionsOf(home)].filter(([id, version]) => before.get(id) !== version).map(([id]) => id);
  };
  const raise = `UPDATE event_sequence SET seq = seq + 1 WHERE aggregate_id = '${HELLO}'`;

  it('changes with the sequence number of its events, and no other session does', () => {
    expect(changed(copyOf('1.18.33'), raise)).toEqual([HELLO]);
  });

  it.each([
    ['a message', `UPDATE message SET time_updated = time_updated + 1 WHERE session_id = '${HELLO}'`],
    ['a part', `UPDATE part SET time_updated = time_updated + 1 WHERE session_id = '${HELLO}'`],
    ['the title', `UPDATE session SET title = 'other' WHERE id = '${HELLO}'`],
    [
      'the number of parts',
      `DELETE FROM part WHERE rowid = (SELECT max(rowid) FROM part WHERE session_id = '${HELLO}')`,
    ],
  ])('changes with %s where there is no number', (_, sql) => {
    for (const older of [
      'DROP TABLE event_sequence',
      `DELETE FROM event_sequence WHERE aggregate_id = '${HELLO}'`,
    ]) {
      const home = copyOf('1.18.33');
      edit(databaseOf(home), (db) => db.exec(older));
      expect(changed(home, sql)).toEqual([HELLO]);
    }
  });
});

describe('where databases are looked for', () => {
  it('is where the variables say, and in every channel', () => {
    const home = copyOf('1.18.33');
    const other = join(dirname(databaseOf(home)), 'rel{1}[*].db');
    copyFileSync(join(copyOf('1.18.33'), 'opencode', 'opencode.db'), other);
    expect(rawsOf(home)).toHaveLength(15);
    const filesOf = (named: string) => [
      ...new Set(rawsOf(home, { OPENCODE_DB: named }).flatMap(({ files }) => files)),
    ];
    expect(filesOf('rel{1}[*].db')).toEqual([other]);
    expect(filesOf(other)).toEqual([other]);
    expect(filesOf(':memory:')).toEqual([]);
    expect(filesOf('')).toEqual([databaseOf(home)]);
    const channel = copyOf('1.18.33-wal');
    copyFileSync(databaseOf(home), join(channel, 'opencode', 'opencode-dev.db'));
    expect(rawsOf(channel)).toHaveLength(16);
  });

  it('takes a session from the copy of a database that went on', () => {
    const home = copyOf('1.18.33');
    const backup = join(home, 'opencode', 'opencode-backup.db');
    copyFileSync(databaseOf(home), backup);
    edit(databaseOf(home), (db) =>
      db.exec(`UPDATE session SET title = 'new', time_updated = time_updated + 9e7 WHERE id = '${HELLO}'`),
    );
    expect(rawsOf(home)).toHaveLength(15);
    expect(sessionOf(home, HELLO).title).toBe('new');
  });
});
