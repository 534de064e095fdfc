import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import {
  type ClientOptions,
  createClient,
  syncBatch,
  syncMessage,
  syncSession,
  testConnection,
} from './client.js';
import { saveConfig } from './config.js';

const KEY = 'osk_secret_key';
const SESSION = { externalId: 's1', title: 'PRIVATE TEXT' };
const MESSAGE = {
  sessionExternalId: 's1',
  externalId: 'm1',
  role: 'user' as const,
  textContent: 'PRIVATE TEXT',
};

interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}
type Step = (response: ServerResponse) => unknown;

let server: Server;
let url: string;
/** What the server does with the next requests; the last step stays. */
let steps: Step[];
let received: Received[];
/** Pauses between tries, in milliseconds; they are not waited for. */
let pauses: number[];

beforeEach(async () => {
  steps = [];
  received = [];
  pauses = [];
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body,
      });
      const step = steps.length > 1 ? steps.shift() : steps[0];
      step?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllEnvs();
});

const json =
  (data: unknown, status = 200, headers: Record<string, string> = {}): Step =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(data));
const text =
  (body: string, status = 200, headers: Record<string, string> = {}): Step =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body);
const reset: Step = (response) => response.socket?.destroy();
const hang: Step = () => undefined;
const breakOff: Step = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"ok":');
  setTimeout(() => response.socket?.destroy(), 10);
};

const stall: Step = (response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"ok":');
const taken = json({ ok: true, sessionId: 'k1' });

function client(options: Partial<ClientOptions> = {}) {
  const sleep = async (ms: number) => pauses.push(ms);
  return createClient({ url, apiKey: KEY, sleep, ...options });
}

/** An address where nothing listens any more. */
async function closedUrl(): Promise<string> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('a request', () => {
  it('carries the key, the data as JSON and nothing to be redirected by', async () => {
    steps = [taken];
    const answer = await client({ userAgent: 'my-tool-sync/1.0.0' }).syncSession(SESSION);
    expect(answer).toEqual({ success: true, status: 200, data: { ok: true, sessionId: 'k1' } });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ method: 'POST', path: '/sync/session' });
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(SESSION);
    expect(received[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      'user-agent': 'my-tool-sync/1.0.0',
    });
  });

  it('for a message or a batch goes to its own address', async () => {
    steps = [json({ ok: true, messageId: 'k2' }), json({ ok: true, sessions: 1, messages: 1, errors: [] })];
    expect((await client().syncMessage(MESSAGE)).data).toEqual({ ok: true, messageId: 'k2' });
    expect((await client().syncBatch({ sessions: [SESSION], messages: [MESSAGE] })).success).toBe(true);
    expect(received.map(({ path }) => path)).toEqual(['/sync/message', '/sync/batch']);
  });

  it('is not made without a key or with one that cannot be one', async () => {
    expect(await client({ apiKey: undefined }).syncSession(SESSION)).toMatchObject({ kind: 'auth' });
    const wrong = await client({ apiKey: 'sk-other\nsecret' }).syncSession(SESSION);
    expect(wrong).toMatchObject({ success: false, kind: 'auth' });
    expect(wrong.error).toContain('Invalid API key format');
    expect(wrong.error).not.toContain('secret');
    expect(received).toEqual([]);
  });

  it('with data that JSON cannot express is poison and does not throw', async () => {
    const cycle: { type: string; content: unknown } = { type: 'text', content: undefined };
    cycle.content = cycle;
    expect(await client().syncMessage({ ...MESSAGE, parts: [cycle] })).toMatchObject({ kind: 'poison' });
    expect(received).toEqual([]);
  });
});

