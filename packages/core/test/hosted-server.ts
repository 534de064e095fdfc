import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { HostedStore } from './hosted-store.js';

/** What the server does instead of answering as it should. */
export interface Fault {
  /**
   * `after`: the request has been applied, and only its answer is lost. `part`: a batch has been applied
   * without its last message.
   */
  when: 'before' | 'after' | 'part';
  /**
   * `reset` closes the connection without an answer, `cut` in the middle of the true one; `hang` leaves it
   * open for good, and `true` is what the server has to say.
   */
  answer: 'reset' | 'cut' | 'hang' | 'true' | Reply;
  /** Real milliseconds that pass before the request is applied. */
  delayMs?: number;
  /** Happens when it has been applied and before it is answered. */
  meanwhile?: () => void;
}

interface Reply {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

/** A request that reached the server. */
export interface SeenRequest {
  /** Counts the requests to `/sync/…` from 1; health checks do not count and have 0. */
  number: number;
  method: string;
  path: string;
  /** User agent. */
  agent: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
  body: any;
}

export interface HostedOptions {
  /** Milliseconds since the Unix epoch. Default: the real clock. */
  now?: () => number;
  /** User by API key. */
  users?: Record<string, string>;
  /**
   * What it says of itself in `/health`. The hosted server says nothing. `immediate-updates` takes its
   * windows away, `batch` makes batches complete and name what failed, as the embedded server does.
   */
  capabilities?: ('batch' | 'immediate-updates' | 'unlimited')[];
  /** A message that the database refuses, whenever it is sent. */
  isPoison?: (message: Record<string, unknown>) => boolean;
}

export interface HostedServer {
  url: string;
  store: HostedStore;
  /** Every request, faults included, in order of arrival. */
  requests: SeenRequest[];
  /** Asked before each request to `/sync/…` is handled. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** Asked for each health check. */
  healthFault: () => Fault | undefined;
  /** Asked before a body is read: true closes the connection. */
  hangUp: (path: string) => boolean;
  /** Largest number of requests for one session that were under way at the same time (H15: should be 1). */
  readonly inFlight: number;
  close(): Promise<void>;
}

export const API_KEY = 'osk_hosted_test_key';

/** Faults by name, for scripts such as `server.fault = ({ number }) => (number === 3 ? faults.reset : undefined)`. */
export const faults = {
  unreachable: { when: 'before', answer: 'reset' },
  lostAnswer: { when: 'after', answer: 'reset' },
  transient: { when: 'before', answer: { status: 500, body: '{"error":"Error: something passed by"}' } },
  overloaded: { when: 'before', answer: { status: 503, body: '{"code":"Overloaded","message":"busy"}' } },
  tooMany: { when: 'before', answer: { status: 429, body: 'slow down' } },
  garbage: { when: 'before', answer: { status: 200, body: '<html>Sign in to the network</html>' } },
  garbageAfter: { when: 'after', answer: { status: 200, body: '<html>502</html>' } },
} satisfies Record<string, Fault>;

/**
 * A server on loopback that keeps the hosted server's contract, hazards included: H1, H2, H4, H6 to H10
 * and its refusals of values (`hosted-store.ts`, `hosted-values.ts`), its error texts, its routes.
 * State is in memory and open to comparison; the clock and the faults are the test's.
 */
export async function startHostedServer(options: HostedOptions = {}): Promise<HostedServer> {
  const { now = Date.now, users = { [API_KEY]: 'user' }, capabilities = [], isPoison } = options;
  const immediate = capabilities.includes('immediate-updates');
  const store = new HostedStore({ now, immediate, ...(isPoison && { isPoison }) });
  const underWay = new Map<string, number>();
  let inFlight = 0;
  let count = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (hosted.hangUp(request.url ?? '')) {
      request.socket.destroy();
      return;
    }
    const seen = await read(request);
    if (seen.path.startsWith('/sync/')) seen.number = ++count;
    hosted.requests.push(seen);
    const session = sessionOf(seen.body);
    underWay.set(session, (underWay.get(session) ?? 0) + 1);
    if (session !== '') inFlight = Math.max(inFlight, underWay.get(session) ?? 0);
    // A turn of the event loop, in which a second request for the session could come in.
    await new Promise(setImmediate);
    const fault = seen.number === 0 ? healthFaultOf(seen) : hosted.fault(seen);
    if (fault?.delayMs !== undefined) await setTimeout(fault.delayMs);
    if (fault?.when === 'part') seen.body?.messages?.pop();
    const truth = fault?.when === 'before' ? NOTHING : answerTo(seen, request.headers.authorization);
    underWay.set(session, (underWay.get(session) ?? 1) - 1);
    fault?.meanwhile?.();
    respond(response, fault?.answer ?? 'true', truth);
  };
  const healthFaultOf = ({ path }: SeenRequest) => (path === '/health' ? hosted.healthFault() : undefined);
  const answerTo = (seen: SeenRequest, authorization: string | undefined): Reply => {
    const route = `${seen.method} ${seen.path.split('?')[0]}`;
    if (route === 'GET /health')
      return json({ status: 'ok', timestamp: now(), ...(capabilities.length > 0 && { capabilities }) });
    const save = routes[route];
    if (save === undefined) return { status: 404, body: 'No matching routes found' };
    const user = users[authorization?.replace(/^Bearer /, '') ?? ''];
    if (user === undefined) return json({ error: 'Invalid API key' }, 401);
    try {
      return save(user, seen.body);
    } catch (error) {
      return json({ error: String(error) }, 500);
    }
  };
  const routes: Record<string, (user: string, body: SeenRequest['body']) => Reply> = {
    'GET /api/sessions': (user) =>
      json({ sessions: [...store.sessions].filter(([key]) => key.startsWith(`${user}\0`)).slice(0, 1) }),
    'POST /sync/session': (user, body) => {
      if (!body.externalId) return json({ error: 'Missing externalId or sessionId' }, 400);
      store.saveSession(user, body);
      return json({ ok: true, sessionId: `id of ${body.externalId}` });
    },
    'POST /sync/message': (user, body) => {
      if (!body.sessionExternalId || !body.externalId || !body.role)
        return json({ error: 'Missing fields' }, 400);
      store.saveMessage(user, body);
      return json({ ok: true, messageId: `id of ${body.externalId}` });
    },
    'POST /sync/batch': (user, body) =>
      json(
        capabilities.includes('batch') ? saveBatch(store, user, body) : saveHostedBatch(store, user, body),
      ),
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hosted: HostedServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    requests: [],
    fault: () => undefined,
    healthFault: () => undefined,
    hangUp: () => false,
    get inFlight() {
      return inFlight;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hosted;
}

const NOTHING: Reply = { status: 500, body: '' };

function json(data: object, status = 200): Reply {
  return { status, body: JSON.stringify(data), headers: { 'content-type': 'application/json' } };
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const body = text === '' ? undefined : JSON.parse(text);
  const agent = request.headers['user-agent'] ?? '';
  return { number: 0, method: request.method ?? '', path: request.url ?? '', agent, body };
}

function respond(response: ServerResponse, answer: Fault['answer'], truth: Reply): void {
  if (answer === 'hang') return;
  if (answer === 'reset') response.socket?.destroy();
  else if (answer === 'cut') cutOff(response, truth);
  else {
    const { status, headers, body } = answer === 'true' ? truth : answer;
    response.writeHead(status, headers).end(body);
  }
}

function cutOff(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length >> 1), () => response.socket?.destroy());
}

