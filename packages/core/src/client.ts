import { setTimeout as sleepFor } from 'node:timers/promises';
import type { FetchContext } from 'ofetch';
import * as z from 'zod/mini';
import { type Config, INVALID_KEY_FORMAT, isApiKey, loadConfig } from './config.js';
import { classifyAnswer, type ErrorKind, errorCode, isOpenSyncError } from './errors.js';
import { jsonOf } from './read/parse-json.js';
import type { ApiResponse, SyncMessageData, SyncSessionData } from './types.js';
import { isLoopback, normalizeUrl } from './url.js';

/** What every call resolves to. A failure carries `error` for people and `kind` for code. */
export type Answer<T> = ApiResponse<T> & {
  kind?: ErrorKind;
  /** HTTP status of the last try. Absent when there was no answer. */
  status?: number;
};

export interface ClientOptions {
  /** As people type it; see `normalizeUrl`. */
  url: string;
  /** Needed by everything but `health`. */
  apiKey?: string;
  /** Default: the global one. */
  fetch?: typeof fetch;
  /** Waits between two tries. Default: a timer. Rejects when the signal is aborted. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** Tries after the first. Default 4. */
  retries?: number;
  /** Of one try, until its answer is read. Milliseconds, default 30,000. */
  timeoutMs?: number;
  userAgent?: string;
  /** Ends what is under way and its retries. */
  signal?: AbortSignal;
  /** Milliseconds since the Unix epoch. */
  now?: () => number;
}

/** Speaks to one server. Its methods never throw for a refusal or a dead network. */
export interface Client {
  /** Public: proves that a server is there and nothing about the key. */
  health(): Promise<Answer<Health>>;
  /** Health, and whether the server accepts the key. For signing in. */
  checkKey(): Promise<Answer<Health>>;
  syncSession(data: SyncSessionData): Promise<Answer<SessionReceipt>>;
  syncMessage(data: SyncMessageData): Promise<Answer<MessageReceipt>>;
  /** Succeeds only when every item was taken. Otherwise `data` names the items that were not, if the server does. */
  syncBatch(data: BatchData): Promise<Answer<BatchReceipt>>;
}

export interface BatchData {
  sessions?: SyncSessionData[];
  messages?: SyncMessageData[];
}

const HealthAnswer = z.object({
  status: z.literal('ok'),
  timestamp: z.number(),
  server: z.optional(z.string()),
  version: z.optional(z.string()),
  capabilities: z.catch(z.array(z.string()), []),
});

/** `server`, `version` and `capabilities` are what our own server adds; others leave them out. */
export interface Health {
  /** The server's clock, milliseconds since the Unix epoch. */
  timestamp: number;
  /** Server's clock minus ours, milliseconds. Too low by what the answer took on its way, and never too high. */
  skewMs: number;
  server?: string;
  version?: string;
  capabilities: string[];
  /** Whether the server holds no session of this key's; only `checkKey` asks. */
  isEmpty?: boolean;
}

const SessionReceipt = z.object({ ok: z.literal(true), sessionId: z.optional(z.string()) });
export type SessionReceipt = z.infer<typeof SessionReceipt>;

const MessageReceipt = z.object({ ok: z.literal(true), messageId: z.optional(z.string()) });
export type MessageReceipt = z.infer<typeof MessageReceipt>;

const BatchReceipt = z.object({
  ok: z.literal(true),
  /** How many the server took. */
  sessions: z.number(),
  messages: z.number(),
  errors: z.array(z.string()),
  failed: z.optional(
    z.array(
      z.object({
        kind: z.enum(['session', 'message']),
        /** Place in the list that was sent. */
        index: z.number(),
        /** Absent when the item has none that the server could read. */
        externalId: z.optional(z.string()),
        error: z.string(),
      }),
    ),
  ),
});
export type BatchReceipt = z.infer<typeof BatchReceipt>;

const SessionList = z.object({ sessions: z.array(z.unknown()) });

const NOT_SIGNED_IN =
  'Not signed in. Run the plugin\'s "login" command, or set OPENSYNC_URL and OPENSYNC_API_KEY.';

const CONVEX_HINT = 'A hosted deployment answers at its .convex.site address, not at .convex.cloud.';

/** Statuses that `classifyAnswer` may call `network`; for a 500 the hook below looks at the text as well. */
const RETRYABLE_STATUSES = [408, 425, 429, ...Array.from({ length: 100 }, (_, index) => 500 + index)];
/** `Response` takes no body with these. */
const BODILESS_STATUSES = [204, 205, 304];
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
const MAX_RETRY_AFTER_MS = 60_000;
/** The longest that a server has reason to give names every item of a batch as refused. */
const MAX_ANSWER_BYTES = 8 << 20;

