import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folderOf, homeOf, rowsOf, sessionOf, stateOf } from './home.js';
import { StoreEditor } from './store-editor.js';

/** Another process that writes as the client does: each line it is given is a change, kept in the log. */
const WRITER = `
  let sqlite;
  try { sqlite = require('node:sqlite'); } catch { sqlite = require(process.argv[2]); }
  const db = new sqlite.DatabaseSync(process.argv[1]);
  db.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { blobs, meta } = JSON.parse(line);
    db.exec('BEGIN');
    const insert = db.prepare('INSERT OR IGNORE INTO blobs VALUES (?, ?)');
    for (const { id, hex } of blobs) insert.run(id, Buffer.from(hex, 'hex'));
    db.prepare("UPDATE meta SET value = ? WHERE key = '0'").run(meta);
    db.exec('COMMIT');
    process.stdout.write('done');
  });
`;

function startWriter(file: string) {
  const driver = createRequire(import.meta.url).resolve('@photostructure/sqlite');
  const writer = spawn(process.execPath, ['--no-warnings', '-e', WRITER, file, driver], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    writer.kill('SIGKILL');
  });
  return {
    async apply(store: StoreEditor) {
      writer.stdin.write(`${JSON.stringify(store.change())}\n`);
      await once(writer.stdout, 'data');
    },
    async crash() {
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    },
  };
}

function say(store: StoreEditor, text: string): void {
  const prompt = store.putMessage({ role: 'user', content: `<user_query>${text}</user_query>` });
  const answer = store.putMessage({ role: 'assistant', content: [{ type: 'text', text: `Re: ${text}` }] });
  store.list = [...store.list, prompt, answer];
}

it('reads what a client that is running has only in its log, and changes neither file', async () => {
  const home = homeOf('2');
  const file = join(home, folderOf('2'), 'store.db');
  const store = new StoreEditor(file);
  const writer = startWriter(file);
  for (const count of [1, 2, 3]) {
    say(store, `live ${count}`);
    await writer.apply(store);
    const before = stateOf(home);
    expect(Object.keys(before).some((path) => path.endsWith('-wal'))).toBe(true);
    expect(sessionOf(home, '2').messages).toHaveLength(7 + 2 * count);
    expect(rowsOf(home)).toMatchObject([{ messages: { user: 2 + count }, problems: [] }]);
    expect(stateOf(home)).toEqual(before);
  }
  await writer.crash();
});

it('reads a log that was left behind, and leaves no file beside it', async () => {
  const [origin, home] = [homeOf('2'), homeOf('2')];
  const from = join(origin, folderOf('2'), 'store.db');
  const to = join(home, folderOf('2'), 'store.db');
  const store = new StoreEditor(from);
  const writer = startWriter(from);
  say(store, 'left behind');
  await writer.apply(store);
  await writer.crash();
  for (const suffix of ['', '-wal']) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  const before = stateOf(home);
  expect(sessionOf(home, '2').messages.at(-2)?.parts).toEqual([{ type: 'text', text: 'left behind' }]);
  expect(stateOf(home)).toEqual(before);
  expect(readdirSync(join(home, folderOf('2'))).sort()).toEqual(['meta.json', 'store.db', 'store.db-wal']);
});

it('counts a change of the log as one of the chat', async () => {
  const home = homeOf('2');
  const file = join(home, folderOf('2'), 'store.db');
  const store = new StoreEditor(file);
  const writer = startWriter(file);
  const titles = [];
  for (const name of ['One', 'Two']) {
    store.meta.name = name;
    await writer.apply(store);
    titles.push(rowsOf(home)[0]?.title);
    expect(rowsOf(home)[0]?.files.map((path) => path.replace(/.*\//, ''))).toContain('store.db-wal');
  }
  expect(titles).toEqual(['One', 'Two']);
  await writer.crash();
});

it('takes a store that vanishes while it is looked at for one that is not there', () => {
  const home = homeOf('2');
  const folder = join(home, folderOf('2'));
  // The client deletes a store in which nothing was said when it ends.
  rmSync(join(folder, 'store.db'));
  expect(existsSync(join(folder, 'meta.json'))).toBe(true);
  expect(rowsOf(home)).toMatchObject([{ title: null, problems: [], usage: null }]);
});
