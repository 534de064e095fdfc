import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  type Env,
  errorMessage,
  type FilePattern,
  type FoundFile,
  filesVersion,
  isOpenSyncError,
  jsonl,
  type Need,
  type Problem,
  type RawSession,
} from '@opensync/core';
import { isConversation, summaryFilter } from './filter.js';
import { createLineage, headOf, ignore, type Lineage, sessionIdOf } from './lineage.js';
import { CustomTitle } from './records.js';
import type { ClaudeRecord } from './transform.js';

/** `$CLAUDE_CONFIG_DIR`, by default `~/.claude`. */
export function files(env: Env): FilePattern[] {
  const config = env.vars.CLAUDE_CONFIG_DIR;
  const folder = join(config ? resolve(config) : join(env.home, '.claude'), 'projects');
  const include = ['*/*.jsonl', '*/*/custom-title.json', '*/*/subagents/agent-*.{jsonl,meta.json}'];
  return [{ folder, include }];
}

type FileRole = 'transcript' | 'agent' | 'agent-meta' | 'title';

interface Group {
  transcripts: FoundFile[];
  agents: FoundFile[];
  metas: FoundFile[];
  titles: FoundFile[];
}

/** One raw session for each session id: its transcript, and its subagents' files wherever a client put them. */
export function sessions(found: readonly FoundFile[]): RawSession<ClaudeRecord>[] {
  const groups = new Map<string, Group>();
  for (const file of found) {
    const { role, sessionId } = classify(file.path);
    if (sessionId === undefined) continue;
    const group = groups.get(sessionId) ?? { transcripts: [], agents: [], metas: [], titles: [] };
    groups.set(sessionId, group);
    if (role === 'transcript') group.transcripts.push(file);
    else if (role === 'agent') group.agents.push(file);
    else if (role === 'agent-meta') group.metas.push(file);
    else group.titles.push(file);
  }
  const lineage = createLineage([...groups.values()].flatMap((group) => group.transcripts));
  const result: RawSession<ClaudeRecord>[] = [];
  for (const [id, group] of groups) {
    // A title without a transcript is what a deleted session leaves behind.
    if (group.transcripts.length + group.agents.length > 0) result.push(rawSession(id, group, lineage));
  }
  return result;
}

function classify(path: string): { role: FileRole; sessionId: string | undefined } {
  const name = basename(path);
  const folder = dirname(path);
  if (name === 'custom-title.json') return { role: 'title', sessionId: basename(folder) };
  if (basename(folder) === 'subagents') {
    const role = name.endsWith('.meta.json') ? 'agent-meta' : 'agent';
    return { role, sessionId: basename(dirname(folder)) };
  }
  // 2.0 clients put subagents beside the transcripts; only their lines name the session.
  if (name.startsWith('agent-')) return { role: 'agent', sessionId: sessionIdInside(path) };
  return { role: 'transcript', sessionId: sessionIdOf(path) };
}

function sessionIdInside(path: string): string | undefined {
  try {
    for (const { value } of jsonl(path, { report: ignore })) {
      const { sessionId } = (value ?? {}) as { sessionId?: unknown };
      if (typeof sessionId === 'string') return sessionId;
    }
  } catch (error) {
    // Stands for itself, so that loading it fails and is reported, and nothing else is.
    if (isOpenSyncError(error)) return sessionIdOf(path);
    throw error;
  }
  return undefined;
}

function rawSession(id: string, group: Group, lineage: Lineage): RawSession<ClaudeRecord> {
  const all = [...group.titles, ...group.transcripts, ...group.metas, ...group.agents];
  all.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    id,
    files: all.map((file) => file.path),
    version: filesVersion(all),
    changedAt: all.reduce((latest, file) => Math.max(latest, file.mtimeMs), 0),
    load: (need, report) => load(group, lineage, need, report),
  };
}

function* load(
  group: Group,
  lineage: Lineage,
  need: Need,
  report: (problem: Problem) => void,
): Generator<ClaudeRecord> {
  for (const { path } of group.titles) {
    const title = CustomTitle.safeParse(readJson(path, report)).data?.customTitle;
    if (title !== undefined) yield { kind: 'title', title };
  }
  const filter = (ofAgent: boolean) => (need === 'summary' ? summaryFilter({ ofAgent }) : isConversation);
  for (const transcript of inOrder(group.transcripts)) {
    const { path: file, size } = transcript;
    yield { kind: 'transcript', file, empty: size === 0, ...lineage.copiesIn(transcript) };
    for (const record of jsonl(transcript.path, { keep: filter(false), report }))
      yield { kind: 'line', ...record };
  }
  for (const { path } of group.metas) {
    yield { kind: 'agent', agentId: agentIdOf(path), meta: readJson(path, report) };
  }
  for (const { path } of inOrder(group.agents)) {
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

function readJson(path: string, report: (problem: Problem) => void): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    report({ message: `Left out: ${errorMessage(error)}`, location: { file: path, line: 0 } });
    return undefined;
  }
}