interface Settings {
  origin: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
  sleep: NonNullable<ClientOptions['sleep']>;
  retries: number;
  timeoutMs: number;
  userAgent: string;
  signal: AbortSignal | undefined;
  now: () => number;
}

interface Call<T> {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  /** Without a key. */
  public?: boolean;
  /** What an acknowledgement looks like. */
  schema: z.ZodMiniType<T>;
  /** What an answer is that does not look like it: `network` is tried again. */
  otherwise: 'network' | 'server';
}

/** @throws OpenSyncError `config` when the URL cannot be used */
export function createClient(options: ClientOptions): Client {
  const settings: Settings = {
    origin: normalizeUrl(options.url),
    apiKey: options.apiKey?.trim() || undefined,
    fetch: options.fetch ?? fetch,
    sleep: options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal })),
    retries: options.retries ?? 4,
    timeoutMs: options.timeoutMs ?? 30_000,
    userAgent: options.userAgent ?? 'opensync',
    signal: options.signal,
    now: options.now ?? Date.now,
  };
  return {
    health: () => health(settings),
    checkKey: () => checkKey(settings),
    syncSession: (body) => post(settings, '/sync/session', body, SessionReceipt),
    syncMessage: (body) => post(settings, '/sync/message', body, MessageReceipt),
    syncBatch: (body) => syncBatchWith(settings, body),
  };
}

async function health(settings: Settings): Promise<Answer<Health>> {
  const call: Call<z.infer<typeof HealthAnswer>> = {
    method: 'GET',
    path: '/health',
    public: true,
    schema: HealthAnswer,
    otherwise: 'server',
  };
  const { data, ...answer } = await request(settings, call);
  if (data === undefined) return answer;
  const { status: _, ...facts } = data;
  const skewMs = Math.round(facts.timestamp - settings.now());
  return { ...answer, data: { ...facts, skewMs } };
}

async function checkKey(settings: Settings): Promise<Answer<Health>> {
  const refusal = keyRefusal(settings);
  if (refusal !== undefined) return refusal;
  const server = await health(settings);
  if (!server.success) return server;
  const { data: list, ...answer } = await request(settings, {
    method: 'GET',
    path: '/api/sessions?limit=1',
    schema: SessionList,
    otherwise: 'server',
  });
  if (list === undefined || server.data === undefined) return answer;
  return { ...server, data: { ...server.data, isEmpty: list.sessions.length === 0 } };
}

async function syncBatchWith(settings: Settings, body: BatchData): Promise<Answer<BatchReceipt>> {
  const answer = await post(settings, '/sync/batch', body, BatchReceipt);
  if (answer.data === undefined) return answer;
  const data: BatchReceipt = {
    ...answer.data,
    errors: answer.data.errors.map(shortReason),
    failed: answer.data.failed?.map((item) => ({ ...item, error: shortReason(item.error) })),
  };
  return { ...answer, ...batchFailure(body, answer.data), data };
}

/** A batch is answered with 200 whatever became of its items. */
function batchFailure(
  { sessions = [], messages = [] }: BatchData,
  data: BatchReceipt,
): Answer<never> | undefined {
  const reasons = [...(data.failed ?? []).map((item) => item.error), ...data.errors];
  const complete = data.sessions >= sessions.length && data.messages >= messages.length;
  if (reasons.length === 0 && complete) return undefined;
  // A server that names the item has looked at it; a bare text may also be a passing fault.
  const isPoison = data.failed?.length || reasons.some((text) => classifyAnswer(500, text) === 'poison');
  const taken = `${data.sessions} of ${sessions.length} sessions and ${data.messages} of ${messages.length} messages`;
  const reason = reasons[0] === undefined ? '' : `: ${shortReason(reasons[0])}`;
  return failure(isPoison ? 'poison' : 'network', `The server took ${taken}${reason}`);
}

function post<T>(settings: Settings, path: string, body: unknown, schema: z.ZodMiniType<T>) {
  return request(settings, { method: 'POST', path, body, schema, otherwise: 'network' });
}

function keyRefusal({ apiKey }: Settings): Answer<never> | undefined {
  if (apiKey !== undefined && isApiKey(apiKey)) return undefined;
  return failure('auth', apiKey === undefined ? NOT_SIGNED_IN : INVALID_KEY_FORMAT);
}

