import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Env, findSessions, type Need, type Session, type Usage } from '@opensync/core';
import { type SessionRow, sessionRows } from '../../core/src/cli/rows.js';
import { type PreparedSession, readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

/** A folder of fixtures is a `CODEX_HOME`; its name is the version of the client. */
export const VERSIONS = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export function fixture(version: string): string {
  return join(FIXTURES, version);
}

export function copyOfFixture(version: string): string {
  const home = temporaryDirectory();
  cpSync(fixture(version), home, { recursive: true, preserveTimestamps: true });
  return home;
}

/** A new `CODEX_HOME`; the files are given by their path below it. */
export function homeOf(files: Record<string, string | Buffer>, home = temporaryDirectory()): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), content);
  }
  return home;
}

export function envOf(home: string): Env {
  return { home: '/nowhere', vars: { CODEX_HOME: home }, now: () => Date.parse('2026-11-24T00:00:00Z') };
}

export function rowsOf(home: string): SessionRow[] {
  return findSessions(source, envOf(home)).flatMap((raw) => sessionRows(raw, { source, config: {} }));
}

export function rowOf(home: string, id: string): SessionRow {
  return only(rowsOf(home).filter((row) => row.id === id));
}

export function preparedOf(home: string, need: Need = 'all'): PreparedSession[] {
  return findSessions(source, envOf(home)).flatMap((raw) => readSessions(source, raw, need, {}));
}

export function sessionOf(home: string, id: string): Session {
  return only(preparedOf(home).filter(({ session }) => session.id === id)).session;
}

export function only<T>(found: readonly T[]): T {
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Error(`There is not one of it, but ${found.length}.`);
  return first;
}

/** Paths of all rollouts below a folder, in a fixed order. */
export function rolloutsBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /rollout-.*\.jsonl$/.test(name)).sort();
}

interface Tokens {
  requests: number;
  input: number;
  cachedInput: number;
  cacheWriteInput: number;
  output: number;
  reasoning: number;
}

/** What the model server billed, and what the script typed: `expected.json`. */
export interface Expected {
  files: string[];
  parentThreadId: string | null;
  forkedFromId: string | null;
  tokens: Tokens;
  byModel: Record<string, Tokens>;
  lostTokens?: Tokens;
  modelOnDisk?: false;
  userPrompts: string[];
  assistantMessages: string[];
  synthesizedByClient?: string[];
  compactionSummaries: string[];
  toolCalls: number;
  toolCallsByName: Record<string, number>;
  titleCandidates: { threadName: string | null; firstUserPrompt: string | null };
}

export interface Response {
  threadId: string;
  responseId: string;
  model: string;
  delivered: boolean;
  end: string;
  input: number;
  cached: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  items: string[];
  texts: string[];
}

interface Truth {
  client: string;
  sessions: Record<string, Expected>;
  ephemeral: Record<string, unknown>;
  responses: Response[];
}

export function truthOf(version: string): Truth {
  return JSON.parse(readFileSync(join(fixture(version), 'expected.json'), 'utf8')) as Truth;
}

/** A sum of tokens in the words of `expected.json`. */
export function tokensOf(usages: readonly (Usage | null | undefined)[]): Omit<Tokens, 'requests'> {
  const sum = { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 };
  for (const usage of usages) {
    if (usage === null || usage === undefined) throw new Error('Its tokens are not known.');
    sum.input += usage.input + usage.cacheWrite5m;
    sum.cachedInput += usage.cacheRead;
    sum.cacheWriteInput += usage.cacheWrite5m;
    sum.output += usage.output;
    sum.reasoning += usage.reasoning ?? Number.NaN;
  }
  return sum;
}

export function withoutRequests({ requests: _, ...tokens }: Tokens): Omit<Tokens, 'requests'> {
  return tokens;
}
