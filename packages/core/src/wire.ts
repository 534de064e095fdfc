import { inspect } from 'node:util';
import type { Part, Session, SyncMessageData, SyncSessionData, Usage } from './types.js';
import { addUsage, completionTokens, mainModel, promptTokens } from './usage.js';

/**
 * What the API takes. Every rule here answers a refusal or a limit of the server that was measured
 * on its real functions: docs/contract.md.
 */
export interface WireSession {
  session: SyncSessionData & { source: string };
  messages: SyncMessageData[];
}

export interface WireOptions {
  /** Source id, first part of every message id. */
  source: string;
  /** US dollars; null when unknown. */
  cost: number | null;
  /** Whether thinking leaves the machine. */
  thinking: boolean;
  /** Whether what tools answered does. Default true. */
  toolResults?: boolean;
}

/** Characters; the server stores a title twice in a document of 1 MiB. */
const MAX_TITLE = 200;
/** UTF-8 bytes of one text. A document may have 1 MiB; this leaves a long session under 16 MiB. */
const MAX_TEXT_BYTES = 200_000;
/** UTF-8 bytes of all parts of one message. */
const MAX_MESSAGE_BYTES = 3_000_000;
/** Levels below the arguments of a tool call; a part may nest 15. */
const MAX_DEPTH = 10;
/** Parts of one message. */
const MAX_PARTS = 2_000;
/** Characters of a tool's name and of its call's id. */
const MAX_NAME = 200;
/** Characters of what describes a session: paths, models. */
const MAX_LABEL = 4_000;
const MAX_ARRAY = 8_000;
const MAX_KEYS = 1_000;
const MAX_KEY_LENGTH = 1_000;
/** The server's range of dates: later ones break its charts for good. */
const MAX_TIME = 8.64e15;

export function toWire(session: Session, options: WireOptions): WireSession {
  const usage = addUsage(session.calls);
  const header: WireSession['session'] = { externalId: wellFormed(session.id), source: options.source };
  const createdAt = timeOf(session.createdAt);
  const updatedAt = timeOf(session.updatedAt);
  // The server merges an update reliably only while a title is stored, so there always is one.
  header.title = clip(session.title?.trim() || 'Untitled session', MAX_TITLE);
  assign(header, 'projectPath', session.projectPath, label);
  assign(header, 'projectName', session.projectName, label);
  assign(header, 'model', mainModel(session.calls), label);
  assign(header, 'provider', session.provider, label);
  if (createdAt !== undefined) header.createdAt = createdAt;
  if (usage !== null) setUsage(header, usage);
  if (options.cost !== null && isQuantity(options.cost)) header.cost = options.cost;
  if (createdAt !== undefined && updatedAt !== undefined) {
    header.durationMs = Math.max(0, updatedAt - createdAt);
  }
  return { session: header, messages: wireMessages(session, options) };
}

/** The hosted server cannot open a session of 4,095 messages, nor one of 16 MiB. */
const MAX_SESSION_MESSAGES = 4_000;
const MAX_SESSION_BYTES = 12 << 20;

/**
 * For a server with limits: a session that is too long goes on in a second one, `<id>:2`, titled so.
 * The totals stay with the first.
 */
export function splitWire(wire: WireSession): WireSession[] {
  const result: WireSession[] = [{ session: wire.session, messages: [] }];
  let bytes = 0;
  for (const message of wire.messages) {
    const size = sizeOf(message);
    const last = result[result.length - 1] as WireSession;
    const full = last.messages.length >= MAX_SESSION_MESSAGES || bytes + size > MAX_SESSION_BYTES;
    if (full && last.messages.length > 0) {
      result.push(continuation(wire.session, result.length + 1, message.createdAt));
      bytes = 0;
    }
    const target = result[result.length - 1] as WireSession;
    target.messages.push({ ...message, sessionExternalId: target.session.externalId });
    bytes += size;
  }
  return result;
}

function continuation(
  first: WireSession['session'],
  number: number,
  createdAt: number | undefined,
): WireSession {
  const { source, title, projectPath, projectName, model, provider } = first;
  const session: WireSession['session'] = { externalId: `${first.externalId}:${number}`, source };
  session.title = clip(`${title} (part ${number})`, MAX_TITLE);
  Object.assign(session, omitUndefined({ projectPath, projectName, model, provider, createdAt }));
  return { session, messages: [] };
}

