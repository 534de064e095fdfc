/*
 * Lines of a Claude Code transcript, as loose as reality: unknown fields and line types pass, and a
 * field of another type than expected is unknown, never the end of its whole line. Checked by hand:
 * a history has a million lines, and a schema would take longer than everything else together.
 * docs/formats/claude-code.md says which client writes what.
 */

import { countOf, type Fields, isFields } from '@opensync/core/plugin';

/** Any line. Most fields belong to some line types only. */
export interface Line {
  type: string;
  subtype: string | undefined;
  uuid: string | undefined;
  parentUuid: string | undefined;
  timestamp: string | undefined;
  sessionId: string | undefined;
  /** The session that was billed; on assistant lines. */
  requestSessionId: string | undefined;
  requestId: string | undefined;
  cwd: string | undefined;
  gitBranch: string | undefined;
  isSidechain: boolean;
  isMeta: boolean;
  isCompactSummary: boolean;
  isApiErrorMessage: boolean;
  /** `origin.kind`: who wrote a user line. */
  originKind: string | undefined;
  /** `forkedFrom.sessionId` */
  forkedFrom: string | undefined;
  customTitle: string | undefined;
  aiTitle: string | undefined;
  /** Of system lines. */
  content: unknown;
  attachment: Attachment | undefined;
  message: MessageRecord | undefined;
}

interface Attachment {
  type: string | undefined;
  commandMode: string | undefined;
  prompt: Content | undefined;
}

export interface MessageRecord {
  id: string | undefined;
  model: string | undefined;
  stopReason: string | undefined;
  content: Content | undefined;
  usage: UsageRecord | undefined;
}

/** Text, or blocks of any kind. */
export type Content = string | unknown[];

/** `message.usage`; every line of one API message repeats it. */
export interface UsageRecord {
  input: number | undefined;
  output: number | undefined;
  cacheRead: number | undefined;
  /** The sum of the two below. */
  cacheWrite: number | undefined;
  cacheWrite5m: number | undefined;
  cacheWrite1h: number | undefined;
  thinking: number | undefined;
  webSearches: number | undefined;
  serviceTier: string | undefined;
  speed: string | undefined;
}

const fields = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const contentOf = (value: unknown): Content | undefined => (Array.isArray(value) ? value : text(value));

/** Undefined for a value that is no record. */
export function lineOf(value: unknown): Line | undefined {
  const line = fields(value);
  const type = text(line?.type);
  if (line === undefined || type === undefined) return undefined;
  return {
    type,
    subtype: text(line.subtype),
    uuid: text(line.uuid),
    parentUuid: text(line.parentUuid),
    timestamp: text(line.timestamp),
    sessionId: text(line.sessionId),
    requestSessionId: text(line.requestSessionId),
    requestId: text(line.requestId),
    cwd: text(line.cwd),
    gitBranch: text(line.gitBranch),
    isSidechain: line.isSidechain === true,
    isMeta: line.isMeta === true,
    isCompactSummary: line.isCompactSummary === true,
    isApiErrorMessage: line.isApiErrorMessage === true,
    originKind: text(fields(line.origin)?.kind),
    forkedFrom: text(fields(line.forkedFrom)?.sessionId),
    customTitle: text(line.customTitle),
    aiTitle: text(line.aiTitle),
    content: line.content,
    attachment: attachmentOf(fields(line.attachment)),
    message: messageOf(fields(line.message)),
  };
}

function attachmentOf(attachment: Fields | undefined): Attachment | undefined {
  if (attachment === undefined) return undefined;
  const { type, commandMode, prompt } = attachment;
  return { type: text(type), commandMode: text(commandMode), prompt: contentOf(prompt) };
}

function messageOf(message: Fields | undefined): MessageRecord | undefined {
  if (message === undefined) return undefined;
  return {
    id: text(message.id),
    model: text(message.model),
    stopReason: text(message.stop_reason),
    content: contentOf(message.content),
    usage: usageRecordOf(fields(message.usage)),
  };
}

function usageRecordOf(usage: Fields | undefined): UsageRecord | undefined {
  if (usage === undefined) return undefined;
  const split = fields(usage.cache_creation);
  return {
    input: countOf(usage.input_tokens),
    output: countOf(usage.output_tokens),
    cacheRead: countOf(usage.cache_read_input_tokens),
    cacheWrite: countOf(usage.cache_creation_input_tokens),
    cacheWrite5m: countOf(split?.ephemeral_5m_input_tokens),
    cacheWrite1h: countOf(split?.ephemeral_1h_input_tokens),
    thinking: countOf(fields(usage.output_tokens_details)?.thinking_tokens),
    webSearches: countOf(fields(usage.server_tool_use)?.web_search_requests),
    serviceTier: text(usage.service_tier),
    speed: text(usage.speed),
  };
}

/** The model of a line that the client wrote in the model's name. */
export const SYNTHETIC = '<synthetic>';

/** Milliseconds since the Unix epoch. */
export function timeOf({ timestamp }: Pick<Line, 'timestamp'>): number | undefined {
  const at = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(at) ? undefined : at;
}

/** The session that a line says it was copied from, in any of the ways in which clients say so. */
export function markedOrigin(line: Line, ownId: string): string | undefined {
  const { forkedFrom, requestSessionId, sessionId } = line;
  if (forkedFrom !== undefined) return forkedFrom;
  if (requestSessionId !== undefined && requestSessionId !== ownId) return requestSessionId;
  return sessionId !== undefined && sessionId !== ownId ? sessionId : undefined;
}

/** `agent-<id>.meta.json`, beside a subagent's transcript. */
export interface AgentMeta {
  agentType: string | undefined;
  description: string | undefined;
}

export function agentMetaOf(value: unknown): AgentMeta {
  const meta = fields(value);
  return { agentType: text(meta?.agentType), description: text(meta?.description) };
}

/** The title in `custom-title.json`, beside the folder of a session's subagents. */
export function customTitleOf(value: unknown): string | undefined {
  return text(fields(value)?.customTitle);
}
