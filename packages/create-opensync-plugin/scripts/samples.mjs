// Writes the samples in JSON and SQLite from the one in JSONL.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const sample = (shape, name) =>
  fileURLToPath(new URL(`../skeletons/${shape}/fixtures/sample/.my-tool/sessions/${name}`, import.meta.url));
const lines = readFileSync(sample('jsonl', 'notes.jsonl'), 'utf8').trimEnd().split('\n');
const [{ type: _, ...session }, ...messages] = lines.map((line) => JSON.parse(line));
for (const message of messages) delete message.type;

writeFileSync(sample('json', 'notes.json'), `${JSON.stringify({ ...session, messages }, null, 2)}\n`);

const file = sample('sqlite', 'history.db');
rmSync(file, { force: true });
const { DatabaseSync } =
  process.getBuiltinModule('node:sqlite') ??
  createRequire(new URL('../../core/package.json', import.meta.url))('@photostructure/sqlite');
const database = new DatabaseSync(file);
database.exec(`
  PRAGMA page_size = 512;
  CREATE TABLE session (id TEXT PRIMARY KEY, cwd TEXT, provider TEXT, updated_at INTEGER);
  CREATE TABLE message (session_id TEXT REFERENCES session (id), data TEXT);
`);
const updatedAt = Math.max(...messages.flatMap(({ time }) => (time ? [Date.parse(time)] : [])));
database
  .prepare('INSERT INTO session VALUES (?, ?, ?, ?)')
  .run('notes', session.cwd, session.provider, updatedAt);
const insert = database.prepare('INSERT INTO message VALUES (?, ?)');
for (const message of messages) insert.run('notes', JSON.stringify(message));
database.close();