async function request<T>(settings: Settings, call: Call<T>): Promise<Answer<T>> {
  const refusal = call.public ? undefined : keyRefusal(settings);
  if (refusal !== undefined) return refusal;
  const body = serialise(call.body);
  if (!body.ok) {
    return failure('poison', 'The data holds a value that JSON cannot express.');
  }
  // Loaded late: a hook that finds nothing to send should not pay for it.
  const { createFetch, FetchError } = await import('ofetch');
  const send = createFetch({ fetch: (input, init) => attempt(settings, call, input, init) });
  const beforeRetry = (context: FetchContext) => pauseOrGiveUp(settings, context);
  try {
    const response = await send.raw<unknown>(settings.origin + call.path, {
      method: call.method,
      body: body.text,
      headers: headersFor(settings, call),
      // Following one would hand the key to whoever it names.
      redirect: 'manual',
      parseResponse: jsonOf,
      retry: settings.retries,
      retryStatusCodes: RETRYABLE_STATUSES,
      onRequestError: beforeRetry,
      onResponseError: beforeRetry,
    });
    return response.ok ? accept(settings, call, response) : refuse(settings, response);
  } catch (error) {
    if (error instanceof FetchError && error.response !== undefined) return refuse(settings, error.response);
    return unreachable(settings, error);
  }
}

function failure(kind: ErrorKind, error: string, status?: number): Answer<never> {
  return { success: false, kind, error, ...(status !== undefined && { status }) };
}

function serialise(body: unknown): { ok: true; text?: string } | { ok: false } {
  try {
    return { ok: true, text: body === undefined ? undefined : JSON.stringify(body) };
  } catch (error) {
    if (error instanceof TypeError) return { ok: false };
    throw error;
  }
}

function headersFor(settings: Settings, call: Call<unknown>): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': settings.userAgent,
    ...(call.body !== undefined && { 'content-type': 'application/json' }),
    ...(!call.public && { authorization: `Bearer ${settings.apiKey}` }),
  };
}

/** An answer 200 that acknowledges nothing: a proxy's page, a captive network. */
class UnexpectedAnswer extends Error {}

class OversizedAnswer extends Error {}

/** The whole answer, unless it has no end: a server could otherwise fill the memory, with a few compressed bytes. */
async function readAnswer(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new OversizedAnswer();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/**
 * One try. ofetch times out only the wait for headers, not at all on a retry, and does not retry a body
 * that breaks off; so the whole answer is read in here, where all of that counts as a failed request.
 */
async function attempt(
  settings: Settings,
  call: Call<unknown>,
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): Promise<Response> {
  const limit = deadline(settings);
  try {
    const response = await settings.fetch(input, { ...init, signal: limit.signal });
    const text = await readAnswer(response);
    if (response.ok && call.otherwise === 'network' && !call.schema.safeParse(jsonOf(text)).success) {
      throw new UnexpectedAnswer();
    }
    const { status, headers } = response;
    return new Response(BODILESS_STATUSES.includes(status) ? null : text, { status, headers });
  } finally {
    limit.release();
  }
}

function deadline({ timeoutMs, signal }: Settings) {
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  const expire = () => controller.abort(new DOMException('No answer in time.', 'TimeoutError'));
  const timer = setTimeout(expire, timeoutMs);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  const release = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  };
  return { signal: controller.signal, release };
}

/** ofetch's hook before it retries: waits, or tells it not to. */
async function pauseOrGiveUp(settings: Settings, { options, response, error }: FetchContext): Promise<void> {
  const left = typeof options.retry === 'number' ? options.retry : 0;
  const isHopeless =
    error instanceof OversizedAnswer ||
    (response !== undefined && classifyAnswer(response.status, errorText(response._data)) !== 'network');
  if (left <= 0 || isHopeless || settings.signal?.aborted) {
    options.retry = false;
    return;
  }
  const delay = retryAfter(settings, response) ?? backoff(settings.retries - left);
  await settings.sleep(delay, settings.signal);
}

