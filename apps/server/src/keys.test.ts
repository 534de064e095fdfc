import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { openDatabase } from './database.js';
import { addKey, addUser, ensureOwner, listUsers, userOfKey } from './keys.js';

function open(file = join(temporaryDirectory(), 'a.db')) {
  const db = openDatabase(file);
  onTestFinished(() => db.close());
  return db;
}

it('creates the first user once', () => {
  const db = open();
  expect(ensureOwner(db, 1)).toBe(ensureOwner(db, 2));
  expect(listUsers(db)).toEqual([{ id: 1, name: 'owner', createdAt: 1 }]);
});

it('gives keys of 256 random bits that lead to their user', () => {
  const db = open();
  const owner = ensureOwner(db, 1);
  const keys = [addKey(db, owner, 1), addKey(db, owner, 1), addUser(db, 'laptop', 1)];
  expect(keys.map((key) => userOfKey(db, key))).toEqual([1, 1, 2]);
  expect(new Set(keys).size).toBe(3);
  for (const key of keys) expect(key).toMatch(/^osk_[0-9a-f]{64}$/);
  expect(userOfKey(db, 'osk_other')).toBeUndefined();
});

it('refuses a second user of one name, and one without a name', () => {
  const db = open();
  addUser(db, 'laptop', 1);
  expect(() => addUser(db, 'laptop', 1)).toThrow('"laptop"');
  expect(() => addUser(db, ' ', 1)).toThrow('name');
});

it('writes no key to the database in the clear', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const db = open(file);
  const key = addUser(db, 'laptop', 1);
  const bytes = [file, `${file}-wal`].map((path) => readFileSync(path, 'latin1')).join('');
  expect(bytes).toContain('laptop');
  expect(bytes).not.toContain(key.slice(4));
});
