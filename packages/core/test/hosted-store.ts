import { checkDocument, checkFields } from './hosted-values.js';

export interface StoredSession {
  externalId: string;
  title?: string;
  projectPath?: string;
  projectName?: string;
  model?: string;
  provider?: string;
  source: string;
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
  cost: number;
  durationMs?: number;
  messageCount: number;
  searchableText: string;
  createdAt: number;
  updatedAt: number;
  /** When it was first told of it, by its own clock. */
  insertedAt: number;
}

interface StoredPart {
  type: string;
  content: unknown;
}

export interface StoredMessage {
  externalId: string;
  /** The session it was first sent to; no update moves it. */
  session: StoredSession;
  role: string;
  textContent?: string;
  model?: string;
  promptTokens?: number;
  completionTokens?: number;
  durationMs?: number;
  createdAt: number;
  parts: StoredPart[];
  insertedAt: number;
}

interface StoreOptions {
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  /** Updates apply at once: without H1, H2 and H6. */
  immediate: boolean;
  /** A message that is refused, whenever it is sent. */
  isPoison?: (message: Body) => boolean;
}

type Body = Record<string, unknown>;

const MESSAGE_WINDOW_MS = 5_000;
const SESSION_WINDOW_MS = 10_000;
const SEARCH_TEXT_LENGTH = 10_000;
const ROLES = ['user', 'assistant', 'system', 'tool', 'unknown'];

const SESSION_FIELDS = {
  externalId: 'string',
  title: 'string',
  projectPath: 'string',
  projectName: 'string',
  model: 'string',
  provider: 'string',
  source: 'string',
  promptTokens: 'number',
  completionTokens: 'number',
  cost: 'number',
  durationMs: 'number',
  createdAt: 'number',
} as const;

const MESSAGE_FIELDS = {
  sessionExternalId: 'string',
  externalId: 'string',
  role: 'string',
  textContent: 'string',
  model: 'string',
  promptTokens: 'number',
  completionTokens: 'number',
  durationMs: 'number',
  source: 'string',
  createdAt: 'number',
} as const;

/** The hosted server's sessions and messages, and what it does to them (docs/contract.md, sections 2 and 3). */
export class HostedStore {
  /** By user and external id. */
  readonly sessions = new Map<string, StoredSession>();
  /** By external id alone: H4, the ids of all users are in one index. */
  readonly messages = new Map<string, StoredMessage>();

  constructor(private readonly options: StoreOptions) {}

  /** `POST /sync/session`. @throws for a value it refuses; nothing is stored then */
  saveSession(user: string, body: Body): void {
    checkFields(body, SESSION_FIELDS);
    const known = this.sessions.get(keyOf(user, String(body.externalId)));
    if (known === undefined) this.insertSession(user, body);
    else if (this.options.immediate || !this.isRepeat(known, body)) this.updateSession(known, body);
  }

  /** `POST /sync/message`. @throws for a value it refuses; nothing is stored then */
  saveMessage(user: string, body: Body): void {
    checkMessage(body);
    if (this.options.isPoison?.(body)) throw new Error(refusalOf(body));
    const now = this.options.now();
    const known = this.messages.get(String(body.externalId));
    // H1: counted from the message's own date, wherever that lies.
    if (known && !this.options.immediate && now - known.createdAt < MESSAGE_WINDOW_MS) return;
    const sessionId = String(body.sessionExternalId);
    const found = this.sessions.get(keyOf(user, sessionId));
    const searchableText = appended(found?.searchableText ?? '', body);
    const session =
      found ?? this.insertSession(user, { externalId: sessionId, ...only(body, ['model', 'source']) });
    session.searchableText = searchableText;
    session.updatedAt = now;
    if (known === undefined) this.insertMessage(session, body);
    else updateMessage(known, body);
  }

  /** Everything that a clean sync and an interrupted one must agree on, in the order the server shows it. */
  snapshot(): object {
    const sessions = [...this.sessions.values()].sort((a, b) => (a.externalId < b.externalId ? -1 : 1));
    return sessions.map(({ updatedAt: _, insertedAt: __, searchableText: ___, ...session }) => ({
      ...session,
      messages: this.messagesOf(session.externalId).map(
        ({ session: ____, insertedAt: _____, ...message }) => message,
      ),
    }));
  }

  /** By date, ties by insertion (H8). */
  messagesOf(sessionId: string): StoredMessage[] {
    const messages = [...this.messages.values()].filter(({ session }) => session.externalId === sessionId);
    return messages.sort((a, b) => a.createdAt - b.createdAt);
  }