/** What the server asks to wait, in milliseconds: it names seconds or a date. */
function retryAfter({ now }: Settings, response: Response | undefined): number | undefined {
  const value = response?.headers.get('retry-after')?.trim();
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** Doubles with each retry. Half of it is chance, so that many clients do not come back together. */
function backoff(retry: number): number {
  const ceiling = Math.min(FIRST_DELAY_MS * 2 ** retry, MAX_DELAY_MS);
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

function accept<T>(settings: Settings, call: Call<T>, response: Response & { _data?: unknown }): Answer<T> {
  const parsed = call.schema.safeParse(response._data);
  const { status } = response;
  if (parsed.success) return { success: true, status, data: parsed.data };
  return failure(call.otherwise, notOpenSync(settings), status);
}

function notOpenSync({ origin }: Settings): string {
  return `${origin} does not look like an OpenSync server. Check the URL. ${CONVEX_HINT}`;
}

function refuse(settings: Settings, response: Response & { _data?: unknown }): Answer<never> {
  const { status } = response;
  const text = errorText(response._data);
  return failure(classifyAnswer(status, text), refusalText(settings, response, text), status);
}

function refusalText(settings: Settings, response: Response, text: string | undefined): string {
  const { status, headers } = response;
  const { origin } = settings;
  if (status === 401) {
    return `Invalid or expired token. ${origin} does not accept the API key; make a new one in its settings and sign in again.`;
  }
  if (status === 404) return notOpenSync(settings);
  if (status >= 300 && status < 400) return redirectText(origin, headers.get('location'));
  return `${origin} answered HTTP ${status}${text === undefined ? '' : `: ${shortReason(text)}`}`;
}

function redirectText(origin: string, location: string | null): string {
  if (location === null || !URL.canParse(location, origin))
    return `${origin} redirects elsewhere. Check the URL.`;
  const target = new URL(location, origin);
  // Without query and user name, which may carry secrets.
  const place = target.origin === origin ? target.pathname : target.origin;
  return `${origin} redirects to ${place}, which is not followed, so that your key stays with the server you chose. If it is the right one, use its URL.`;
}

/** Text of an `{"error"}` answer. */
function errorText(data: unknown): string | undefined {
  const error = (data as { error?: unknown } | null | undefined)?.error;
  return typeof error === 'string' ? error : undefined;
}

/** The server's reason up to where it begins to quote what was sent, and without any key. */
function shortReason(text: string): string {
  const [reason = ''] = text.split(/["{\n]|Object:|original object/);
  return reason
    .replace(/osk_\S+/g, 'osk_…')
    .replace(/\p{Cc}/gu, '')
    .slice(0, 120)
    .trim();
}

function unreachable({ origin, signal, timeoutMs }: Settings, error: unknown): Answer<never> {
  const fail = (text: string) => failure('network', text);
  if (signal?.aborted) return fail('Stopped before the server answered.');
  const causes = causesOf(error);
  if (causes.some((cause) => cause instanceof UnexpectedAnswer)) {
    return fail(
      `${origin} acknowledged nothing: its answer is not OpenSync's. A proxy or a sign-in page may stand in between.`,
    );
  }
  if (causes.some((cause) => cause instanceof OversizedAnswer)) {
    return failure('server', `${origin} answers without end: that is not OpenSync. Check the URL.`);
  }
  if (causes.some((cause) => (cause as Error).name === 'TimeoutError')) {
    return fail(`No answer from ${origin} within ${timeoutMs / 1000} s.`);
  }
  const code = causes.map(errorCode).find((found) => found !== undefined);
  if (code === 'ECONNREFUSED') {
    return fail(
      `Connection refused by ${origin}. Is the server running, and is the URL right? ${embeddedHint(origin)}${CONVEX_HINT}`,
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return fail(`Cannot find ${origin}. Are you online, and is the URL right? ${CONVEX_HINT}`);
  }
  return fail(
    `Cannot reach ${origin}${code === undefined ? '' : ` (${code})`}. Is the URL right? ${CONVEX_HINT}`,
  );
}

/** An embedded server that was started again may have another port. */
function embeddedHint(origin: string): string {
  if (!isLoopback(new URL(origin).hostname)) return '';
  return '"opensync-server" starts an embedded one, as does "npm start" in its repository, and "login --local" finds where it is now. ';
}

/** The error and what caused it, outermost first: fetch hides the system's code deep inside. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let next = error; next instanceof Error && causes.length < 8; next = next.cause) causes.push(next);
  return causes;
}

/** Whether the server is there and takes the key. Without a configuration, the shared one is used. */
export function testConnection(config?: Config): Promise<Answer<Health>> {
  return withClient(config, (client) => client.checkKey());
}

/** Sends one session. Without a configuration, the shared one is used. */
export function syncSession(data: SyncSessionData, config?: Config): Promise<Answer<SessionReceipt>> {
  return withClient(config, (client) => client.syncSession(data));
}

/** Sends one message. Without a configuration, the shared one is used. */
export function syncMessage(data: SyncMessageData, config?: Config): Promise<Answer<MessageReceipt>> {
  return withClient(config, (client) => client.syncMessage(data));
}

/** Sends several items in one request. Without a configuration, the shared one is used. */
export function syncBatch(data: BatchData, config?: Config): Promise<Answer<BatchReceipt>> {
  return withClient(config, (client) => client.syncBatch(data));
}

async function withClient<T>(
  config: Config | undefined,
  use: (client: Client) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  try {
    const { convexUrl, apiKey } = config ?? loadConfig();
    if (!convexUrl || !apiKey) return failure('auth', NOT_SIGNED_IN);
    return await use(createClient({ url: convexUrl, apiKey }));
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    return failure(error.kind, error.message);
  }
}