describe('what may pass is tried again', () => {
  it.each([
    ['a reset connection', reset],
    ['an answer that breaks off', breakOff],
    ['503', json({ code: 'Overloaded', message: 'busy' }, 503)],
    ['429 without a wish', text('slow down', 429)],
    ['408', text('', 408)],
    ['a status of a proxy', text('origin is down', 522)],
    ['500 of an unknown reason', json({ error: 'Error: OCC conflict' }, 500)],
    ['200 with a page of a proxy', text('<html>Please sign in</html>')],
    ['200 with JSON that acknowledges nothing', json({ hello: 'world' })],
    ['200 with ok: false', json({ ok: false })],
    ['200 with nothing', text('')],
    ['204', text('', 204)],
  ])('after %s', async (_, step) => {
    steps = [step, taken];
    expect(await client().syncSession(SESSION)).toMatchObject({ success: true });
    expect(received).toHaveLength(2);
    expect(received[1]?.body).toBe(received[0]?.body);
    expect(received[1]?.headers['content-type']).toBe('application/json');
    expect(pauses).toHaveLength(1);
  });

  it.each([
    ['does not answer', hang],
    ['stops in the middle of its answer', stall],
  ])('when a server %s in time, also on the second try', async (_, step) => {
    steps = [step, step, taken];
    expect(await client({ timeoutMs: 100 }).syncSession(SESSION)).toMatchObject({ success: true });
    expect(received).toHaveLength(3);
  });

  it('with pauses that double from 250 ms to 8 s, half of them chance', async () => {
    steps = [text('', 503)];
    const answer = await client({ retries: 7 }).syncSession(SESSION);
    expect(answer).toMatchObject({ success: false, kind: 'network', status: 503 });
    expect(received).toHaveLength(8);
    for (const [index, ceiling] of [250, 500, 1000, 2000, 4000, 8000, 8000].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(ceiling / 2);
      expect(pauses[index]).toBeLessThanOrEqual(ceiling);
    }
  });

  it('when the server says: after seconds, at a date, but never more than a minute later', async () => {
    const now = Date.UTC(2026, 0, 1);
    const at = (ms: number) => new Date(now + ms).toUTCString();
    for (const wish of ['7', at(5000), at(-5000), '3600', at(3_600_000), '0']) {
      steps = [json({}, 429, { 'retry-after': wish }), taken];
      await client({ now: () => now }).syncSession(SESSION);
    }
    expect(pauses).toEqual([7000, 5000, 0, 60_000, 60_000, 0]);
  });

  it('at its own pace when the wish makes no sense', async () => {
    steps = [text('', 503, { 'retry-after': 'soon' }), taken];
    await client().syncSession(SESSION);
    expect(pauses[0]).toBeLessThanOrEqual(250);
  });

  it('four times unless told otherwise', async () => {
    steps = [text('', 500)];
    await client().syncSession(SESSION);
    expect(received).toHaveLength(5);
    await client({ retries: 0 }).syncSession(SESSION);
    expect(received).toHaveLength(6);
  });
});

describe('what will not pass is not tried again', () => {
  const validator = `Error: ArgumentValidationError: Object contains extra field \`x\`.\n\nObject: {text: "PRIVATE TEXT"}`;
  it.each([
    ['a value the server refuses with 500', json({ error: validator }, 500), 'poison'],
    ['400', json({ error: 'Missing externalId or sessionId' }, 400), 'poison'],
    ['413', text('', 413), 'poison'],
    ['401', json({ error: 'Invalid API key' }, 401), 'auth'],
    ['403', json({ error: 'Forbidden' }, 403), 'auth'],
    ['404', text('No matching routes found', 404), 'server'],
    ['a redirect', text('', 308, { location: 'https://elsewhere.example/' }), 'server'],
  ])('%s', async (_, step, kind) => {
    steps = [step];
    expect(await client().syncSession(SESSION)).toMatchObject({ success: false, kind });
    expect(received).toHaveLength(1);
    expect(pauses).toEqual([]);
  });

  it('nor what becomes hopeless after a passing fault', async () => {
    steps = [text('', 503), json({ error: validator }, 500)];
    expect(await client().syncSession(SESSION)).toMatchObject({ kind: 'poison', status: 500 });
    expect(received).toHaveLength(2);
  });
});

