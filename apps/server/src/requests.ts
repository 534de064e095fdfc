import * as z from 'zod';
import { RequestError } from './request-error.js';
import { checkDocument, LIMITS } from './values.js';

const Text = z.string().optional();
/** Below zero would poison every total it enters. */
const Amount = z.number().nonnegative().optional();
/** Milliseconds since the Unix epoch, up to the last one that a Date can hold. */
const Moment = z.number().min(0).max(8.64e15).optional();

const SessionBody = z.object({
  externalId: Text,
  sessionId: Text,
  title: Text,
  projectPath: Text,
  projectName: Text,
  model: Text,
  provider: Text,
  source: Text,
  promptTokens: Amount,
  completionTokens: Amount,
  cost: Amount,
  durationMs: Amount,
  createdAt: Moment,
});

const PartBody = z.strictObject({
  type: z.string(),
  content: z.unknown().refine((content) => content !== undefined, 'is missing'),
});

const MessageBody = z.object({
  sessionExternalId: z.string().min(1),
  externalId: z.string().min(1),
  role: z.enum(['user', 'assistant', 'system', 'tool', 'unknown']),
  textContent: Text,
  model: Text,
  source: Text,
  promptTokens: Amount,
  completionTokens: Amount,
  durationMs: Amount,
  createdAt: Moment,
  parts: z.array(PartBody).max(LIMITS.arrayLength).optional(),
});

const BatchBody = z.object({
  sessions: z.array(z.unknown()).max(LIMITS.arrayLength).optional(),
  messages: z.array(z.unknown()).max(LIMITS.arrayLength).optional(),
});

export interface Part {
  type: string;
  content: unknown;
}

/** What `POST /sync/session` says; absent is unknown or unchanged. */
export type SessionInput = Omit<z.infer<typeof SessionBody>, 'sessionId' | 'externalId'> & {
  externalId: string;
};

/** What `POST /sync/message` says; no parts means that the message has none. */
export type MessageInput = Omit<z.infer<typeof MessageBody>, 'parts'> & { parts: Part[] };

export interface BatchInput {
  sessions: unknown[];
  messages: unknown[];
}

export function parseSession(body: unknown): SessionInput {
  const { sessionId, ...fields } = parse(SessionBody, body);
  const externalId = fields.externalId || sessionId;
  if (!externalId) throw new RequestError('Missing externalId or sessionId');
  // The hosted server keeps the title a second time, in its search text.
  checkDocument({ ...fields, externalId, searchableText: fields.title });
  return { ...fields, externalId };
}

export function parseMessage(body: unknown): MessageInput {
  const { parts = [], ...fields } = parse(MessageBody, body);
  checkDocument(fields);
  for (const [index, part] of parts.entries()) checkDocument(part, `parts[${index}]`);
  return { ...fields, parts };
}

export function parseBatch(body: unknown): BatchInput {
  const { sessions = [], messages = [] } = parse(BatchBody, body);
  return { sessions, messages };
}

function parse<T>(shape: z.ZodType<T>, body: unknown): T {
  const result = shape.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RequestError(issue ? describe(issue) : 'Not a valid body.');
}

/** Zod's own texts name types and never values; the names of extra fields are the user's, though. */
function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const problem = issue.code === 'unrecognized_keys' ? 'has fields beside type and content' : issue.message;
  return `${path.replace(/^\./, '') || 'body'}: ${problem}`;
}