  private insertSession(user: string, body: Body): StoredSession {
    const now = this.options.now();
    const source = (body.source as string | undefined) ?? 'opencode';
    const [promptTokens, completionTokens] = [
      number(body.promptTokens) ?? 0,
      number(body.completionTokens) ?? 0,
    ];
    const session: StoredSession = {
      externalId: String(body.externalId),
      ...only(body, ['title', 'projectPath', 'projectName', 'model', 'provider', 'durationMs']),
      // H6: rewritten when the session is new, and only then.
      source: source === 'cursor' && !this.options.immediate ? 'cursor-sync' : source,
      promptTokens,
      completionTokens,
      totalTokens: promptTokens + completionTokens,
      cost: number(body.cost) ?? 0,
      messageCount: 0,
      searchableText: (body.title as string | undefined) ?? '',
      createdAt: number(body.createdAt) ?? now,
      updatedAt: now,
      insertedAt: now,
    };
    checkDocument(session);
    this.sessions.set(keyOf(user, session.externalId), session);
    return session;
  }

  /** H2: within the window, only these fields make a call more than a repeat. A missing title does as well. */
  private isRepeat(known: StoredSession, body: Body): boolean {
    if (this.options.now() - known.updatedAt >= SESSION_WINDOW_MS) return false;
    const changes = (field: keyof StoredSession) => body[field] !== undefined && body[field] !== known[field];
    const changesTokens = (['promptTokens', 'completionTokens'] as const).some(
      (field) => (number(body[field]) ?? 0) > 0 && changes(field),
    );
    return body.title === known.title && !changes('model') && !changes('projectPath') && !changesTokens;
  }

  private updateSession(known: StoredSession, body: Body): void {
    const next: StoredSession = {
      ...known,
      ...only(body, [
        'title',
        'projectPath',
        'projectName',
        'model',
        'provider',
        'source',
        'durationMs',
        'cost',
      ]),
      // H7: no call sets them back to 0.
      promptTokens: number(body.promptTokens) || known.promptTokens,
      completionTokens: number(body.completionTokens) || known.completionTokens,
      updatedAt: this.options.now(),
    };
    next.totalTokens = next.promptTokens + next.completionTokens;
    if (next.title !== known.title) next.searchableText = next.title ?? '';
    checkDocument(next);
    Object.assign(known, next);
  }

  private insertMessage(session: StoredSession, body: Body): void {
    session.messageCount++;
    this.messages.set(String(body.externalId), {
      externalId: String(body.externalId),
      session,
      role: String(body.role),
      ...only(body, ['textContent', 'model', 'promptTokens', 'completionTokens', 'durationMs']),
      createdAt: number(body.createdAt) ?? this.options.now(),
      parts: partsOf(body),
      insertedAt: this.options.now(),
    });
  }
}

/** As the hosted server words it, with all of what it refuses. */
function refusalOf(body: Body): string {
  return `ArgumentValidationError: Value does not match validator. Path: .parts Object: ${JSON.stringify(body)}`;
}

function keyOf(user: string, sessionId: string): string {
  return `${user}\0${sessionId}`;
}

function number(value: unknown): number | undefined {
  return value as number | undefined;
}

function only<K extends string>(body: Body, fields: readonly K[]): { [field in K]?: never } {
  const entries = fields.flatMap((field) => (body[field] === undefined ? [] : [[field, body[field]]]));
  return Object.fromEntries(entries) as { [field in K]?: never };
}

function partsOf(body: Body): StoredPart[] {
  return (body.parts as StoredPart[] | undefined) ?? [];
}

function checkMessage(body: Body): void {
  checkFields(body, MESSAGE_FIELDS);
  const { parts: _, ...message } = body;
  if (!ROLES.includes(String(body.role))) throw new Error('ArgumentValidationError: Path: .role');
  const parts: unknown = body.parts ?? [];
  if (!Array.isArray(parts)) throw new Error('ArgumentValidationError: Path: .parts');
  if (parts.length > 8_192) throw new Error('Array length is too long');
  checkDocument(message);
  for (const part of parts as Body[]) checkPart(part);
}

function checkPart(part: Body): void {
  const isPart =
    typeof part?.type === 'string' && part.content !== undefined && Object.keys(part).length === 2;
  if (!isPart) throw new Error('ArgumentValidationError: Path: .parts[0]');
  checkDocument(part);
}

/** H9 and H10: re-sends are appended again, and the cut may leave half of an emoji, which is then refused. */
function appended(before: string, body: Body): string {
  const texts = partsOf(body).flatMap((part) => (part.type === 'text' ? [textOf(part.content)] : []));
  const text = [before, ...texts].join(' ').trim().slice(0, SEARCH_TEXT_LENGTH);
  if (!text.isWellFormed()) throw new Error('invalid json: lone leading surrogate in hex escape');
  return text;
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}

function updateMessage(known: StoredMessage, body: Body): void {
  Object.assign(
    known,
    only(body, ['textContent', 'model', 'promptTokens', 'completionTokens', 'durationMs']),
  );
  known.parts = partsOf(body);
}
