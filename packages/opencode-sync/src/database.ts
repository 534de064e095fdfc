import { createHash } from 'node:crypto';
import {
  errorMessage,
  type FoundFile,
  filesVersion,
  type Need,
  type Problem,
  parseJson,
  type RawSession,
  type ReadDatabase,
  type SqlRow,
  type SqlValue,
  withDatabase,
} from '@opensync/core/plugin';
import { nextApiRecords } from './next-api.js';
import type { OpencodeRecord } from './records.js';

/*
 * The SQLite store, 1.2 and later. Other processes write to it at any time: no query assumes that the
 * one before saw the same state.
 */

/** Every session of a database, by a few queries over all of them and none for each. */
export function databaseSessions(file: string, found: readonly FoundFile[]): RawSession<OpencodeRecord>[] {
  const listed = withDatabase(file, (db) => listSessions(db, filesVersion(found)));
  const newestFirst = [...listed].sort((a, b) => b.changedAt - a.changedAt || (a.id < b.id ? -1 : 1));
  const reader = createReader(file, newestFirst);
  const files = found.map(({ path }) => path);
  return newestFirst.map(({ id, version, changedAt }) => {
    return { id, files, version, changedAt, load: (need, report) => reader(id, need, report) };
  });
}

interface Listed {
  id: string;
  version: string;
  changedAt: number;
  messages: number;
  /** Its messages are in the table of the second API. */
  nextApi: boolean;
  forkedFrom?: string | undefined;
}

const SESSION_COLUMNS = ['id', 'parent_id', 'directory', 'title', 'version', 'time_created', 'time_updated'];

/** @param fileVersion stands for what a session's version is made of where that is damaged */
function listSessions(db: ReadDatabase, fileVersion: string): Listed[] {
  const has = db.columns('session');
  if (!has.has('id')) return [];
  const changes = unlessDamaged(() => changesOf(db));
  const mayHaveNextApi = db.columns('session_message').size > 0;
  const result: Listed[] = [];
  const forks: string[] = [];
  for (const row of db.iterate(
    `SELECT ${SESSION_COLUMNS.filter((name) => has.has(name)).join(', ')} FROM session`,
  )) {
    if (changes === undefined) {
      result.push(listedUnseen(row, fileVersion, mayHaveNextApi));
      continue;
    }
    result.push(listed(row, changes));
    const first = changes.messages.get(String(row.id))?.first;
    if (typeof first === 'number' && first < Number(row.time_created)) forks.push(String(row.id));
  }
  if (forks.length === 0) return result;
  const origins = unlessDamaged(() => originsOf(db, forks));
  return result.map((one) => ({ ...one, forkedFrom: origins?.get(one.id) }));
}

/** Undefined when pages that are needed for it are damaged: other sessions may lie on whole ones. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!/malformed/.test(errorMessage(error))) throw error;
    return undefined;
  }
}

/** Of a session of which only its own row can be read: it is read by itself, and fails by itself. */
function listedUnseen(row: SqlRow, fileVersion: string, nextApi: boolean): Listed {
  const version = `${fileVersion}.${hashOf(row)}`;
  const changedAt = Number(row.time_updated) || 0;
  return { id: String(row.id), version, changedAt, messages: MAX_AHEAD_MESSAGES, nextApi };
}

/** By session id: what changes with a session, one query over all of them for each kind. */
interface Changes {
  /** Every event of a session has the next number, since 1.17. */
  sequences: Map<string, SqlRow>;
  messages: Map<string, SqlRow>;
  nextApi: Map<string, SqlRow>;
  /** Of older clients' sessions. */
  writes: Map<string, SqlRow>[];
}

function changesOf(db: ReadDatabase): Changes {
  const sequences = bySession(
    db,
    'event_sequence',
    'SELECT aggregate_id AS session_id, seq FROM event_sequence',
  );
  // All of it is in an index: no message is looked at.
  const summary = 'count(*) AS n, min(time_created) AS first, max(time_created) AS last';
  const messages = bySession(db, 'message', `SELECT session_id, ${summary} FROM message GROUP BY session_id`);
  const nextApi = writesTo(db, 'session_message', '');
  const older =
    'WHERE session_id IN (SELECT id FROM session WHERE id NOT IN (SELECT aggregate_id FROM event_sequence))';
  // Reads the head of every row, hence not of sessions that have a number.
  const writes = ['message', 'part'].map((table) => writesTo(db, table, sequences.size > 0 ? older : ''));
  return { sequences, messages, nextApi, writes };
}

function writesTo(db: ReadDatabase, table: string, where: string): Map<string, SqlRow> {
  const sql = `SELECT session_id, count(*) AS n, max(time_updated) AS at FROM ${table} ${where} GROUP BY session_id`;
  return bySession(db, table, sql);
}