describe('the text of an error', () => {
  it.each([
    'Error: ArgumentValidationError: Value does not match validator.\nValue: "PRIVATE TEXT"',
    'Error: ArgumentValidationError: bad Object: {text: PRIVATE TEXT}',
    'TypeError: {"text":"PRIVATE TEXT"} is not a supported Convex type',
    `SyntaxError: Unexpected token 'h', "PRIVATE TEXT" is not valid JSON`,
    'Error: Field name $ref starts with a $ (present at path .a in original object ["PRIVATE TEXT"])',
    `Error: too long: ${'x'.repeat(200)} PRIVATE TEXT`,
    `Error: Validator error for ${KEY}`,
    'Error: too long \u001b[31mred',
  ])('gives the reason of the server without what it quotes: %s', async (error) => {
    steps = [json({ error }, 400)];
    const answer = await client().syncSession(SESSION);
    expect(answer.error).toMatch(/answered HTTP 400: \w*/);
    expect(answer.error).not.toMatch(/PRIVATE|secret_key|\p{Cc}/u);
    expect(answer.error?.length).toBeLessThan(200);
  });

  it('does not repeat a body that is not {error}', async () => {
    steps = [text('<html>PRIVATE TEXT</html>', 400), json({ message: 'PRIVATE TEXT' }, 400), json(null, 400)];
    for (let index = 0; index < 3; index++) {
      expect((await client().syncSession(SESSION)).error).toBe(`${url} answered HTTP 400`);
    }
  });

  it('of a redirect names the new place without its query, and the key does not go there', async () => {
    steps = [text('', 302, { location: 'https://user:pw@elsewhere.example/login?token=secret' })];
    const answer = await client().syncSession(SESSION);
    expect(answer.error).toContain('redirects to https://elsewhere.example,');
    expect(answer.error).not.toMatch(/token|pw/);
    steps = [text('', 307, { location: '/login?x=secret' })];
    expect((await client().syncSession(SESSION)).error).toContain('redirects to /login,');
    steps = [text('', 301)];
    expect((await client().syncSession(SESSION)).error).toContain('redirects elsewhere');
    expect(received).toHaveLength(3);
  });

  it('follows a redirect nowhere, so that no other host sees the key or the data', async () => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits++;
      response.end('{"ok":true}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void elsewhere.close());
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/sync/session`;
    for (const status of [300, 301, 302, 303, 307, 308]) {
      steps = Array.from({ length: 5 }, () => text('', status, { location, refresh: `0; url=${location}` }));
      for (const answer of [
        await client().health(),
        await client().checkKey(),
        await client().syncSession(SESSION),
        await client().syncMessage(MESSAGE),
        await client().syncBatch({ sessions: [SESSION] }),
      ]) {
        expect(answer).toMatchObject({ success: false, kind: 'server' });
        expect(answer.error).not.toContain(KEY);
      }
    }
    expect(visits).toBe(0);
  });

  it('names URL and cure when the connection is refused', async () => {
    const closed = await closedUrl();
    const answer = await client({ url: closed, retries: 1 }).checkKey();
    expect(answer).toMatchObject({ success: false, kind: 'network' });
    expect(answer.error).toContain(`Connection refused by ${closed}`);
    expect(answer.error).toContain('.convex.site address, not at .convex.cloud');
    expect(pauses).toHaveLength(1);
  });

  it('tells a time-out and an unknown host apart from a refusal', async () => {
    steps = [hang];
    const late = await client({ timeoutMs: 50, retries: 0 }).syncSession(SESSION);
    expect(late).toMatchObject({ kind: 'network', error: `No answer from ${url} within 0.05 s.` });
    const lookUp = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    const fetch = () => Promise.reject(new TypeError('fetch failed', { cause: lookUp }));
    const lost = await client({ fetch, retries: 0 }).syncSession(SESSION);
    expect(lost.error).toContain(`Cannot find ${url}`);
  });
});

describe('whoever prints all that there is', () => {
  const everything = (value: unknown) =>
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }) +
    JSON.stringify(value);

  it.each([
    ['a refusal', json({ error: `no ${KEY}` }, 401)],
    ['poison', json({ error: `bad value ${KEY}` }, 400)],
    ['a page', text(`<html>${KEY}</html>`)],
    ['a reset', reset],
    ['an answer that breaks off', breakOff],
    ['a redirect', text('', 302, { location: `https://e.example/?${KEY}` })],
    ['silence', hang],
  ])('of the answer after %s finds no key in it', async (_, step) => {
    steps = [step];
    const one = client({ retries: 0, timeoutMs: 100 });
    for (const answer of [
      await one.syncSession(SESSION),
      await one.checkKey(),
      await one.syncBatch({ sessions: [SESSION] }),
    ])
      expect(everything(answer)).not.toContain(KEY);
    expect(everything(one)).not.toContain(KEY);
  });
});

