import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Database } from './database.js';

interface User {
  id: number;
  name: string;
  /** Milliseconds since the Unix epoch. */
  createdAt: number;
}

const OWNER = 'owner';

/** The first user, created when the database is new. */
export function ensureOwner(db: Database, now: number): number {
  return db.transaction(() => {
    const first = db.get<{ id: number }>('SELECT id FROM users ORDER BY id LIMIT 1');
    return first?.id ?? insertUser(db, OWNER, now);
  });
}

/** Creates a further user. Returns the key: only its hash is kept, so it cannot be shown again. */
export function addUser(db: Database, name: string, now: number): string {
  if (name.trim() === '') throw new Error('A user needs a name.');
  return db.transaction(() => {
    if (db.get('SELECT id FROM users WHERE name = ?', name)) {
      throw new Error(`There is a user "${name}" already. Choose another name.`);
    }
    return insertKey(db, insertUser(db, name, now), now);
  });
}

/** Another key for a user who exists. */
export function addKey(db: Database, userId: number, now: number): string {
  return db.transaction(() => insertKey(db, userId, now));
}

export function listUsers(db: Database): User[] {
  return db.all<User>('SELECT id, name, created_at AS createdAt FROM users ORDER BY id');
}

/** Id of the user whom a key belongs to. Looked up by hash, so timing tells nothing about the key. */
export function userOfKey(db: Database, key: string): number | undefined {
  return db.get<{ id: number }>('SELECT user_id AS id FROM api_keys WHERE hash = ?', hashSecret(key))?.id;
}

/** Plain SHA-256 is enough: the secrets are 256 random bits and cannot be guessed from a list. */
function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Takes the same time however much of the guess is right. */
export function isSecret(guess: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(guess)), Buffer.from(hashSecret(secret)));
}

export function randomSecret(prefix: string): string {
  return prefix + randomBytes(32).toString('hex');
}

function insertUser(db: Database, name: string, now: number): number {
  return db.insert('INSERT INTO users (name, created_at) VALUES (?, ?)', name, now);
}

function insertKey(db: Database, userId: number, now: number): string {
  const key = randomSecret('osk_');
  db.run('INSERT INTO api_keys (hash, user_id, created_at) VALUES (?, ?, ?)', hashSecret(key), userId, now);
  return key;
}