function listed(row: SqlRow, { sequences, messages, nextApi, writes }: Changes): Listed {
  const id = String(row.id);
  const { n = 0, last = 0 } = messages.get(id) ?? {};
  const counts = [nextApi, ...writes]
    .map((table) => table.get(id))
    .map((one) => (one ? `${one.n}@${one.at}` : ''));
  const version = [sequences.get(id)?.seq ?? '', n, last, ...counts, hashOf(row)].join('.');
  const changedAt = Math.max(Number(row.time_updated) || 0, Number(last) || 0);
  return { id, version, changedAt, messages: Number(n), nextApi: nextApi.has(id) };
}

/** Before 1.17 a title or a parent changes without a trace anywhere else. */
function hashOf(row: SqlRow): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.values(row)))
    .digest('base64url')
    .slice(0, 8);
}

function bySession(db: ReadDatabase, table: string, sql: string): Map<string, SqlRow> {
  const rows = new Map<string, SqlRow>();
  if (db.columns(table).size === 0) return rows;
  for (const row of db.iterate(sql)) rows.set(String(row.session_id), row);
  return rows;
}

/**
 * A fork names no origin, but copies keep their times: it is the session that made the last message
 * that was copied. Not said when two sessions have a message of that millisecond.
 */
function originsOf(db: ReadDatabase, forks: readonly string[]): Map<string, string> {
  const lastCopies = db.all(
    `SELECT m.session_id AS fork, max(m.time_created) AS at FROM message m JOIN session s ON s.id = m.session_id
    WHERE m.session_id IN (SELECT value FROM json_each(?)) AND m.time_created < s.time_created GROUP BY fork`,
    JSON.stringify(forks),
  );
  const makers = new Map<SqlValue, SqlValue[]>();
  const made = db.iterate(
    `SELECT DISTINCT m.time_created AS at, m.session_id AS maker FROM message m JOIN session s ON s.id = m.session_id
    WHERE m.time_created IN (SELECT value FROM json_each(?)) AND m.time_created >= s.time_created`,
    JSON.stringify(lastCopies.map(({ at }) => at)),
  );
  for (const { at = null, maker = null } of made) makers.set(at, [...(makers.get(at) ?? []), maker]);
  const origins = new Map<string, string>();
  for (const { fork, at = null } of lastCopies) {
    const [maker, another] = makers.get(at) ?? [];
    if (maker !== undefined && another === undefined) origins.set(String(fork), String(maker));
  }
  return origins;
}

interface Loaded {
  records: OpencodeRecord[];
  problems: Problem[];
}
type Reader = (id: string, need: Need, report: (problem: Problem) => void) => Iterable<OpencodeRecord>;

const MAX_AHEAD_SESSIONS = 64;
const MAX_AHEAD_MESSAGES = 400;

/**
 * Opening a database takes longer than reading a session of it. So whoever reads one session after
 * the other gets the next ones read along with it, more and more of them, as far as memory allows.
 */
function createReader(file: string, order: readonly Listed[]): Reader {
  const positions = new Map(order.map(({ id }, index) => [id, index]));
  let ahead = new Map<string, Loaded>();
  let aheadNeed: Need | undefined;
  let expected = -1;
  let batch = 1;
  return (id, need, report) => {
    if (need !== aheadNeed) ahead.clear();
    if (!ahead.has(id)) {
      const position = positions.get(id) ?? 0;
      batch = position === expected && need === aheadNeed ? Math.min(batch * 2, MAX_AHEAD_SESSIONS) : 1;
      const wanted = upToLimit(order.slice(position, position + batch));
      ahead = readSessions(file, wanted, need);
      aheadNeed = need;
      expected = position + wanted.length;
    }
    const { records, problems } = ahead.get(id) ?? { records: [], problems: [] };
    ahead.delete(id);
    for (const problem of problems) report(problem);
    return records;
  };
}

function upToLimit(sessions: readonly Listed[]): Listed[] {
  const wanted: Listed[] = [];
  let messages = 0;
  for (const one of sessions) {
    messages += one.messages;
    if (wanted.length > 0 && messages > MAX_AHEAD_MESSAGES) break;
    wanted.push(one);
  }
  return wanted;
}

/** A session that is damaged must not take others with it. */
function readSessions(file: string, wanted: readonly Listed[], need: Need): Map<string, Loaded> {
  try {
    return withDatabase(file, (db) => loadAll(db, file, wanted, need));
  } catch (error) {
    const [first] = wanted;
    if (wanted.length === 1 || first === undefined) throw error;
    return withDatabase(file, (db) => loadAll(db, file, [first], need));
  }
}

const OF_SESSIONS = 'session_id IN (SELECT value FROM json_each(?))';

