import type { WireSession } from '../../src/wire.js';
import type { HostedStore, StoredMessage, StoredSession } from '../hosted-store.js';

/** What a user's sessions come to on a server. */
export type Shown = Map<string, { session: StoredSession; messages: StoredMessage[] }>;

export function shownBy(store: HostedStore, user: string): Shown {
  const shown: Shown = new Map();
  for (const [key, session] of store.sessions) {
    if (!key.startsWith(`${user}\0`)) continue;
    const messages = [...store.messages.values()].filter((message) => message.session === session);
    shown.set(session.externalId, { session, messages: messages.sort((a, b) => a.createdAt - b.createdAt) });
  }
  return shown;
}

/** What each state of a history would be sent as, by external id of the session. */
export type States = Map<string, WireSession>[];

interface Comparison {
  /** After one sync that nothing disturbed. */
  clean: Shown;
  actual: Shown;
  /** All states that the history was in, the last one at the end. */
  states: States;
}

/**
 * The rules. The server deletes nothing, never changes a date, a role or the session of a message, and
 * keeps what an update leaves out; so what it was told of an earlier state may be all it has of it.
 *
 * 1. Every session and message of the clean state is there, with the same content: each field and part
 *    that the last state has. A field that it has not may be one that an earlier state had, and so may the
 *    tokens of a session that has none: 0 does not reset them.
 * 2. Everything else is of an earlier state: a session or a message as one of them would have sent it.
 * 3. A date is one that some state gives; the moment when the server first heard of it where a state gives
 *    none; one before that moment where a state's was in the server's future.
 * 4. Messages stand in the order of the clean state, but for those that got another date in an earlier state,
 *    and those that came in between later on, when their own dates were in the server's future.
 * 5. A session counts the messages that it has.
 *
 * @returns what breaks a rule, in words
 */
export function differences({ clean, actual, states }: Comparison): string[] {
  const checker = new Checker(states);
  for (const [id, expected] of clean) {
    const found = actual.get(id);
    if (found === undefined) checker.problems.push(`${id}: is missing`);
    else checker.session(id, expected, found);
  }
  for (const [id, found] of actual) if (!clean.has(id)) checker.extraSession(id, found);
  return checker.problems;
}

type Entry = { session: StoredSession; messages: StoredMessage[] };
type Fields = Record<string, unknown>;

const SESSION_FIELDS = [
  'title',
  'projectPath',
  'projectName',
  'model',
  'provider',
  'durationMs',
  'promptTokens',
  'completionTokens',
  'cost',
  'source',
];
const MESSAGE_FIELDS = ['role', 'textContent', 'model', 'promptTokens', 'completionTokens'];
/** What the server shows of a field that it was never told. */
const DEFAULTS: Fields = { promptTokens: 0, completionTokens: 0, cost: 0 };

class Checker {
  readonly problems: string[] = [];

  constructor(private readonly states: States) {}

  session(id: string, clean: Entry, actual: Entry): void {
    const wires = this.wiresOf(id);
    const final = this.states.at(-1)?.get(id)?.session as Fields | undefined;
    this.fields(
      id,
      SESSION_FIELDS,
      clean.session,
      actual.session,
      final,
      wires.map(({ session }) => session),
    );
    this.counts(id, actual);
    this.date(
      id,
      actual.session,
      wires.map(({ session }) => session.createdAt),
    );
    const expected = new Map(clean.messages.map((message) => [message.externalId, message]));
    for (const message of actual.messages) {
      const same = expected.get(message.externalId);
      if (same === undefined) this.extraMessage(id, message);
      else this.message(id, same, message);
      expected.delete(message.externalId);
    }
    for (const missing of expected.keys()) this.problems.push(`${missing}: is missing`);
    this.order(id, clean, actual);
  }

  extraSession(id: string, actual: Entry): void {
    const wires = this.wiresOf(id);
    if (wires.length === 0) this.problems.push(`${id}: no state has such a session`);
    this.counts(id, actual);
    const known = wires.map(({ session }) => session as Fields);
    for (const field of SESSION_FIELDS) this.oneOf(id, field, actual.session, known);
    this.date(
      id,
      actual.session,
      wires.map(({ session }) => session.createdAt),
    );
    for (const message of actual.messages) this.extraMessage(id, message);
  }

  private message(sessionId: string, clean: StoredMessage, actual: StoredMessage): void {
    const id = actual.externalId;
    const known = this.messagesOf(sessionId, id);
    const final = known.at(-1);
    this.fields(id, MESSAGE_FIELDS, clean, actual, final, known);
    this.same(id, 'parts', clean.parts, actual.parts);
    this.date(id, actual, this.datesOf(sessionId, id));
  }

