import { basename, dirname, join, resolve, sep } from 'node:path';
import {
  type Env,
  type FilePattern,
  type FoundFile,
  filesVersion,
  isOpenSyncError,
  jsonl,
  type Need,
  type Problem,
  type RawSession,
  readJson,
} from '@opensync/core/plugin';
import { isConversation, summaryFilter } from './filter.js';
import { createLineage, headOf, type Lineage, sessionIdOf } from './lineage.js';
import { customTitleOf } from './records.js';
import type { ClaudeRecord } from './transform.js';

/** `$CLAUDE_CONFIG_DIR`, by default `~/.claude`. */
export function configFolder({ home, vars }: Env): string {
  const config = vars.CLAUDE_CONFIG_DIR;
  return config ? resolve(config) : join(home, '.claude');
}

export function files(env: Env): FilePattern[] {
  const folder = join(configFolder(env), 'projects');
  const include = ['*/*.jsonl', '*/*/custom-title.json', '*/*/subagents/agent-*.{jsonl,meta.json}'];
  return [{ folder, include }];
}

type FileRole = 'transcript' | 'agent' | 'agent-meta' | 'title';

/** One raw session for each session id: its transcript, and its subagents' files wherever a client put them. */
export function sessions(found: readonly FoundFile[]): RawSession<ClaudeRecord>[] {
  const byId = new Map<string, ClaudeSession>();
  const lineage = createLineage(() =>
    [...byId.values()].flatMap((session) => session.withRole('transcript')),
  );
  for (const file of found) {
    const id = sessionIdFor(file.path);
    if (id === undefined) continue;
    const session = byId.get(id);
    if (session === undefined) byId.set(id, new ClaudeSession(id, lineage, file));
    else session.add(file);
  }
  // A title without a transcript is what a deleted session leaves behind.
  return [...byId.values()].filter((session) => session.hasRecords());
}

/** A history may have ten thousand of them: what only a few are asked for is worked out when it is asked for. */
class ClaudeSession implements RawSession<ClaudeRecord> {
  private readonly found: FoundFile[];

  constructor(
    readonly id: string,
    private readonly lineage: Lineage,
    first: FoundFile,
  ) {
    this.found = [first];
  }

  add(file: FoundFile): void {
    this.found.push(file);
  }

  withRole(role: FileRole): FoundFile[] {
    return this.found.filter(({ path }) => roleOf(path) === role);
  }

  hasRecords(): boolean {
    for (const { path } of this.found) if (path.endsWith('.jsonl')) return true;
    return false;
  }

  get files(): string[] {
    return this.sorted().map(({ path }) => path);
  }

  get version(): string {
    return filesVersion(this.sorted());
  }

  get changedAt(): number {
    return this.found.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0);
  }

  load(need: Need, report: (problem: Problem) => void): Iterable<ClaudeRecord> {
    return load(this, this.lineage, need, report);
  }

  private sorted(): FoundFile[] {
    return this.found.length < 2 ? this.found : [...this.found].sort((a, b) => compare(a.path, b.path));
  }
}

function roleOf(path: string): FileRole {
  if (path.endsWith('.json')) return path.endsWith('.meta.json') ? 'agent-meta' : 'title';
  return nameOf(path).startsWith('agent-') ? 'agent' : 'transcript';
}

function sessionIdFor(path: string): string | undefined {
  const name = nameOf(path);
  if (name === 'custom-title.json') return nameOf(dirname(path));
  if (!name.startsWith('agent-')) return name.slice(0, -'.jsonl'.length);
  const folder = dirname(path);
  if (nameOf(folder) === 'subagents') return nameOf(dirname(folder));
  // 2.0 clients put subagents beside the transcripts; only their lines name the session.
  return sessionIdInside(path);
}

/** `basename`, which takes longer, for paths that end in a name. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(sep) + 1);
}

/** Undefined when it has no line that says so; a file that is damaged stands for itself, so that it is told. */
function sessionIdInside(path: string): string | undefined {
  let damaged = false;
  const report = () => {
    damaged = true;
  };
  try {
    for (const { value } of jsonl(path, { report })) {
      const { sessionId } = (value ?? {}) as { sessionId?: unknown };
      if (typeof sessionId === 'string') return sessionId;
    }
  } catch (error) {
    // Stands for itself, so that loading it fails and is reported, and nothing else is.
    if (isOpenSyncError(error)) return sessionIdOf(path);
    throw error;
  }
  return damaged ? sessionIdOf(path) : undefined;
}

function* load(
  session: ClaudeSession,
  lineage: Lineage,
  need: Need,
  report: (problem: Problem) => void,
): Generator<ClaudeRecord> {
  for (const { path } of session.withRole('title')) {
    const title = customTitleOf(readJsonIfAny(path, report));
    if (title !== undefined) yield { kind: 'title', title };
  }
  const filter = (ofAgent: boolean) => (need === 'summary' ? summaryFilter({ ofAgent }) : isConversation);
  for (const transcript of inOrder(session.withRole('transcript'))) {
    const { path: file, size } = transcript;
    yield { kind: 'transcript', file, empty: size === 0, ...lineage.copiesIn(transcript) };
    for (const record of jsonl(transcript.path, { keep: filter(false), report }))
      yield { kind: 'line', ...record };
  }
  for (const { path } of session.withRole('agent-meta')) {
    yield { kind: 'agent', agentId: agentIdOf(path), meta: readJsonIfAny(path, report) };
  }
  for (const { path } of inOrder(session.withRole('agent'))) {
    const agentId = agentIdOf(path);
    for (const record of jsonl(path, { keep: filter(true), report }))
      yield { kind: 'line', agentId, ...record };
  }
}

/** As they were begun. What moved can lie in two folders: of two states of a file, the shorter is older. */
function inOrder(found: readonly FoundFile[]): FoundFile[] {
  if (found.length < 2) return [...found];
  const keyed = found.map((file) => ({ file, begun: headOf(file)?.at ?? 0, name: basename(file.path) }));
  keyed.sort(
    (a, b) =>
      a.begun - b.begun ||
      compare(a.name, b.name) ||
      a.file.size - b.file.size ||
      compare(a.file.path, b.file.path),
  );
  return keyed.map(({ file }) => file);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function agentIdOf(path: string): string {
  return basename(path)
    .replace(/^agent-/, '')
    .replace(/(\.meta\.json|\.jsonl)$/, '');
}

/** Undefined, and reported, when it cannot be read: a title or a type is no reason to leave out a session. */
function readJsonIfAny(path: string, report: (problem: Problem) => void): unknown {
  try {
    return readJson(path, report);
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    report({ message: error.message, location: { file: path, line: 0 } });
    return undefined;
  }
}
