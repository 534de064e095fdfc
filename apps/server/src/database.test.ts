import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { type Database, openDatabase } from './database.js';
import { connect } from './sqlite.js';

function open(file = join(temporaryDirectory(), 'a', 'b.db')): Database {
  const db = openDatabase(file);
  onTestFinished(() => db.close());
  return db;
}

const names = (db: Database) =>
  db.all<{ name: string }>('SELECT name FROM users ORDER BY id').map((row) => row.name);
const add = (db: Database, name: string) =>
  db.run('INSERT INTO users (name, created_at) VALUES (?, 0)', name);

it('creates missing directories, and a file that only its owner can read', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'new', 'a.db');
  add(open(file), 'a');
  expect(statSync(join(directory, 'new')).mode & 0o777).toBe(0o700);
  for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('closes a database that others can read, with its side files', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const paths = [file, `${file}-wal`, `${file}-shm`];
  for (const path of paths) {
    writeFileSync(path, '');
    chmodSync(path, 0o664);
  }
  open(file);
  for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('gives back any text that was put in', () => {
  const db = open();
  const texts = ['a\0b', '\0', '\x1a', '\x1a0', '\x1a1\0', '\0\x1a', '\x001', 'é😀', ''];
  for (const text of texts) add(db, text);
  expect(names(db)).toEqual(texts);
  for (const text of texts)
    expect(db.get('SELECT name FROM users WHERE name = ?', text)).toEqual({ name: text });
});

it('undoes a transaction that fails, and only the savepoint that fails', () => {
  const db = open();
  const fail = () => {
    throw new Error('no');
  };
  expect(() =>
    db.transaction(() => {
      add(db, 'gone');
      fail();
    }),
  ).toThrow('no');
  db.transaction(() => {
    add(db, 'kept');
    expect(() =>
      db.savepoint(() => {
        add(db, 'undone');
        fail();
      }),
    ).toThrow('no');
  });
  expect(names(db)).toEqual(['kept']);
});

it('refuses a database of a newer schema and leaves it as it is', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const newer = connect(file);
  newer.exec('PRAGMA user_version = 999');
  newer.close();
  expect(() => openDatabase(file)).toThrow(/newer version of this program \(schema 999.*Update/s);
  const again = connect(file);
  expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 999 });
  again.close();
});

it('refuses a file that is no database, and names it', () => {
  const file = join(temporaryDirectory(), 'a.db');
  writeFileSync(file, 'something else '.repeat(100));
  expect(() => openDatabase(file)).toThrow(`Cannot open the database ${file}`);
});
