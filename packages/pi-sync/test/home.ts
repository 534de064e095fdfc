import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Env, findSessions, type Session } from '@opensync/core';
import { type PreparedSession, readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

/** A folder of fixtures is a home; its name is the version of the client. */
export const VERSIONS = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export const fixture = (version: string): string => join(FIXTURES, version);

export function envOf(home: string, vars: Record<string, string> = {}): Env {
  return { home, vars, now: () => Date.parse('2026-11-25T00:00:00Z') };
}

/** A home of its own; the files are given by their path below it, their content by lines. */
export function homeOf(files: Record<string, unknown[]>): string {
  const home = temporaryDirectory();
  for (const [path, lines] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  return home;
}

export function copyOf(version: string): string {
  const home = homeOf({});
  cpSync(fixture(version), home, { recursive: true });
  return home;
}

export function preparedOf(home: string, vars: Record<string, string> = {}): PreparedSession[] {
  return findSessions(source, envOf(home, vars)).flatMap((raw) => readSessions(source, raw, 'all', {}));
}

export function sessionsOf(home: string, vars: Record<string, string> = {}): Session[] {
  return preparedOf(home, vars).map(({ session }) => session);
}

export interface Billed {
  id: string;
  model: string;
  kind: 'answer' | 'tool' | 'summary' | 'stopped';
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
}

/** What the model server billed, and what the script typed: `expected.json`. */
export interface Expected {
  failedRequests: number;
  sessions: Record<
    string,
    { file: string; forkedFrom: string | null; prompts: string[]; responses: Billed[] }
  >;
}

export function expectedOf(version: string): Expected {
  return JSON.parse(readFileSync(join(fixture(version), 'expected.json'), 'utf8')) as Expected;
}
