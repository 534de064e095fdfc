import { createHash } from 'node:crypto';
import type { Sent } from './send.js';
import type { SyncMessageData, SyncSessionData } from './types.js';
import type { WireSession } from './wire.js';

/** What the server has acknowledged of one session. */
export interface Acknowledged {
  /** Hash of the session's fields. Absent until the server took them once. */
  header?: string;
  /** The title it took last. */
  title?: string;
  /** Hash of each message, by externalId. */
  messages: Record<string, string>;
  /** Hash of what the server will never take, by externalId; it is not offered again until it changes. */
  refused?: Record<string, string>;
}

export interface Plan {
  /** Sent first. Absent when nothing in it changed. */
  session?: SyncSessionData;
  /** The server has never taken the session, so its messages would create it anew, untitled and dated now. */
  isNew: boolean;
  messages: SyncMessageData[];
  /** Milliseconds until the messages that had to wait can be sent; 0 when none waits. */
  waitMs: number;
}

export interface PlanOptions {
  /** The server's clock, milliseconds since the Unix epoch. */
  now: number;
  /** The server applies every update at once; without it, see `UPDATE_WINDOW_MS`. */
  immediate: boolean;
}

/**
 * The hosted server answers ok to an update within 5 s of a message's `createdAt` and drops it. A
 * message is therefore not sent at all before that time is over: whatever the server then says ok to,
 * it has taken, and no lost answer, restart or second process can hide an update.
 */
export const UPDATE_WINDOW_MS = 5_200;

/**
 * What is known of the server's clock may lag by the time that its answer took. A message that seems to be
 * ahead of it by no more waits as well, and keeps its date.
 */
const MAX_LAG_MS = 10_000;

/** The difference between a session and what the server has of it. Pure. */
export function plan(wire: WireSession, known: Acknowledged | undefined, options: PlanOptions): Plan {
  const result: Plan = { isNew: known?.header === undefined, messages: [], waitMs: 0 };
  const header = planHeader(wire, known, options.now);
  if (header !== undefined) result.session = header;
  else if (result.isNew) return result;
  for (const message of wire.messages) {
    const hash = messageHash(message);
    if (known?.messages[message.externalId] === hash || known?.refused?.[message.externalId] === hash)
      continue;
    const wait = options.immediate ? 0 : waitOf(message, options.now);
    // Behind one that waits all wait: one from the future would be sent with an older date than that.
    if (wait > 0 || result.waitMs > 0) result.waitMs = Math.max(result.waitMs, wait);
    else result.messages.push(notInFuture(message, options));
  }
  return result;
}

function planHeader(
  wire: WireSession,
  known: Acknowledged | undefined,
  now: number,
): SyncSessionData | undefined {
  const hash = headerHash(wire.session);
  if (known?.header === hash || known?.refused?.[wire.session.externalId] === hash) return undefined;
  const data: SyncSessionData = { ...wire.session };
  if (data.createdAt !== undefined) data.createdAt = Math.min(data.createdAt, now);
  if (known?.header === undefined) return data;
  // Sent again, the source would undo the server's own spelling of it. An unchanged title would make
  // the server ignore the rest of the update, a changed one resets its search text.
  delete data.source;
  if (known.title === data.title) delete data.title;
  return data;
}

/** A message dated well after now, by a clock that runs ahead, is old enough: it is sent with an older date. */
function waitOf(message: SyncMessageData, now: number): number {
  if (message.createdAt === undefined || message.createdAt > now + MAX_LAG_MS) return 0;
  return Math.max(0, message.createdAt + UPDATE_WINDOW_MS - now);
}

function notInFuture(message: SyncMessageData, { now, immediate }: PlanOptions): SyncMessageData {
  if (message.createdAt === undefined || message.createdAt <= now + MAX_LAG_MS) return message;
  return { ...message, createdAt: immediate ? now : now - UPDATE_WINDOW_MS };
}

/** Hash of everything an update can change; the server never changes `createdAt`. */
function messageHash(message: SyncMessageData): string {
  const { createdAt: _, ...rest } = message;
  return hashOf(rest);
}

function headerHash(session: SyncSessionData): string {
  const { createdAt: _, ...rest } = session;
  return hashOf(rest);
}

/** 96 bits: enough to tell two states of one message apart, short enough to keep for each. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}

/**
 * `known` while a plan is under way: an update whose answer is lost may have been taken, and then the
 * server no longer has what it acknowledged before. Undefined when the plan updates nothing.
 */
export function withoutDoubtful(known: Acknowledged | undefined, plan: Plan): Acknowledged | undefined {
  const { session } = plan;
  const updates = plan.messages.filter(({ externalId }) => known?.messages[externalId] !== undefined);
  const updatesSession = session !== undefined && known?.header !== undefined;
  if (known === undefined || (updates.length === 0 && !updatesSession)) return undefined;
  const next: Acknowledged = { ...known, messages: { ...known.messages } };
  for (const { externalId } of updates) delete next.messages[externalId];
  if (!updatesSession) return next;
  // The hash of nothing: the server has the session all the same.
  next.header = '';
  if (session.title !== undefined) delete next.title;
  return next;
}

/** `known` after an answer of the server. What it took is no longer refused, and what it refuses stays as it has it. */
export function acknowledge(known: Acknowledged | undefined, sent: Sent, wire: WireSession): Acknowledged {
  const { externalId, title } = wire.session;
  const byId = new Map(wire.messages.map((message) => [message.externalId, message]));
  const hashFor = (id: string) => {
    const message = byId.get(id);
    return message === undefined ? headerHash(wire.session) : messageHash(message);
  };
  const next: Acknowledged = { ...known, messages: { ...known?.messages } };
  const refused = { ...known?.refused };
  if (sent.session) {
    next.header = headerHash(wire.session);
    if (title !== undefined) next.title = title;
    delete refused[externalId];
  }
  for (const id of sent.messages) {
    next.messages[id] = hashFor(id);
    delete refused[id];
  }
  for (const item of sent.refused) refused[item.externalId] = hashFor(item.externalId);
  delete next.refused;
  return Object.keys(refused).length === 0 ? next : { ...next, refused };
}
