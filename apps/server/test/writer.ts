import { createRandom, type Random } from '../../../packages/core/test/harness/random.js';
import type { Client } from './support.js';

/** What one item was sent as: versions count up, and with each the item says something else. */
interface Item {
  sent: number;
  /** Of the newest version that the server has said yes to; 0 for none. */
  acknowledged: number;
}

/** One plugin: sends one request after the other, and a request without an answer again. */
export interface Writer {
  /** Its own user's; changes with the port of a server that was started anew. */
  connect(client: Client): void;
  /** Until it is told to stop, or the server is gone. Rejects for an answer that is a refusal. */
  write(stop: () => boolean): Promise<void>;
  /** Acknowledged versions, repeated ones included. */
  acknowledged(): number;
  /** What the server does not have although it said so, or has although nobody sent it. */
  missing(): Promise<string[]>;
}

interface WriterOptions {
  /** Unlike that of every other writer. */
  name: string;
  seed: number;
  /** External id of a session that others write to as well. */
  shared: string;
}

type Request = {
  ids: string[];
  send(client: Client): Promise<{ status: number; text: string; taken: boolean }>;
};

export function createWriter({ name, seed, shared }: WriterOptions): Writer {
  const random = createRandom(seed);
  const own = `session-${name}`;
  /** Messages by external id, and the own session by its id. */
  const items = new Map<string, Item>();
  let client: Client | undefined;
  let pending: Request | undefined;
  let total = 0;

  const nextRequest = (): Request => {
    if (random.chance(0.15)) return sessionRequest();
    const count = random.chance(0.3) ? random.int(2, 12) : 1;
    const messages = Array.from({ length: count }, () => messageBody(nextMessageId()));
    const ids = messages.map((message) => message.externalId);
    if (count > 1) return { ids, send: (to) => answerTo(to.batch({ messages }), count) };
    return { ids, send: (to) => answerTo(to.message(messages[0] ?? {})) };
  };
  const nextMessageId = () => {
    const known = items.size;
    return `${name}-${known > 0 && random.chance(0.25) ? random.int(0, known - 1) : known}`;
  };
  const nextVersion = (id: string) => {
    const item = items.get(id) ?? { sent: 0, acknowledged: 0 };
    items.set(id, item);
    return ++item.sent;
  };
  const messageBody = (externalId: string) => {
    const version = nextVersion(externalId);
    const text = `${wordOf(externalId, version)} ${'lorem '.repeat(sizeOf(random))}`;
    return {
      sessionExternalId: sessionOf(externalId, own, shared),
      externalId,
      role: 'assistant',
      textContent: text,
      promptTokens: version,
      parts: [{ type: 'text', content: text }],
    };
  };
  const sessionRequest = (): Request => {
    const version = nextVersion(own);
    const body = { externalId: own, title: wordOf(own, version), promptTokens: version };
    return { ids: [own], send: (to) => answerTo(to.session(body)) };
  };

  return {
    connect: (next) => {
      client = next;
    },
    async write(stop) {
      if (client === undefined) throw new Error('Not connected.');
      while (!stop()) {
        pending ??= nextRequest();
        const answer = await pending.send(client).catch(() => undefined);
        if (answer === undefined) return;
        if (!answer.taken) throw new Error(`${name}: ${answer.status} ${answer.text}`);
        for (const id of pending.ids) {
          const item = items.get(id);
          if (item) item.acknowledged = item.sent;
        }
        total += pending.ids.length;
        pending = undefined;
      }
    },
    acknowledged: () => total,
    async missing() {
      if (client === undefined) throw new Error('Not connected.');
      return compare(items, await stored(client, own, shared, name), own);
    },
  };
}

async function answerTo(answer: ReturnType<Client['post']>, batch = 0) {
  const { status, json, text } = await answer;
  const taken =
    status === 200 && (batch === 0 || Number((json as { messages?: unknown }).messages) === batch);
  return { status, text: text.slice(0, 200), taken };
}

/** One word, so that the index can be asked for it. */
function wordOf(id: string, version: number): string {
  return `${id.replaceAll('-', '')}v${version}`;
}

function sessionOf(messageId: string, own: string, shared: string): string {
  return Number(messageId.split('-').at(-1)) % 3 === 0 ? shared : own;
}

/** Repetitions of a word of six letters: mostly short, now and then more than SQLite's pages hold. */
function sizeOf(random: Random): number {
  if (random.chance(0.05)) return random.int(10_000, 60_000);
  return random.int(0, random.chance(0.3) ? 3000 : 100);
}

/** Versions of a writer's items as the server has them, each with the word that the text begins with. */
async function stored(client: Client, own: string, shared: string, name: string) {
  const versions = new Map<string, { version: number; text: string }>();
  const { json } = await client.get('/api/sessions?limit=1000000');
  for (const { id, externalId, title, promptTokens } of json.sessions) {
    if (externalId === own && title !== undefined) versions.set(own, { version: promptTokens, text: title });
    if (externalId !== own && externalId !== shared) continue;
    const { session, messages } = await client.read(id);
    if (session.messageCount !== messages.length)
      versions.set(`count of ${externalId}`, {
        version: 0,
        text: `${session.messageCount} is not ${messages.length}`,
      });
    for (const message of messages) {
      if (!message.externalId.startsWith(`${name}-`)) continue;
      const { promptTokens: version = 0 } = message as { promptTokens?: number };
      const [part] = message.parts;
      const text = part?.content === message.textContent ? message.textContent : 'parts of another version';
      versions.set(message.externalId, { version, text: text.split(' ', 1)[0] ?? '' });
    }
  }
  return versions;
}

function compare(
  items: Map<string, Item>,
  versions: Awaited<ReturnType<typeof stored>>,
  own: string,
): string[] {
  const found: string[] = [];
  for (const [id, { sent, acknowledged }] of items) {
    const version = versions.get(id)?.version ?? 0;
    if (version < acknowledged)
      found.push(`${id}: version ${acknowledged} was acknowledged, ${version} is there`);
    if (version > sent) found.push(`${id}: version ${version} was never sent`);
  }
  for (const [id, { version, text }] of versions) {
    if (!items.has(id)) found.push(`${id}: nobody sent it. ${text}`);
    else if (text !== wordOf(id, version)) found.push(`${id}: version ${version} says ${text}`);
    if (id === own && version === 0) found.push(`${id}: has no tokens`);
  }
  return found;
}