describe('an answer without end', () => {
  const zeros = gzipSync(Buffer.alloc(100 << 20));
  const endless: Step = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = Buffer.alloc(1 << 20, ' ');
    const pour = () => {
      if (response.writableEnded || response.destroyed) return;
      response.write(chunk, () => setImmediate(pour));
    };
    pour();
  };
  const inflated: Step = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(zeros);
  const refusal: Step = (response) => response.writeHead(500, { 'content-encoding': 'gzip' }).end(zeros);

  it.each([
    ['that is long', endless],
    ['that is short and compressed', inflated],
    ['that is a failure', refusal],
  ])('%s is left off, and not asked for again', async (_, step) => {
    steps = [step];
    for (const answer of [await client().health(), await client().syncSession(SESSION)]) {
      expect(answer).toMatchObject({ success: false, kind: 'server' });
      expect(answer.error).toContain('answers without end');
    }
    expect(received).toHaveLength(2);
  });
});

describe('health', () => {
  it('measures how far the clock of the server is ahead, and sends no key', async () => {
    steps = [json({ status: 'ok', timestamp: 100_000 })];
    const answer = await client({ now: () => 42_000 }).health();
    expect(answer).toEqual({
      success: true,
      status: 200,
      data: { timestamp: 100_000, skewMs: 58_000, capabilities: [] },
    });
    expect(received[0]).toMatchObject({ method: 'GET', path: '/health' });
    expect(received[0]?.headers.authorization).toBeUndefined();
  });

  it('never takes the clock of the server to be ahead of what it is, however slow the way there was', async () => {
    let now = 0;
    const slow: typeof fetch = async (input, init) => {
      // The request is on its way for four seconds, and its answer for none.
      now += 4_000;
      return fetch(input, init);
    };
    steps = [text('', 503), json({ status: 'ok', timestamp: 8_000 })];
    const answer = await client({ now: () => now, fetch: slow }).health();
    expect(answer.data?.skewMs).toBe(0);
  });

  it('hands on what a server says it can do and survives nonsense there', async () => {
    steps = [json({ status: 'ok', timestamp: 1, server: 'x', version: '2', capabilities: ['batch'] })];
    expect((await client().health()).data).toMatchObject({
      server: 'x',
      version: '2',
      capabilities: ['batch'],
    });
    steps = [json({ status: 'ok', timestamp: 1, capabilities: 'all' })];
    expect((await client().health()).data?.capabilities).toEqual([]);
  });

  it.each([
    ['404', text('Not found', 404)],
    ['a web page', text('<html></html>')],
    ['other JSON', json({ status: 'green' })],
  ])('does not take %s for an OpenSync server', async (_, step) => {
    steps = [step];
    const answer = await client().health();
    expect(answer).toMatchObject({ success: false, kind: 'server' });
    expect(answer.error).toContain(`${url} does not look like an OpenSync server`);
    expect(received).toHaveLength(1);
  });
});

