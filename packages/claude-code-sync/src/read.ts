import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type Env,
  errorMessage,
  type FilePattern,
  type FoundFile,
  filesVersion,
  jsonl,
  type Need,
  type Problem,
  type RawSession,
} from '@opensync/core';
import { createLineage, type Lineage } from './lineage.js';
import { CustomTitle } from './records.js';
import type { ClaudeRecord } from './transform.js';

/** `$CLAUDE_CONFIG_DIR`, by default `~/.claude`. */
export function files(env: Env): FilePattern[] {
  const config = env.vars.CLAUDE_CONFIG_DIR;
  const folder = join(config ? config : join(env.home, '.claude'), 'projects');
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
    let group = groups.get(sessionId);
    if (group === undefined) groups.set(sessionId, (group = { transcripts: [], agents: [], metas: [], titles: [] }));
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
  return { role: 'transcript', sessionId: basename(name, '.jsonl') };
}

function sessionIdInside(path: string): string | undefined {
  for (const { value } of jsonl(path, { report: ignore })) {
    const { sessionId } = value as { sessionId?: unknown };
    if (typeof sessionId === 'string') return sessionId;
  }
  return undefined;
}

/** The same line is read again, and reported, when the session is loaded. */
function ignore(_problem: Problem): void {
  return;
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
  const keep = need === 'summary' ? keepForSummary : keepForAll;
  for (const transcript of byAge(group.transcripts)) {
    if (transcript.size === 0) yield { kind: 'empty', file: transcript.path };
    yield { kind: 'copies', ...lineage.copiesIn(transcript) };
    for (const record of jsonl(transcript.path, { keep, report })) yield { kind: 'line', ...record };
  }
  for (const { path } of group.metas) {
    yield { kind: 'agent', agentId: agentIdOf(path), meta: readJson(path, report) };
  }
  for (const { path } of byAge(group.agents)) {
    const agentId = agentIdOf(path);
    for (const record of jsonl(path, { keep, report })) yield { kind: 'line', agentId, ...record };
  }
}

/** Oldest first; a copy of a transcript in a second folder comes after the one it was made of. */
function byAge(found: readonly FoundFile[]): FoundFile[] {
  return [...found].sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1));
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

/** The client's request log and file history: large, many, and never a part of the conversation. */
const NEVER = ['{"type":"api-request', '{"type":"file-history-snapshot"'].map((text) => Buffer.from(text));

function keepForAll(line: Buffer): boolean {
  return !NEVER.some((start) => line.length > start.length && line.compare(start, 0, start.length, 0, start.length) === 0);
}

/**
 * Leaves out the lines that hold nothing but tool output or context for the model. The quotes make
 * these searches exact: inside a JSON string they would be escaped.
 */
function keepForSummary(line: Buffer): boolean {
  if (!keepForAll(line)) return false;
  const head = line.toString('latin1', 0, Math.min(line.length, 1024));
  const message = head.indexOf('"message":{');
  // Before `message` stands the line's own type, not that of something inside it.
  const type = message === -1 ? -1 : head.lastIndexOf('"type":"', message);
  if (type !== -1) {
    if (head.startsWith('assistant"', type + 8)) return true;
    if (head.startsWith('user"', type + 8) && head.includes('"type":"tool_result"', message)) return false;
  }
  if (line.includes('"type":"assistant"')) return true;
  if (line.includes('"type":"attachment"')) return line.includes('"queued_command"');
  return !line.includes('"type":"tool_result"');
}
