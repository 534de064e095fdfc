import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Env,
  findSessions,
  type Need,
  type RawSession,
  type Session,
  type Source,
} from '@opensync/core';
import { DatabaseSync } from '@photostructure/sqlite';
import { type SessionRow, sessionRows } from '../../core/src/cli/rows.js';
import { readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import type { OpencodeRecord } from '../src/records.js';
import { source } from '../src/source.js';

/** A folder of fixtures is an `XDG_DATA_HOME`. */
export const VERSIONS = ['1.18.33', '1.18.33-wal', '1.1.65', '0.5.29'] as const;

export function fixture(version: string): string {
  return fileURLToPath(new URL(`../fixtures/${version}`, import.meta.url));
}

/** The stores of some clients in one `XDG_DATA_HOME`. */
export function copyOf(...versions: string[]): string {
  const home = temporaryDirectory();
  for (const version of versions) {
    cpSync(join(fixture(version), 'opencode'), join(home, 'opencode'), { recursive: true });
  }
  return home;
}

export function databaseOf(home: string): string {
  return join(home, 'opencode', 'opencode.db');
}

export type Database = InstanceType<typeof DatabaseSync>;

/** Does to a database what a client would do, and leaves no log behind. */
export function edit(file: string, work: (db: Database) => void): void {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA foreign_keys = OFF');
    work(db);
    db.exec('PRAGMA journal_mode = DELETE');
  } finally {
    db.close();
  }
}

export function envOf(home: string, vars: Env['vars'] = {}): Env {
  return {
    home: '/nowhere',
    vars: { XDG_DATA_HOME: home, ...vars },
    now: () => Date.parse('2026-12-01T00:00:00Z'),
  };
}

export function rawsOf(home: string, vars?: Env['vars']): RawSession<OpencodeRecord>[] {
  return findSessions(source, envOf(home, vars));
}

export function rawOf(home: string, id: string): RawSession<OpencodeRecord> {
  const raw = rawsOf(home).find((one) => one.id === id);
  if (raw === undefined) throw new Error(`The history holds no session ${id}.`);
  return raw;
}

export function rowsOf(home: string, vars?: Env['vars']): SessionRow[] {
  return rawsOf(home, vars).flatMap((raw) => sessionRows(raw, { source, config: {} }));
}

/** Rows of a history of which everything is read, not what a list needs. */
export function rowsOfEverything(home: string): SessionRow[] {
  const everything: Source<OpencodeRecord> = {
    ...source,
    *sessions(found, env) {
      for (const raw of source.sessions(found, env)) {
        yield { ...raw, load: (_need, report) => raw.load('all', report) };
      }
    },
  };
  return findSessions(everything, envOf(home)).flatMap((raw) =>
    sessionRows(raw, { source: everything, config: {} }),
  );
}

export function sessionOf(home: string, id: string, need: Need = 'all'): Session {
  const [prepared] = readSessions(source, rawOf(home, id), need, {});
  if (prepared === undefined) throw new Error(`Nothing was read of ${id}.`);
  return prepared.session;
}

/** Paths of all files below a folder, relative to it, in a fixed order. */
export function filesBelow(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** Names and contents of everything in a folder. A `-shm` is the owner's shared memory and holds its locks. */
export function fingerprint(folder: string): Record<string, string> {
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex');
  return Object.fromEntries(
    filesBelow(folder).map((file) => [file, file.endsWith('-shm') ? 'shared memory' : hash(file)]),
  );
}

interface Tokens {
  input: number;
  output: number;
  reasoning: number;
  cache_read: number;
  cache_write: number;
}

/** What the model server billed and what the client stored: `expected.json`. */
export interface Expected {
  title: string;
  directory: string;
  parent: string | null;
  models: string[];
  providers: string[];
  own: { tokens: Tokens; cost: number };
  messages: { user: number; assistant: number };
  tool_calls: number;
  step_finish: { steps: number };
  per_message: { id: string; role: string; created: number; model?: string }[];
  billed: { by_kind: Record<string, { by_model: Record<string, Tokens> }> } | null;
  own_equals_billed_ok: boolean;
}

export function expectedOf(version: string): Map<string, Expected> {
  const text = readFileSync(join(fixture(version), 'expected.json'), 'utf8');
  return new Map(Object.entries(JSON.parse(text) as Record<string, Expected>));
}

/** In OpenSync's buckets: output holds the reasoning. */
export function usageOf(tokens: Tokens): SessionRow['usage'] {
  return {
    input: tokens.input,
    cacheRead: tokens.cache_read,
    cacheWrite5m: tokens.cache_write,
    cacheWrite1h: 0,
    output: tokens.output + tokens.reasoning,
    reasoning: tokens.reasoning,
  };
}