/** A session that was deleted since it was listed is left out. */
function loadAll(db: ReadDatabase, file: string, wanted: readonly Listed[], need: Need): Map<string, Loaded> {
  const ids = JSON.stringify(wanted.map(({ id }) => id));
  const forks = new Map(wanted.map(({ id, forkedFrom }) => [id, forkedFrom]));
  const result = new Map<string, Loaded>();
  for (const row of db.iterate(
    `SELECT rowid, * FROM session WHERE id IN (SELECT value FROM json_each(?))`,
    ids,
  )) {
    const id = String(row.id);
    result.set(id, { records: [sessionRecord(row, file, forks.get(id))], problems: [] });
  }
  // Parts first: one of a message that comes in between waits for the next time, whole.
  const parts = loadParts(db, file, ids, need, result);
  const sql = `SELECT rowid, id, session_id, ${without('data', MESSAGE_EXTRAS)} AS data FROM message WHERE ${OF_SESSIONS} ORDER BY session_id, time_created, id`;
  for (const row of db.iterate(sql, ids)) {
    const { records, problems } = result.get(String(row.session_id)) ?? {};
    const value = parse(row, file, problems);
    if (value === undefined) continue;
    const id = String(row.id);
    records?.push({ kind: 'message', id, value, file, line: Number(row.rowid) }, ...(parts.get(id) ?? []));
  }
  if (wanted.some(({ nextApi }) => nextApi)) loadNextApi(db, file, ids, result);
  // The driver for Node.js 20 keeps a closed database's pages for as long as the process lives.
  db.all('PRAGMA shrink_memory');
  return result;
}

function loadParts(
  db: ReadDatabase,
  file: string,
  ids: string,
  need: Need,
  loaded: ReadonlyMap<string, Loaded>,
): Map<string, OpencodeRecord[]> {
  const parts = new Map<string, (OpencodeRecord & { kind: 'part' })[]>();
  const sql = `SELECT rowid, id, session_id, message_id, ${partData(need)} AS data FROM part WHERE ${OF_SESSIONS}`;
  for (const row of db.iterate(sql, ids)) {
    const value = parse(row, file, loaded.get(String(row.session_id))?.problems);
    if (value === undefined) continue;
    const messageId = String(row.message_id);
    const siblings = parts.get(messageId) ?? [];
    parts.set(messageId, siblings);
    siblings.push({ kind: 'part', id: String(row.id), value, file, line: Number(row.rowid) });
  }
  for (const siblings of parts.values()) siblings.sort((a, b) => (a.id < b.id ? -1 : 1));
  return parts;
}

function loadNextApi(db: ReadDatabase, file: string, ids: string, loaded: ReadonlyMap<string, Loaded>): void {
  const sql = `SELECT rowid, * FROM session_message WHERE ${OF_SESSIONS} ORDER BY session_id, seq`;
  const isFilled = new Set([...loaded].flatMap(([id, { records }]) => (records.length > 1 ? [id] : [])));
  for (const row of db.iterate(sql, ids)) {
    const id = String(row.session_id);
    const { records, problems } = loaded.get(id) ?? {};
    const value = parse(row, file, problems);
    if (value !== undefined && !isFilled.has(id)) records?.push(...nextApiRecords(row, value, file));
  }
}

function parse(row: SqlRow, file: string, problems: Problem[] | undefined): unknown {
  const parsed = parseJson(String(row.data));
  if ('value' in parsed) return parsed.value;
  const location = { file, line: Number(row.rowid) };
  problems?.push({ message: `A record that ${parsed.why} was left out.`, location });
  return undefined;
}

/** As the JSON files and the client's own export have it. */
function sessionRecord(row: SqlRow, file: string, forkedFrom: string | undefined): OpencodeRecord {
  const { parent_id: parentID, directory, title, version, time_created: created } = row;
  const { tokens_input: input, tokens_output: output, tokens_cache_read: read } = row;
  const tokens = { input, output, cache: { read } };
  const value = { parentID, directory, title, version, time: { created }, tokens };
  const location = { file, line: Number(row.rowid) };
  return { kind: 'session', value, ...location, ...(forkedFrom !== undefined && { forkedFrom }) };
}

/** Changes of files that belong to a prompt: as large as the files, and no part of the conversation. */
const MESSAGE_EXTRAS = ['$.summary', '$.system'];
const TOOL_OUTPUT = ['$.state.output', '$.state.metadata', '$.state.attachments'];

/** Only what a summary needs is made a value: tool output is most of a database. */
function partData(need: Need): string {
  if (need === 'all') return 'data';
  const type = "CASE WHEN json_valid(data) THEN json_extract(data, '$.type') END";
  return `CASE ${type} WHEN 'tool' THEN ${without('data', TOOL_OUTPUT)} WHEN 'file' THEN ${without('data', ['$.url'])} ELSE data END`;
}

/** What is no JSON stays as it is, to be reported. */
function without(column: string, paths: readonly string[]): string {
  const list = paths.map((path) => `'${path}'`).join(', ');
  return `CASE WHEN json_valid(${column}) THEN json_remove(${column}, ${list}) ELSE ${column} END`;
}