function omitUndefined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function wireMessages(session: Session, options: WireOptions): SyncMessageData[] {
  const result: SyncMessageData[] = [];
  let previous: number | undefined;
  for (const message of session.messages) {
    const own = timeOf(message.createdAt);
    const createdAt = previous === undefined ? (own ?? timeOf(session.createdAt)) : nextTime(own, previous);
    previous = createdAt ?? previous;
    const parts = wireParts(message.parts, options);
    if (parts.length === 0) continue;
    const data: SyncMessageData = {
      sessionExternalId: wellFormed(session.id),
      externalId: wellFormed(`${options.source}:${session.id}:${message.id}`),
      role: message.role,
      source: options.source,
      parts,
    };
    const text = textContent(parts);
    if (text !== '') data.textContent = text;
    assign(data, 'model', message.model, label);
    if (createdAt !== undefined) data.createdAt = createdAt;
    if (message.usage !== undefined) setUsage(data, message.usage);
    result.push(data);
  }
  return result;
}

/** The server sorts a session's messages by time alone, so no two may be equal and none run backwards. */
function nextTime(own: number | undefined, previous: number): number {
  return own === undefined ? previous + 1 : Math.max(own, previous + 1);
}

/** As the server takes it; undefined for what is no time, such as a date that could not be parsed. */
function timeOf(at: number | undefined): number | undefined {
  if (at === undefined || !Number.isFinite(at)) return undefined;
  return Math.min(MAX_TIME, Math.max(1, Math.floor(at)));
}

function setUsage(data: { promptTokens?: number; completionTokens?: number }, usage: Usage): void {
  const [prompt, completion] = [promptTokens(usage), completionTokens(usage)];
  if (isQuantity(prompt)) data.promptTokens = prompt;
  if (isQuantity(completion)) data.completionTokens = completion;
}

/** The server would add a negative number to its totals and cannot show an infinite one. */
function isQuantity(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

type WirePart = { type: string; content: unknown };

function wireParts(parts: readonly Part[], { thinking, toolResults = true }: WireOptions): WirePart[] {
  const shown = parts
    .filter((part) => part.type !== 'thinking' || thinking)
    .map((part) => (part.type === 'tool-result' && !toolResults ? withoutResult(part) : part));
  for (let limit = MAX_TEXT_BYTES; ; limit = Math.floor(limit / 4)) {
    const result = shown.slice(0, MAX_PARTS).flatMap((part) => wirePart(part, limit) ?? []);
    const left = shown.length - MAX_PARTS;
    if (left > 0) result.push({ type: 'text', content: `[${left} more parts left out]` });
    // Two parts always fit, even when JSON writes each of their bytes as six.
    if (limit < 200 || result.length <= 2 || sizeOf(result) <= MAX_MESSAGE_BYTES) return result;
  }
}

/** A reader still sees that there was one, and how long. */
function withoutResult(part: Extract<Part, { type: 'tool-result' }>): Part {
  return { ...part, result: `[result left out, ${Buffer.byteLength(part.result)} bytes]` };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function wirePart(part: Part, limit: number): WirePart | undefined {
  switch (part.type) {
    case 'text':
      return part.text === '' ? undefined : { type: 'text', content: clipBytes(part.text, limit) };
    case 'thinking':
      if (part.text === '') return undefined;
      return { type: 'thinking', content: { text: clipBytes(part.text, limit) } };
    case 'tool-call': {
      const { id, name } = part;
      return {
        type: 'tool-call',
        content: { id: clip(id, MAX_NAME), name: clip(name, MAX_NAME), args: wireArgs(part.args, limit) },
      };
    }
    case 'tool-result': {
      const { id, name, isError } = part;
      const content = {
        id: clip(id, MAX_NAME),
        name: clip(name, MAX_NAME),
        result: clipBytes(part.result, limit) || '(no output)',
      };
      return { type: 'tool-result', content: isError === true ? { ...content, isError } : content };
    }
    case 'file':
      return { type: 'text', content: fileText(part) };
  }
}

function fileText(part: Extract<Part, { type: 'file' }>): string {
  const mediaType = clip(part.mediaType, MAX_NAME);
  return part.bytes === undefined ? `[${mediaType}]` : `[${mediaType}, ${part.bytes} bytes]`;
}

/** The same text as in the `text` parts: the server's message search reads this field alone. */
function textContent(parts: readonly WirePart[]): string {
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.content as string] : []));
  return clipBytes(texts.join('\n\n'), MAX_TEXT_BYTES);
}

