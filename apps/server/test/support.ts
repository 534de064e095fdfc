import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { createApp } from '../src/app.js';
import { openDatabase } from '../src/database.js';
import { type RunningServer, startServer } from '../src/index.js';
import { addKey, ensureOwner } from '../src/keys.js';
import { createLimits, type Limits } from '../src/rate-limit.js';

export const HOUR = 3_600_000;
/** Where the clock of a test's server stands at first. */
export const START = Date.UTC(2026, 0, 15, 12);

/** Fields that answers may have, for tests to look at; each test knows which ones are there. */
interface AnswerBody {
  error: string;
  errors: string[];
  failed: object[];
  sessionId: string;
  sessionIds: string[];
  session: SessionBody;
  sessions: SessionBody[];
  messages: MessageBody[];
  hasMore: boolean;
  results: SessionBody[];
  filename: string;
  content: string;
}

interface SessionBody {
  id: string;
  externalId: string;
  title: string;
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
  cost: number;
  messageCount: number;
}

interface MessageBody {
  externalId: string;
  textContent: string;
  content: string;
  parts: { type: string; content: unknown }[];
}

export interface Answer {
  status: number;
  json: AnswerBody;
  text: string;
  headers: Headers;
}

export interface Client {
  call(
    method: string,
    path: string,
    options?: { raw?: string; headers?: Record<string, string> },
  ): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  session(body: object): Promise<Answer>;
  message(body: object): Promise<Answer>;
  batch(body: object): Promise<Answer>;
  /** Session and messages as `GET /api/sessions/get` shows them. */
  read(id: string): Promise<{ session: SessionBody; messages: MessageBody[] }>;
  /** External ids of the sessions that a search finds. */
  search(query: string): Promise<string[]>;
}

type Send = (url: string, init: RequestInit & { headers: Record<string, string> }) => Promise<Response>;

export function client(url: string, key?: string, send: Send = fetch): Client {
  const call: Client['call'] = async (method, path, { raw, headers = {} } = {}) => {
    const response = await send(url + path, {
      method,
      headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
      body: raw,
    });
    const text = await response.text();
    return { status: response.status, json: parse(text) as AnswerBody, text, headers: response.headers };
  };
  const get: Client['get'] = (path) => call('GET', path);
  const post: Client['post'] = (path, body) => call('POST', path, { raw: JSON.stringify(body) });
  return {
    call,
    get,
    post,
    session: (body) => post('/sync/session', body),
    message: (body) => post('/sync/message', { role: 'user', ...body }),
    batch: (body) => post('/sync/batch', body),
    read: async (id) => (await get(`/api/sessions/get?id=${id}`)).json,
    search: async (query) => {
      const { json } = await get(`/api/search?q=${encodeURIComponent(query)}`);
      return json.results.map((result) => result.externalId);
    },
  };
}

export interface TestServer extends Client {
  server: RunningServer;
  /** Of a second user. */
  other: Client;
  stranger: Client;
  clock: { now: number };
}

/** A server on a new database, closed after the test, with two users. */
export async function testServer(): Promise<TestServer> {
  const clock = { now: START };
  const server = await startServer({
    db: join(temporaryDirectory(), 'opensync.db'),
    port: 0,
    now: () => clock.now,
  });
  onTestFinished(() => server.close());
  return {
    server,
    clock,
    ...client(server.url, server.apiKey),
    other: client(server.url, server.addUser('other')),
    stranger: client(server.url),
  };
}

/** The application on a database that a test can reach into, without a network. */
export function testApp(limits: Limits = createLimits(), file = join(temporaryDirectory(), 'opensync.db')) {
  const db = openDatabase(file);
  let isOpen = true;
  const close = () => {
    if (isOpen) db.close();
    isOpen = false;
  };
  onTestFinished(close);
  const userId = ensureOwner(db, 0);
  const pageToken = { value: 'page_0', userId };
  const app = createApp({ db, now: () => START, version: '0.0.0', allowRemote: false, pageToken, limits });
  const send: Send = async (url, init) =>
    app.request(url, { ...init, headers: { ...init.headers, host: 'localhost' } });
  const as = (key?: string) => client('http://localhost', key, send);
  return { db, file, close, as, key: addKey(db, userId, 0) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
