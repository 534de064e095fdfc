import type { CheckpointStore } from '../checkpoint.js';
import type { Config } from '../config.js';
import { addExact } from '../pricing.js';
import { describeProblem, type PreparedSession, readSessions } from '../session.js';
import type { RawSession, Source } from '../source.js';
import { stampOf, versionOf } from '../sync.js';
import type { Session, Usage } from '../types.js';
import { addUsage, completionTokens, mainModel, modelsOf, promptTokens } from '../usage.js';

type Synced = 'no' | 'partly' | 'yes';

/** A session as `list --json` prints it. Null is unknown. Times are milliseconds since the Unix epoch. */
export interface SessionRow {
  id: string;
  source: string;
  title: string | null;
  projectPath: string | null;
  projectName: string | null;
  gitBranch: string | null;
  model: string | null;
  models: string[];
  provider: string | null;
  createdAt: number | null;
  updatedAt: number | null;
  durationMs: number | null;
  parentId: string | null;
  forkedFrom: string | null;
  usage: Usage | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** US dollars. */
  cost: number | null;
  /** Models whose price is not known. */
  unpriced: string[];
  messages: { user: number; assistant: number; tool: number; system: number };
  toolCalls: number;
  files: readonly string[];
  synced: Synced;
  problems: string[];
  /** US dollars, as the tool itself reckoned the calls it has a figure for; only where it has one. */
  toolCost?: number;
  /** With subagents; only on a session that has some. */
  usageWithChildren?: Usage | null;
  costWithChildren?: number | null;
}

interface RowOptions<R> {
  source: Source<R>;
  config: Config;
  /** Absent when nobody is signed in: then nothing is synced. */
  syncedOf?: ((raw: RawSession<R>) => Synced) | undefined;
}

/** Rows of a session and its subagents. @throws OpenSyncError `read` */
export function sessionRows<R>(raw: RawSession<R>, options: RowOptions<R>): SessionRow[] {
  const { source, config, syncedOf } = options;
  const prepared = readSessions(source, raw, 'summary', { prices: config.prices });
  const synced = syncedOf?.(raw) ?? 'no';
  return prepared.map((one) => {
    const row = sessionRow(one, source as Source, raw, synced);
    const children = prepared.filter(({ session }) => session.parentId === one.session.id);
    return children.length === 0 ? row : { ...row, ...totals([one, ...children]) };
  });
}

/** How much of each session a server has, as far as is known here. */
export function syncedBy<R>(
  source: Source<R>,
  config: Config,
  checkpoints: CheckpointStore,
): (raw: RawSession<R>) => Synced {
  const stamp = stampOf(source as Source, config);
  return (raw) => {
    const complete = checkpoints.complete().get(raw.id)?.version;
    if (complete === versionOf(raw, stamp)) return 'yes';
    return complete !== undefined || checkpoints.has(raw.id) ? 'partly' : 'no';
  };
}

function sessionRow(
  { session, priced }: PreparedSession,
  source: Source,
  raw: RawSession,
  synced: Synced,
): SessionRow {
  const usage = addUsage(session.calls);
  const { createdAt, updatedAt } = session;
  return {
    id: session.id,
    source: source.id,
    title: session.title ?? null,
    projectPath: session.projectPath ?? null,
    projectName: session.projectName ?? null,
    gitBranch: session.gitBranch ?? null,
    model: mainModel(session.calls) ?? null,
    models: modelsOf(session.calls),
    provider: session.provider ?? null,
    createdAt: createdAt ?? null,
    updatedAt: updatedAt ?? null,
    durationMs: createdAt === undefined || updatedAt === undefined ? null : updatedAt - createdAt,
    parentId: session.parentId ?? null,
    forkedFrom: session.forkedFrom ?? null,
    usage,
    promptTokens: usage === null ? null : promptTokens(usage),
    completionTokens: usage === null ? null : completionTokens(usage),
    cost: priced.cost,
    unpriced: priced.unpriced,
    messages: countMessages(session),
    toolCalls: countToolCalls(session),
    files: raw.files,
    synced,
    problems: session.problems.map(describeProblem),
    ...toolCostOf(session),
  };
}

function toolCostOf({ calls }: Session): { toolCost?: number } {
  const costs = calls.flatMap(({ toolCost }) => toolCost ?? []);
  return costs.length === 0 ? {} : { toolCost: costs.reduce((sum, cost) => sum + cost, 0) };
}

/** What was said in this session: copies are counted where they were made, notices not at all. */
function countMessages(session: Session): SessionRow['messages'] {
  const counts = { user: 0, assistant: 0, tool: 0, system: 0 };
  for (const { role, copied, injected, parts } of session.messages) {
    if (copied === true || role === 'unknown') continue;
    if (role === 'user' && injected === true) continue;
    if (role === 'assistant') {
      const said = parts.some(({ type }) => type === 'text' || type === 'tool-call' || type === 'file');
      if (injected === true || !said) continue;
    }
    counts[role]++;
  }
  return counts;
}

function countToolCalls(session: Session): number {
  return session.messages
    .filter(({ copied }) => copied !== true)
    .reduce((sum, { parts }) => sum + parts.filter(({ type }) => type === 'tool-call').length, 0);
}

function totals(
  prepared: readonly PreparedSession[],
): Pick<SessionRow, 'usageWithChildren' | 'costWithChildren'> {
  return {
    usageWithChildren: addUsage(prepared.flatMap(({ session }) => session.calls)),
    costWithChildren: addExact(prepared.map(({ priced }) => priced.exact)),
  };
}
