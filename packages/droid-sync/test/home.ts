import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findSessions } from '@opensync/core';
import { type PreparedSession, readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';

/** A home, written by the client of this version. */
export const FIXTURE = fileURLToPath(new URL('../fixtures/0.215.0', import.meta.url));

/** A home of its own; the files are given by their path below its sessions. */
export function homeOf(files: Record<string, unknown[] | object>): string {
  const home = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, '.factory/sessions', name);
    mkdirSync(dirname(path), { recursive: true });
    const lines = Array.isArray(content) ? content : [content];
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  return home;
}

export function copyOfFixture(): string {
  const home = homeOf({});
  cpSync(FIXTURE, home, { recursive: true });
  return home;
}

export function preparedOf(home: string): PreparedSession[] {
  const env = { home, vars: {}, now: () => Date.parse('2026-11-25T00:00:00Z') };
  return findSessions(source, env).flatMap((raw) => readSessions(source, raw, 'all', {}));
}

interface Billed {
  requests: number;
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
}

interface Expected {
  failedRequests: number;
  sessions: Record<
    string,
    { forkedFrom: string | null; goesOnAfter: string | null; prompts: string[]; billed: Billed }
  >;
}

/** What the model server billed, and what the script typed. */
export const EXPECTED = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as Expected;