/** Arguments as the server takes them; what does not fit becomes text that a reader still understands. */
function wireArgs(args: unknown, limit: number): unknown {
  const value = sanitise(args, MAX_DEPTH, Math.max(200, Math.floor(limit / 2)));
  const size = sizeOf(value);
  return size <= limit ? value : clipBytes(JSON.stringify(value), limit);
}

function sanitise(value: unknown, depth: number, limit: number): unknown {
  switch (typeof value) {
    case 'string':
      return clipBytes(value, limit);
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      return value;
    case 'bigint':
      return String(value);
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (depth === 0) return clipBytes(stringify(value), limit);
  if (Array.isArray(value)) return sanitiseArray(value, depth, limit);
  return sanitiseObject(value, depth, limit);
}

function sanitiseArray(value: unknown[], depth: number, limit: number): unknown[] {
  const result = value.slice(0, MAX_ARRAY).map((item) => sanitise(item, depth - 1, limit));
  if (value.length > MAX_ARRAY) result.push(`[${value.length - MAX_ARRAY} more left out]`);
  return result;
}

function sanitiseObject(value: object, depth: number, limit: number): Record<string, unknown> {
  const entries = Object.entries(value).filter(
    ([, item]) => item !== undefined && typeof item !== 'function',
  );
  const result: Record<string, unknown> = {};
  for (const [key, item] of entries.slice(0, MAX_KEYS)) {
    // defineProperty, since assigning to "__proto__" would set the prototype and lose the value.
    const name = freeKey(safeKey(key), result);
    Object.defineProperty(result, name, {
      value: sanitise(item, depth - 1, limit),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (entries.length > MAX_KEYS)
    result[freeKey('...', result)] = `[${entries.length - MAX_KEYS} more left out]`;
  return result;
}

/** Printable ASCII, no leading "$", no "__proto__", at most 1,024 characters. */
function safeKey(key: string): string {
  const ascii = key.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const named = ascii.startsWith('$') || ascii === '__proto__' ? `_${ascii}` : ascii;
  return named.slice(0, MAX_KEY_LENGTH);
}

/** Two keys that became equal must not overwrite each other. */
function freeKey(key: string, taken: object): string {
  let free = key;
  for (let n = 2; Object.hasOwn(taken, free); n++) free = `${key}~${n}`;
  return free;
}

/** JSON.stringify overflows the stack on thousands of levels and knows no cycles; the outer levels have to do. */
function stringify(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ??
      'null'
    );
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return inspect(value, { depth: 20 });
    throw error;
  }
}

/** The server refuses a text with half of a surrogate pair. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function label(text: string): string {
  return clip(text, MAX_LABEL);
}

/** At most `limit` characters, never half of a pair, with "…" for what was cut. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return wellFormed(text);
  const end = isHighSurrogate(text, limit - 2) ? limit - 2 : limit - 1;
  return `${wellFormed(text.slice(0, end))}…`;
}

function isHighSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0xd800 && code <= 0xdbff;
}

/** At most about `limit` UTF-8 bytes: beginning and end stay, the middle gives way to a note. */
function clipBytes(text: string, limit: number): string {
  const whole = wellFormed(text);
  if (whole.length * 3 <= limit) return whole;
  const bytes = Buffer.from(whole);
  if (bytes.length <= limit) return whole;
  const head = characterStart(bytes, Math.floor(limit * 0.75));
  const tail = characterStart(bytes, bytes.length - Math.floor(limit * 0.2));
  return `${bytes.toString('utf8', 0, head)}\n[truncated ${tail - head} bytes]\n${bytes.toString('utf8', tail)}`;
}

/** Where the character begins that the byte at `index` belongs to. */
function characterStart(bytes: Buffer, index: number): number {
  let start = index;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return start;
}

function assign<T, K extends keyof T, V>(
  target: T,
  key: K,
  value: V | undefined,
  convert: (value: V) => T[K],
): void {
  if (value !== undefined) target[key] = convert(value);
}
