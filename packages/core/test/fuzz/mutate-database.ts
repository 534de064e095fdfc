import { createRequire } from 'node:module';
import type { Random } from '../harness/random.js';
import { mutateJson, VALUE_KINDS } from './mutate-value.js';

/** What can become of the pages of a database, or of its log. */
export const PAGE_KINDS = {
  'pages broken': 5,
  'pages zeroed': 4,
  'pages swapped': 3,
  'bytes of a page changed': 5,
  'header zeroed': 1,
  'header changed': 2,
  'cut off': 3,
  'bits flipped': 4,
  emptied: 1,
} as const;
type PageKind = keyof typeof PAGE_KINDS;

export function mutatePages(content: Buffer, kind: PageKind, random: Random): Buffer {
  const size = pageSizeOf(content);
  const bytes = Buffer.from(content);
  const page = () => {
    const start = random.int(0, Math.max(0, Math.floor(bytes.length / size) - 1)) * size;
    return bytes.subarray(start, start + size);
  };
  const noise = (target: Buffer) => {
    for (let n = 0; n < target.length; n++) target[n] = random.int(0, 255);
  };
  const times = random.pick([1, 1, 2, 5]);
  switch (kind) {
    case 'pages broken':
      for (let n = 0; n < times; n++) noise(page());
      return bytes;
    case 'pages zeroed':
      for (let n = 0; n < times; n++) page().fill(0);
      return bytes;
    case 'pages swapped': {
      const [a, b] = [page(), page()];
      const copy = Buffer.from(a);
      b.copy(a);
      copy.copy(b);
      return bytes;
    }
    case 'bytes of a page changed': {
      const target = page();
      // The beginning of a page says where everything else in it is.
      const start = random.chance(0.5) ? random.int(0, 40) : random.int(0, Math.max(0, target.length - 1));
      noise(target.subarray(start, start + random.pick([1, 2, 8, 64])));
      return bytes;
    }
    case 'header zeroed':
      return bytes.fill(0, 0, Math.min(100, bytes.length));
    case 'header changed':
      noise(bytes.subarray(random.int(0, 99)).subarray(0, random.pick([1, 2, 8])));
      return bytes;
    case 'cut off':
      return bytes.subarray(0, random.int(0, Math.max(0, bytes.length - 1)));
    case 'bits flipped':
      for (let n = random.pick([1, 8, 100]); n > 0 && bytes.length > 0; n--) {
        const at = random.int(0, bytes.length - 1);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(0, 7));
      }
      return bytes;
    case 'emptied':
      return Buffer.alloc(0);
  }
}

/** Of the database's header; a log has another, with 4 KiB as its page size. */
function pageSizeOf(content: Buffer): number {
  const size =
    content.length > 18 && content.toString('latin1', 0, 6) === 'SQLite' ? content.readUInt16BE(16) : 4096;
  return size === 1 ? 65_536 : size;
}

interface Driver {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: unknown[]): unknown[]; run(...values: unknown[]): unknown };
  close(): void;
}

type Row = Record<string, unknown>;

interface RowChange {
  kind: string;
  table: string;
  column: string;
  rowid: unknown;
}

/** Changes one value of one row of a database on disk; undefined when there was nothing to change. */
export function mutateRow(file: string, random: Random): RowChange | undefined {
  const db = openForWriting(file);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    const tables = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .all() as Row[];
    const wanted = tables.map(({ name }) => String(name)).filter((name) => WORTHWHILE.includes(name));
    if (wanted.length === 0) return undefined;
    const table = random.pick(wanted);
    const rows = db.prepare(`SELECT rowid AS row_number, * FROM "${table}"`).all() as Row[];
    if (rows.length === 0) return undefined;
    const row = random.pick(rows);
    const column = pickColumn(row, random);
    const { kind, value } = mutateSqlValue(row[column], random);
    try {
      db.exec('PRAGMA foreign_keys = OFF');
      db.exec('PRAGMA ignore_check_constraints = ON');
      db.prepare(`UPDATE OR REPLACE "${table}" SET "${column}" = ? WHERE rowid = ?`).run(
        value,
        row.row_number,
      );
    } catch (error) {
      // A column may refuse null.
      if (!(error instanceof Error)) throw error;
      return undefined;
    }
    return { kind, table, column, rowid: row.row_number };
  } finally {
    db.close();
  }
}

export function deleteRow(file: string, { table, rowid }: RowChange): void {
  const db = openForWriting(file);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    db.exec('PRAGMA foreign_keys = OFF');
    db.prepare(`DELETE FROM "${table}" WHERE rowid = ?`).run(rowid);
  } finally {
    db.close();
  }
}

/** Tables that are read. */
const WORTHWHILE = [
  ...['session', 'message', 'part', 'session_message', 'event_sequence'],
  ...['meta', 'blobs', 'conversation_summaries', 'ai_code_hashes'],
];

function pickColumn(row: Row, random: Random): string {
  const columns = Object.keys(row).filter((name) => name !== 'row_number');
  const json = columns.filter((name) => ['data', 'value'].includes(name));
  return random.pick(json.length > 0 && random.chance(0.75) ? json : columns);
}

function mutateSqlValue(value: unknown, random: Random): { kind: string; value: unknown } {
  const text =
    typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString() : '';
  const isHex = /^7b22[0-9a-f]+$/.test(text);
  const json = isHex ? Buffer.from(text, 'hex').toString() : text;
  const kind = random.weighted(VALUE_KINDS);
  const mutated = json.startsWith('{') && random.chance(0.8) ? mutateJson(json, kind, random) : undefined;
  if (mutated !== undefined) {
    const changed = isHex ? Buffer.from(mutated).toString('hex') : mutated;
    return {
      kind: `value of a row: ${kind}`,
      value: typeof value === 'string' ? changed : Buffer.from(changed),
    };
  }
  const odd = [
    null,
    7,
    -1,
    1.5e308,
    9007199254740993n,
    '',
    'text',
    '\ud83d',
    'a\0b',
    Buffer.from([0xff, 0xc3, 0]),
    Buffer.alloc(0),
    '[]',
    '{}',
  ];
  return { kind: 'value of a row: another SQL type', value: random.pick(odd) };
}

function openForWriting(file: string): Driver {
  const builtIn = process.getBuiltinModule?.('node:sqlite') as
    | { DatabaseSync: new (file: string) => Driver }
    | undefined;
  const { DatabaseSync } = builtIn ?? createRequire(import.meta.url)('@photostructure/sqlite');
  return new DatabaseSync(file);
}