  private extraMessage(sessionId: string, message: StoredMessage): void {
    const id = message.externalId;
    const known = this.messagesOf(sessionId, id);
    if (known.length === 0) {
      this.problems.push(`${id}: no state has such a message`);
      return;
    }
    for (const field of MESSAGE_FIELDS) this.oneOf(id, field, message as never, known);
    this.oneOf(id, 'parts', message as never, known);
    this.date(id, message, this.datesOf(sessionId, id));
  }

  /** Rule 1. */
  private fields(
    id: string,
    names: readonly string[],
    clean: object,
    actual: object,
    final: Fields | undefined,
    known: readonly object[],
  ): void {
    for (const field of names) {
      if (isTold(field, final?.[field], names))
        this.same(id, field, fieldOf(clean, field), fieldOf(actual, field));
      else this.oneOf(id, field, actual, known);
    }
  }

  private oneOf(id: string, field: string, actual: object, known: readonly object[]): void {
    const value = fieldOf(actual, field);
    const values = [DEFAULTS[field], ...known.map((item) => fieldOf(item, field))];
    if (!values.some((item) => isEqual(item, value))) {
      this.problems.push(`${id}: ${field} is ${show(value)}, which no state has`);
    }
  }

  private same(id: string, field: string, clean: unknown, actual: unknown): void {
    if (!isEqual(clean, actual)) {
      this.problems.push(`${id}: ${field} is ${show(actual)} and should be ${show(clean)}`);
    }
  }

  /** Rule 3. */
  private date(
    id: string,
    { createdAt, insertedAt }: StoredMessage | StoredSession,
    dates: (number | undefined)[],
  ): void {
    if (dates.some((date) => createdAt === (date ?? insertedAt))) return;
    const isAhead = (date = 0) => date > insertedAt - SLACK_MS;
    const wasAhead = dates.some(isAhead) && createdAt <= insertedAt;
    if (!wasAhead) {
      this.problems.push(
        `${id}: dated ${createdAt}, first heard of at ${insertedAt}, and not one of ${[...new Set(dates)]}`,
      );
    }
  }

  /** Rule 4. */
  private order(id: string, clean: Entry, actual: Entry): void {
    const isSteady = ({ externalId }: StoredMessage) => new Set(this.datesOf(id, externalId)).size <= 1;
    const stored = new Map(actual.messages.map(({ externalId, createdAt }) => [externalId, createdAt]));
    const late = this.latecomers(id, clean);
    const expected = clean.messages
      .filter(isSteady)
      .map(({ externalId }) => externalId)
      .filter((message) => !late.has(message) || this.datesOf(id, message).includes(stored.get(message)));
    const found = [...stored.keys()].filter((message) => expected.includes(message));
    if (found.length === expected.length) this.same(id, 'order', expected, found);
  }

  /** Messages of the last state that stand before one which an earlier state had and they were not yet in. */
  private latecomers(id: string, { messages }: Entry): Set<string> {
    const late = new Set<string>();
    let earliest = Number.POSITIVE_INFINITY;
    for (const { externalId } of [...messages].reverse()) {
      const has = (state: States[number]) =>
        state.get(id)?.messages.some((message) => message.externalId === externalId);
      const first = this.states.findIndex(has);
      if (first > earliest) late.add(externalId);
      earliest = Math.min(earliest, first);
    }
    return late;
  }

  /** Rule 5. */
  private counts(id: string, { session, messages }: Entry): void {
    this.same(id, 'messageCount', messages.length, session.messageCount);
    this.same(id, 'totalTokens', session.promptTokens + session.completionTokens, session.totalTokens);
  }

  private wiresOf(id: string): WireSession[] {
    return this.states.flatMap((state) => state.get(id) ?? []);
  }

  private messagesOf(sessionId: string, id: string): Fields[] {
    return this.wiresOf(sessionId).flatMap(({ messages }) =>
      messages.filter(({ externalId }) => externalId === id),
    ) as Fields[];
  }

  private datesOf(sessionId: string, id: string): (number | undefined)[] {
    return this.messagesOf(sessionId, id).map(({ createdAt }) => createdAt as number | undefined);
  }
}

/** Between a look at the clock and the arrival of a request. */
const SLACK_MS = 6_000;

function fieldOf(item: object, field: string): unknown {
  return (item as Fields)[field] ?? DEFAULTS[field];
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isTold(field: string, value: unknown, names: readonly string[]): boolean {
  const isReset = value === 0 && names === SESSION_FIELDS && field.endsWith('Tokens');
  return value !== undefined && !isReset;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 300);
}
