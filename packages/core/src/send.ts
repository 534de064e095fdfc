import type { Answer, BatchReceipt, Client } from './client.js';
import { OpenSyncError } from './errors.js';
import type { Plan } from './plan.js';
import type { SyncMessageData, SyncSessionData } from './types.js';

/** A server, and what it said of itself in `/health`. */
export interface Server {
  client: Client;
  /** Its clock minus ours, milliseconds. */
  skewMs: number;
  /** Batches keep parts and times, and name what failed. */
  batch: boolean;
  /** Updates apply at once. */
  immediate: boolean;
  /** Takes any number of sessions and messages. */
  unlimited: boolean;
}

/** What the server has taken and what it never will. */
export interface Sent {
  /** Whether the session's fields were taken. */
  session: boolean;
  /** External ids. */
  messages: string[];
  refused: { externalId: string; error: string }[];
}

/** Messages in one batch. */
const BATCH_MESSAGES = 500;
/** UTF-8 bytes of one batch; the server takes 16 MiB. */
const BATCH_BYTES = 4 << 20;
/** Single messages between two notes of what was taken. */
const REMEMBER_EVERY = 25;

/**
 * Sends a plan in order, the session before its messages, one request in flight. `remember` is told
 * what the server has taken, often enough that an interruption repeats little.
 * @throws OpenSyncError when the server cannot be reached or refuses the key; what was remembered stays
 */
export async function send(server: Server, plan: Plan, remember: (sent: Sent) => void): Promise<void> {
  if (server.batch) await sendBatches(server, plan, remember);
  else await sendSingly(server, plan, remember);
}

async function sendBatches(server: Server, plan: Plan, remember: (sent: Sent) => void): Promise<void> {
  let rest = plan;
  for (const messages of batches(plan.messages)) {
    const sessions = rest.session === undefined ? [] : [rest.session];
    const answer = await server.client.syncBatch({ sessions, messages });
    // It does not say which item it refuses; one by one, each has an answer of its own.
    if (answer.kind === 'poison' && !answer.data?.failed?.length) return sendSingly(server, rest, remember);
    const sent = outcome(sessions, messages, answer);
    remember(sent);
    if (plan.isNew && sessions.length > 0 && !sent.session) return;
    rest = { ...rest, session: undefined, messages: rest.messages.slice(messages.length) };
  }
}

function outcome(
  sessions: SyncSessionData[],
  messages: SyncMessageData[],
  answer: Answer<BatchReceipt>,
): Sent {
  const { failed = [], sessions: sessionsTaken = 0, messages: messagesTaken = 0 } = answer.data ?? {};
  // Whatever is neither counted as taken nor named as refused may be neither.
  const accounted = sessionsTaken + messagesTaken + failed.length;
  if (accounted < sessions.length + messages.length) throw failureOf(answer);
  const refused = failed.flatMap(({ kind, index, error }) => {
    const item = kind === 'session' ? sessions[index] : messages[index];
    return item === undefined ? [] : [{ externalId: item.externalId, error }];
  });
  const refusedIds = new Set(refused.map(({ externalId }) => externalId));
  const isTaken = ({ externalId }: { externalId: string }) => !refusedIds.has(externalId);
  return {
    session: sessions.some(isTaken),
    messages: messages.filter(isTaken).map(({ externalId }) => externalId),
    refused,
  };
}

function* batches(messages: readonly SyncMessageData[]): Generator<SyncMessageData[]> {
  let batch: SyncMessageData[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(JSON.stringify(message));
    if (batch.length > 0 && (batch.length >= BATCH_MESSAGES || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  // A plan with a session and no messages is one batch as well.
  if (batch.length > 0 || messages.length === 0) yield batch;
}

async function sendSingly(server: Server, plan: Plan, remember: (sent: Sent) => void): Promise<void> {
  let pending: Sent = { session: false, messages: [], refused: [] };
  const flush = () => {
    if (pending.session || pending.messages.length > 0 || pending.refused.length > 0) remember(pending);
    pending = { session: false, messages: [], refused: [] };
  };
  try {
    if (plan.session !== undefined) {
      const refusal = await sendSession(server, plan.session);
      if (refusal === undefined) pending.session = true;
      else pending.refused.push({ externalId: plan.session.externalId, error: refusal });
      if (refusal !== undefined && plan.isNew) return;
    }
    for (const message of plan.messages) {
      const refusal = await sendMessage(server.client, message);
      if (refusal === undefined) pending.messages.push(message.externalId);
      else pending.refused.push({ externalId: message.externalId, error: refusal });
      if (pending.messages.length >= REMEMBER_EVERY) flush();
    }
  } finally {
    flush();
  }
}

/**
 * Within 10 s of any change the hosted server takes a call whose title, model and tokens it has already
 * for a repeat, and drops what else is in it, with ok. Whether it has them, a lost answer leaves open; a
 * call without a title always applies, so one follows.
 */
async function sendSession(
  { client, immediate }: Server,
  session: SyncSessionData,
): Promise<string | undefined> {
  const refusal = refusalOf(await client.syncSession(session));
  if (refusal !== undefined || immediate || session.title === undefined) return refusal;
  const { title: _, source: __, ...update } = session;
  return refusalOf(await client.syncSession(update));
}

/**
 * The hosted server cuts its search text at a fixed length and then refuses the half of an emoji that
 * the cut left: a text shifted by one character is cut elsewhere.
 */
async function sendMessage(client: Client, message: SyncMessageData): Promise<string | undefined> {
  const refusal = refusalOf(await client.syncMessage(message));
  if (refusal === undefined || !/surrogate|invalid json/i.test(refusal)) return refusal;
  const shifted = shiftText(message);
  return shifted === undefined ? refusal : refusalOf(await client.syncMessage(shifted));
}

function shiftText(message: SyncMessageData): SyncMessageData | undefined {
  const index = message.parts?.findIndex((part) => part.type === 'text') ?? -1;
  if (message.parts === undefined || index === -1) return undefined;
  const parts = message.parts.map((part, at) =>
    at === index ? { ...part, content: `\n${part.content}` } : part,
  );
  return { ...message, parts };
}

/** Why the server will never take it; undefined when it took it. */
function refusalOf<T>(answer: Answer<T>): string | undefined {
  if (answer.success) return undefined;
  if (answer.kind === 'poison') return answer.error ?? 'refused';
  throw failureOf(answer);
}

function failureOf<T>(answer: Answer<T>): OpenSyncError {
  const { kind = 'network', error = 'The server did not answer.', status } = answer;
  return new OpenSyncError(kind, error, status === undefined ? {} : { status });
}
