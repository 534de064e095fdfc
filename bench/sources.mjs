import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOnce } from './measure.mjs';

/*
 * Large histories of the other tools: their fixtures, many times over, each copy with ids of its own. The
 * sums of `list` have to be those of the fixture, so many times.
 */

const local = (path) => fileURLToPath(new URL(path, import.meta.url));
const DATA = local('.data');
/** The database driver of the server, for writing. */
const require = createRequire(local('../apps/server/package.json'));

const SOURCES = [
  {
    name: 'Codex CLI',
    plugin: 'codex-sync',
    fixture: '0.169.0',
    folder: '.',
    env: (folder) => ({ CODEX_HOME: folder }),
    copies: { full: 130, quick: 10 },
    multiply: copyRollouts,
  },
  {
    name: 'OpenCode',
    plugin: 'opencode-sync',
    fixture: '1.18.33',
    folder: '.',
    env: (folder) => ({ XDG_DATA_HOME: folder }),
    copies: { full: 560, quick: 5 },
    multiply: copyDatabaseRows,
  },
  {
    name: 'Cursor CLI',
    plugin: 'cursor-cli-sync',
    fixture: '2026.09.10',
    folder: 'home/.cursor',
    env: (folder) => ({ CURSOR_CONFIG_DIR: folder, CURSOR_DATA_DIR: folder }),
    copies: { full: 430, quick: 10 },
    multiply: copyStores,
  },
];

/** Rows of the table for each source: a listing, and a sync with nothing to do. */
export async function benchSources({ quick }, withServer) {
  const rows = [];
  const errors = [];
  for (const source of SOURCES) {
    const copies = quick ? source.copies.quick : source.copies.full;
    const cli = local(`../packages/${source.plugin}/dist/cli.js`);
    const fixture = local(`../packages/${source.plugin}/fixtures/${source.fixture}/${source.folder}`);
    const [single, folder] = [1, copies].map((count) => prepare(source, fixture, count));
    const list = (at) => runOnce({ args: [cli, 'list', '--json'], env: source.env(at) });
    const [base, many] = [await list(single), await list(folder)];
    const sessions = JSON.parse(many.stdout).sessions.length;
    errors.push(...differences(source.name, sums(base.stdout), sums(many.stdout), copies));
    rows.push(row(`${source.name}: list --json, ${sessions} sessions`, many, 250));
    const synced = await withServer(async ({ url, apiKey, home }) => {
      const env = { ...source.env(folder), OPENSYNC_URL: url, OPENSYNC_API_KEY: apiKey };
      const sync = () => runOnce({ args: [cli, 'sync', '--json'], env, home });
      await sync();
      return sync();
    });
    const { messagesSent, failed } = JSON.parse(synced.stdout);
    if (messagesSent + failed > 0)
      errors.push(`${source.name}: the second sync sent ${messagesSent} messages`);
    rows.push(row(`${source.name}: sync, nothing to do`, synced));
  }
  return { rows, errors };
}

function row(name, { cpuMs, memoryMb }, memoryTarget) {
  return { name, measuredMs: cpuMs, memoryMb, ...(memoryTarget && { memoryTarget }) };
}

function sums(stdout) {
  const { sessions } = JSON.parse(stdout);
  const total = (pick) => sessions.reduce((sum, session) => sum + (pick(session) ?? 0), 0);
  return {
    sessions: sessions.length,
    input: total(({ usage }) => usage?.input),
    output: total(({ usage }) => usage?.output),
    toolCalls: total(({ toolCalls }) => toolCalls),
  };
}

function differences(name, base, many, copies) {
  return Object.entries(base)
    .filter(([key, value]) => many[key] !== value * copies)
    .map(([key, value]) => `${name}: ${key} is ${many[key]} and should be ${value * copies}`);
}

/** The multiplied history, made once and kept. */
function prepare({ plugin, multiply }, fixture, copies) {
  const folder = join(DATA, `${plugin}-${copies}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.tmp`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  multiply(fixture, unfinished, copies);
  renameSync(unfinished, folder);
  return folder;
}

/** Thread ids are in file names and lines; a copy has another first group in each of them. */
function copyRollouts(fixture, folder, copies) {
  for (const name of readdirSync(fixture, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.jsonl')) continue;
    const text = readFileSync(join(fixture, name), 'utf8');
    for (let copy = 0; copy < copies; copy++) {
      const path = join(folder, withOtherIds(name, copy));
      mkdirSync(join(path, '..'), { recursive: true });
      const flag = basename(name) === 'session_index.jsonl' ? 'a' : 'w';
      writeFileSync(path, withOtherIds(text, copy), { flag });
    }
  }
}

function withOtherIds(text, copy) {
  const last = copy.toString(16).padStart(4, '0');
  // The first groups of these ids are times, which have to stay what they are.
  return text.replace(
    /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8})[0-9a-f]{4}/g,
    `$1${last}`,
  );
}

function copyStores(fixture, folder, copies) {
  const chats = join(fixture, 'chats');
  for (const project of readdirSync(chats)) {
    for (const chat of readdirSync(join(chats, project))) {
      for (let copy = 0; copy < copies; copy++) {
        const id = `${chat.slice(0, -4)}${copy.toString(16).padStart(4, '0')}`;
        const name = `${chat.slice(-2)}${id.slice(2)}`;
        cpSync(join(chats, project, chat), join(folder, 'chats', project, name), { recursive: true });
      }
    }
  }
}

/** Every row under other ids, and tool output of 100 KB. */
function copyDatabaseRows(fixture, folder, copies) {
  cpSync(fixture, folder, { recursive: true });
  const db = openForWriting(join(folder, 'opencode/opencode.db'));
  const columns = (table) =>
    db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({ name }) => name);
  const pad = 'tool output '.repeat(8_500);
  const copyOf = (table, ids, values = {}) => {
    db.exec(`CREATE TEMP TABLE fixture_${table} AS SELECT * FROM ${table}`);
    const names = columns(table);
    const picked = names.map((name) => (ids.includes(name) ? `${name} || ?1` : (values[name] ?? name)));
    return db.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${picked.join(', ')} FROM fixture_${table}`,
    );
  };
  db.exec(
    'PRAGMA foreign_keys = OFF; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; DELETE FROM event;',
  );
  const padded = `CASE json_extract(data, '$.type') WHEN 'tool' THEN json_set(data, '$.state.output', ?2) ELSE data END`;
  const statements = [
    [copyOf('session', ['id', 'parent_id'])],
    [copyOf('message', ['id', 'session_id'])],
    [copyOf('part', ['id', 'message_id', 'session_id'], { data: padded }), pad],
    [copyOf('event_sequence', ['aggregate_id'])],
  ];
  db.exec('BEGIN');
  for (let copy = 1; copy < copies; copy++) {
    for (const [statement, ...values] of statements) statement.run(`x${copy}`, ...values);
  }
  db.exec('COMMIT');
  db.close();
}

function openForWriting(file) {
  const { DatabaseSync } = process.getBuiltinModule?.('node:sqlite') ?? require('@photostructure/sqlite');
  return new DatabaseSync(file);
}