describe('checkKey', () => {
  const healthy = json({ status: 'ok', timestamp: 1 });

  it('asks something that only a key opens', async () => {
    steps = [healthy, json({ sessions: [] })];
    expect(await client().checkKey()).toMatchObject({ success: true, data: { timestamp: 1 } });
    expect(received.map(({ path }) => path)).toEqual(['/health', '/api/sessions?limit=1']);
    expect(received[1]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('tells a key of the wrong form without asking anybody', async () => {
    const answer = await client({ apiKey: 'sk-123' }).checkKey();
    expect(answer).toMatchObject({ success: false, kind: 'auth' });
    expect(answer.error).toMatch(/^Invalid API key format\. .*osk_/);
    expect(received).toEqual([]);
  });

  it('tells a key that the server refuses although its health is good', async () => {
    steps = [healthy, json({ error: `Invalid API key ${KEY}` }, 401)];
    const answer = await client().checkKey();
    expect(answer).toMatchObject({ success: false, kind: 'auth', status: 401 });
    expect(answer.data).toBeUndefined();
    expect(answer.error).toMatch(/^Invalid or expired token\./);
    expect(answer.error).not.toContain(KEY);
  });

  it('does not send the key to what is not an OpenSync server', async () => {
    steps = [text('hello')];
    expect(await client().checkKey()).toMatchObject({ kind: 'server' });
    expect(received).toHaveLength(1);
  });
});

describe('a batch', () => {
  const send = () => client().syncBatch({ sessions: [SESSION], messages: [MESSAGE] });

  it('that was not taken whole has failed, and the items that were refused are named', async () => {
    const failed = [{ kind: 'message', index: 0, externalId: 'm1', error: 'too long: {"PRIVATE TEXT"}' }];
    steps = [json({ ok: true, sessions: 1, messages: 0, errors: ['messages[0]: "PRIVATE TEXT"'], failed })];
    const answer = await send();
    expect(answer).toMatchObject({ success: false, kind: 'poison', status: 200 });
    expect(answer.error).toBe('The server took 1 of 1 sessions and 0 of 1 messages: too long:');
    expect(answer.data?.failed).toEqual([
      { kind: 'message', index: 0, externalId: 'm1', error: 'too long:' },
    ]);
    expect(JSON.stringify(answer)).not.toContain('PRIVATE');
  });

  it('is told by the text alone on a server that names no items', async () => {
    const errors = ['Messages batch error: Error: ArgumentValidationError: Object contains extra field'];
    steps = [json({ ok: true, sessions: 1, messages: 0, errors })];
    expect(await send()).toMatchObject({ success: false, kind: 'poison' });
    steps = [json({ ok: true, sessions: 1, messages: 0, errors: ['Error: busy'] })];
    expect(await send()).toMatchObject({ success: false, kind: 'network' });
  });

  it('that the server counts short has failed although it reports no error', async () => {
    steps = [json({ ok: true, sessions: 0, messages: 1, errors: [] })];
    expect(await send()).toMatchObject({ success: false, kind: 'network' });
  });
});

describe('an abort', () => {
  it('ends a request under way and is not tried again', async () => {
    const stop = new AbortController();
    steps = [() => stop.abort()];
    const answer = await client({ signal: stop.signal }).syncSession(SESSION);
    expect(answer).toMatchObject({
      success: false,
      kind: 'network',
      error: 'Stopped before the server answered.',
    });
    expect(received).toHaveLength(1);
    expect(pauses).toEqual([]);
  });

  it('ends the wait between two tries', async () => {
    const stop = new AbortController();
    steps = [
      (response) => {
        json({}, 429, { 'retry-after': '60' })(response);
        setTimeout(() => stop.abort(), 20);
      },
    ];
    const answer = await createClient({ url, apiKey: KEY, signal: stop.signal }).syncSession(SESSION);
    expect(answer.error).toContain('Stopped');
  });
});

describe('the free functions', () => {
  let home: string;
  beforeEach(() => {
    home = temporaryDirectory();
    vi.stubEnv('HOME', home);
    vi.stubEnv('OPENSYNC_URL', undefined);
    vi.stubEnv('OPENSYNC_API_KEY', undefined);
  });

  it('say how to sign in when there is no configuration', async () => {
    for (const answer of [await syncSession(SESSION), await syncMessage(MESSAGE), await testConnection({})]) {
      expect(answer).toMatchObject({ success: false, kind: 'auth' });
      expect(answer.error).toMatch(/^Not signed in\. Run /);
    }
  });

  it('use the shared configuration, or the one they are given', async () => {
    saveConfig({ convexUrl: url, apiKey: KEY });
    steps = [taken];
    expect((await syncSession(SESSION)).success).toBe(true);
    steps = [json({ ok: true, messageId: 'x' })];
    expect((await syncMessage(MESSAGE, { convexUrl: url, apiKey: 'osk_other' })).success).toBe(true);
    expect(received[1]?.headers.authorization).toBe('Bearer osk_other');
    steps = [json({ ok: true, sessions: 1, messages: 0, errors: [] })];
    expect((await syncBatch({ sessions: [SESSION] })).success).toBe(true);
  });

  it('resolve to an error, and do not throw, when the configuration is no use', async () => {
    const answer = await syncSession(SESSION, { convexUrl: 'http://example.com', apiKey: KEY });
    expect(answer).toMatchObject({ success: false, kind: 'config' });
    expect(answer.error).toContain('https://example.com');
  });
});
