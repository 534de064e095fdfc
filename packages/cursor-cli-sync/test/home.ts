import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createCli, type Env, findSessions, type Need, type Session, type Source } from '@opensync/core';
import { type SessionRow, sessionRows } from '../../core/src/cli/rows.js';
import { readSessions } from '../../core/src/session.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import type { CursorRecord } from '../src/records.js';
import { source } from '../src/source.js';
import { keep } from '../src/usage-record.js';

const FOLDER = fileURLToPath(new URL('../fixtures/2026.09.10', import.meta.url));
/** A home directory. */
export const FIXTURE = join(FOLDER, 'home');

/** The id of a chat in the fixture. */
export function chat(number: string): string {
  return `0b6e1a52-1111-4a6f-9d10-${number.padStart(12, '0')}`;
}

/** What the hooks of a chat were given on their standard input. */
export function hooksOf(number: string): string[] {
  return readFileSync(join(FOLDER, 'hooks', `${chat(number)}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
}

export const JOURNAL = '.cursor-cli-sync/usage/turns.jsonl';

/** Fires hooks with these payloads: what is to be kept of them is appended to the journal. */
export function record(home: string, ...payloads: string[]): void {
  const lines = payloads.flatMap((payload) => keep(payload, RECORDED_AT) ?? []);
  mkdirSync(dirname(join(home, JOURNAL)), { recursive: true });
  for (const line of lines) appendFileSync(join(home, JOURNAL), `${line}\n`);
}

export const RECORDED_AT = Date.parse('2025-10-09T09:05:00Z');

const ACME = '.cursor/chats/ce3fa0aa9e98006977055c78d826399a';
/** Folder of a chat in the project that most of them are about, below the home. */
export function folderOf(number: string): string {
  return join(ACME, chat(number));
}

export function copyOfFixture(): string {
  const home = temporaryDirectory();
  cpSync(FIXTURE, home, { recursive: true });
  return home;
}

/** A home with nothing but these chats' folders of the fixture. */
export function homeOf(...numbers: string[]): string {
  const home = temporaryDirectory();
  for (const number of numbers)
    cpSync(join(FIXTURE, folderOf(number)), join(home, folderOf(number)), { recursive: true });
  return home;
}

/** Writes a file below a home. */
export function write(home: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

export const NOW = Date.parse('2026-12-01T00:00:00Z');

export function envOf(home: string, vars: Env['vars'] = {}): Env {
  return { home, vars, now: () => NOW };
}

export function rowsOf(home: string, vars?: Env['vars']): SessionRow[] {
  return findSessions(source, envOf(home, vars)).flatMap((raw) => sessionRows(raw, { source, config: {} }));
}

/** Rows of a history of which everything is read, not what a list needs. */
export function rowsOfEverything(home: string): SessionRow[] {
  const everything: Source<CursorRecord> = {
    ...source,
    *sessions(files, env) {
      for (const raw of source.sessions(files, env))
        yield { ...raw, load: (_need, report) => raw.load('all', report) };
    },
  };
  return findSessions(everything, envOf(home)).flatMap((raw) =>
    sessionRows(raw, { source: everything, config: {} }),
  );
}

export function sessionsOf(home: string, need: Need = 'all', vars?: Env['vars']): Map<string, Session> {
  const all = findSessions(source, envOf(home, vars)).flatMap((raw) => readSessions(source, raw, need, {}));
  return new Map(all.map(({ session }) => [session.id, session]));
}

export function sessionOf(home: string, number: string): Session {
  const session = sessionsOf(home).get(chat(number));
  if (session === undefined) throw new Error(`The history holds no chat ${number}.`);
  return session;
}

/** What a person sees of a session, without where it was read. */
export function contentOf({ messages, problems, calls }: Session): object {
  return { messages, problems, calls: calls.map(({ location: _, ...call }) => call) };
}

/** Names and contents of everything below a folder. A `-shm` is shared memory of its owner, and may change. */
export function stateOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const state = entries.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) return [path, 'folder'];
    if (path.endsWith('-shm')) return [path, 'shared memory'];
    return [path, createHash('sha256').update(readFileSync(path)).digest('hex')];
  });
  return Object.fromEntries(state.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Runs the command line in this process and gives all that it printed. */
export async function run(home: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let output = '';
  for (const stream of [stdout, stderr]) stream.on('data', (chunk) => (output += chunk));
  stdin.end();
  const code = await createCli(source).run(args, { env: envOf(home), stdout, stderr, stdin });
  return { code, output };
}

export interface ExpectedMessage {
  role: 'user' | 'assistant';
  text: string;
  /** When it was said, whether or not that is written anywhere. */
  at: number;
  reasoning: string | null;
  model: string | null;
  toolCalls?: {
    id: string;
    name: string;
    args: unknown;
    hasResult: boolean;
    result: string | null;
    isError: boolean;
  }[];
}

/** What was said in a chat: `expected.json`. */
export interface Expected {
  cwd: string;
  title: string | null;
  model: string | null;
  createdAt: number | null;
  parentId: string | null;
  isSubagent: boolean;
  source: 'store' | 'transcript' | 'none';
  messages: ExpectedMessage[];
}

export const EXPECTED = new Map(
  Object.entries(
    (JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as { chats: Record<string, Expected> })
      .chats,
  ),
);
