import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Env, findSessions, type Need, type Source } from '@opensync/core';
import { expect } from 'vitest';
import { type SessionRow, sessionRows } from '../../core/src/cli/rows.js';
import { type PreparedSession, readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';
import type { ClaudeRecord } from '../src/transform.js';

/** A folder of fixtures is a `CLAUDE_CONFIG_DIR`. */
export const VERSIONS = ['2.1.330', '2.0.37-2.1.74'] as const;

export function fixture(version: string): string {
  return fileURLToPath(new URL(`../fixtures/${version}`, import.meta.url));
}

export function copyOfFixture(version: string): string {
  const home = temporaryDirectory();
  cpSync(join(fixture(version), 'projects'), join(home, 'projects'), { recursive: true });
  return home;
}

/** A new `CLAUDE_CONFIG_DIR`; the files are given by their path below `projects`, and written in this order. */
export function homeOf(files: Record<string, string>, home = temporaryDirectory()): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(home, 'projects', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return home;
}

export function envOf(home: string): Env {
  return {
    home: '/nowhere',
    vars: { CLAUDE_CONFIG_DIR: home },
    now: () => Date.parse('2026-11-24T00:00:00Z'),
  };
}

export function rowsOf(home: string): SessionRow[] {
  return findSessions(source, envOf(home)).flatMap((raw) => sessionRows(raw, { source, config: {} }));
}

/** Rows of a history of which everything is read, not what a list needs. */
export function rowsOfEverything(home: string): SessionRow[] {
  const everything: Source<ClaudeRecord> = {
    ...source,
    *sessions(files, env) {
      for (const raw of source.sessions(files, env)) {
        const { id, files: ofSession, version, changedAt } = raw;
        yield { id, files: ofSession, version, changedAt, load: (_need, report) => raw.load('all', report) };
      }
    },
  };
  return findSessions(everything, envOf(home)).flatMap((raw) =>
    sessionRows(raw, { source: everything, config: {} }),
  );
}

/** A row of the list, which has to be that of the whole session. */
export function rowOf(home: string, id: string): SessionRow {
  const rows = rowsOf(home);
  expect(rows).toEqual(rowsOfEverything(home));
  const row = rows.find((candidate) => candidate.id === id);
  if (row === undefined) throw new Error(`The history holds no session ${id}.`);
  return row;
}

export function preparedOf(home: string, need: Need = 'all'): PreparedSession[] {
  return findSessions(source, envOf(home)).flatMap((raw) => readSessions(source, raw, need, {}));
}

export function sessionOf(home: string, id: string): PreparedSession['session'] {
  const found = preparedOf(home).find(({ session }) => session.id === id);
  if (found === undefined) throw new Error(`The history holds no session ${id}.`);
  return found.session;
}

/** Paths of all files below a folder, relative to it, in a fixed order. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

export interface Tokens {
  requests: number;
  input: number;
  output: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  cacheRead: number;
}

interface ApiMessage extends Omit<Tokens, 'requests'> {
  id: string;
  agentId: string | null;
  model: string;
}

/** What the model server billed, and what the script typed: `expected.json`. */
export interface Expected {
  client: string;
  copyOf: string | null;
  titles: { custom: string | null; ai: string | null; firstPrompt: string | null };
  prompts: string[];
  tokens: { main: Tokens; subagents: Tokens; byModel: Record<string, Tokens> };
  tokensReadable: Tokens;
  outputLost: number;
  notInFiles: unknown[];
  messages: {
    assistant: number;
    assistantInSubagents: number;
    toolCalls: number;
    toolCallsInSubagents: number;
  };
  byMessage: ApiMessage[];
  clientSays: { costUSD: number }[];
}

export function expectedOf(version: string): Map<string, Expected> {
  const text = readFileSync(join(fixture(version), 'expected.json'), 'utf8');
  const { sessions } = JSON.parse(text) as { sessions: Record<string, Expected> };
  return new Map(Object.entries(sessions));
}

/** The buckets of a row or a call, in the words of `expected.json`. */
export function bucketsOf(
  usage: Omit<Tokens, 'requests'> | null | undefined,
): Omit<Tokens, 'requests'> | undefined {
  if (usage === null || usage === undefined) return undefined;
  const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = usage;
  return { input, output, cacheWrite5m, cacheWrite1h, cacheRead };
}