/** A batch of the sync is about one session as well. */
function sessionOf(body: SeenRequest['body']): string {
  const item = body?.sessions?.[0] ?? body?.messages?.[0] ?? body;
  return item?.sessionExternalId ?? item?.externalId ?? '';
}

interface Batch {
  sessions?: Record<string, unknown>[];
  messages?: Record<string, unknown>[];
}

/** As the embedded server: what is valid is stored, what is not is named. */
function saveBatch(store: HostedStore, user: string, { sessions = [], messages = [] }: Batch) {
  const failed: { kind: 'session' | 'message'; index: number; externalId: unknown; error: string }[] = [];
  const each = (kind: 'session' | 'message', items: Record<string, unknown>[]) => {
    for (const [index, item] of items.entries()) {
      try {
        if (kind === 'session') store.saveSession(user, item);
        else store.saveMessage(user, item);
      } catch (error) {
        failed.push({ kind, index, externalId: item.externalId, error: String(error) });
      }
    }
    return items.length - failed.filter((item) => item.kind === kind).length;
  };
  const taken = { sessions: each('session', sessions), messages: each('message', messages) };
  return { ok: true, ...taken, errors: failed.map(({ error }) => error), failed };
}

/** H3: one bad item rejects its list, a date is a bad item, and the status is 200 whatever happens. */
function saveHostedBatch(store: HostedStore, user: string, { sessions = [], messages = [] }: Batch) {
  const errors: string[] = [];
  const list = (
    name: string,
    items: Record<string, unknown>[],
    save: (item: Record<string, unknown>) => void,
  ) => {
    if (items.some((item) => item.createdAt !== undefined)) {
      errors.push(`${name} batch error: Error: ArgumentValidationError: extra field createdAt`);
      return 0;
    }
    for (const item of items) save(item);
    return items.length;
  };
  return {
    ok: true,
    sessions: list('Sessions', sessions, (item) => store.saveSession(user, item)),
    messages: list('Messages', messages, (item) => store.saveMessage(user, item)),
    errors,
  };
}
