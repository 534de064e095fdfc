import { describe, expect, it } from 'vitest';
import { HOUR, START, type TestServer, testServer } from './support.js';

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
const textPart = (content: string) => ({ type: 'text', content });

/** A session of its own for a test; its id in the API. */
async function newSession(server: TestServer, externalId = 's1', fields: object = {}): Promise<string> {
  const { json } = await server.session({ externalId, title: 'First title', ...fields });
  return json.sessionId;
}

describe('transport and keys', () => {
  it('answers health without a key, in milliseconds, readable from any page', async () => {
    const { stranger } = await testServer();
    const answer = await stranger.get('/health');
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      status: 'ok',
      timestamp: START,
      server: 'opensync-embedded',
      capabilities: ['batch', 'immediate-updates', 'unlimited'],
    });
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('lets other origins read nothing but health', async () => {
    const server = await testServer();
    for (const path of ['/', '/api/sessions', '/sync/sessions/list', '/page/page.js']) {
      expect((await server.get(path)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it.each([undefined, 'Bearer sk_abc', 'Bearer osk_unknown', 'Bearer osk_', 'bearer osk_x', 'Basic osk_x'])(
    'refuses the authorization %j on every endpoint',
    async (authorization) => {
      const { stranger } = await testServer();
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const endpoints = [
        'POST /sync/session',
        'POST /sync/message',
        'POST /sync/batch',
        'GET /sync/sessions/list',
        'GET /api/sessions',
        'GET /api/sessions/get?id=x',
        'GET /api/stats',
        'GET /api/search?q=x',
        'GET /api/context?q=x',
        'GET /api/export?id=x',
        'GET /api/export/evals',
        'GET /page/sessions',
        'GET /page/session?id=x',
      ];
      for (const endpoint of endpoints) {
        const [method = '', path = ''] = endpoint.split(' ');
        const answer = await stranger.call(method, path, { headers });
        expect([endpoint, answer.status, typeof answer.json.error]).toEqual([endpoint, 401, 'string']);
      }
    },
  );

  it('checks the key before it reads the body', async () => {
    const { stranger } = await testServer();
    const headers = { authorization: 'Bearer osk_nope' };
    expect((await stranger.call('POST', '/sync/session', { raw: '{broken', headers })).status).toBe(401);
  });

  it('knows its paths exactly', async () => {
    const server = await testServer();
    for (const path of ['/health/', '/nope', '/api', '/sync/session']) {
      const answer = await server.get(path);
      expect([path, answer.status, answer.text]).toEqual([path, 404, 'No matching routes found']);
    }
    for (const path of ['/sync/session/', '//sync/session', '/health', '/api/sessions']) {
      expect([path, (await server.post(path, {})).status]).toEqual([path, 404]);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect([method, (await server.call(method, '/sync/session')).status]).toEqual([method, 404]);
    }
  });

  it('serves the page at its root', async () => {
    const { stranger } = await testServer();
    const answer = await stranger.get('/');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });

  it('answers HEAD like GET, without a body', async () => {
    const answer = await (await testServer()).call('HEAD', '/health');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('needs no content type', async () => {
    const server = await testServer();
    const headers = { 'content-type': 'application/x-anything' };
    const answer = await server.call('POST', '/sync/session', { raw: '{"externalId":"s"}', headers });
    expect(answer.status).toBe(200);
  });

  it.each(['{broken', '', 'null', '[]', '5', '"x"'])(
    'refuses the body %j and does not repeat it',
    async (raw) => {
      const server = await testServer();
      for (const path of ['/sync/session', '/sync/message', '/sync/batch']) {
        const answer = await server.call('POST', path, { raw });
        expect(answer.status).toBe(400);
        expect(answer.json.error).not.toContain('broken');
      }
    },
  );

  it('refuses a body above 16 MiB', async () => {
    const server = await testServer();
    const parts = Array(17).fill(textPart('x'.repeat(1e6)));
    const answer = await server.message({ sessionExternalId: 's', externalId: 'm', parts });
    expect(answer.status).toBe(413);
    expect(answer.json.error).toContain('too large');
  });
});

describe('POST /sync/session', () => {
  it('creates once and keeps the id', async () => {
    const server = await testServer();
    const first = await server.session({ externalId: 's', title: 'a' });
    const second = await server.session({ externalId: 's', title: 'b' });
    expect(first.json).toEqual({ ok: true, sessionId: second.json.sessionId });
    expect((await server.get('/sync/sessions/list')).json).toEqual({ sessionIds: ['s'] });
  });

  it('takes sessionId when externalId is missing or empty, and refuses neither', async () => {
    const server = await testServer();
    const alias = await server.session({ sessionId: 'a' });
    const behindEmpty = await server.session({ externalId: '', sessionId: 'b' });
    expect((await server.read(alias.json.sessionId)).session.externalId).toBe('a');
    expect((await server.read(behindEmpty.json.sessionId)).session.externalId).toBe('b');
    for (const body of [{ title: 'x' }, { externalId: '' }]) {
      expect(await server.session(body)).toMatchObject({
        status: 400,
        json: { error: 'Missing externalId or sessionId' },
      });
    }
  });

  it('gives back every field, but never the source', async () => {
    const server = await testServer();
    const fields = {
      title: 'Тест 😀',
      projectPath: '/p/日本',
      projectName: 'name',
      model: 'model',
      provider: 'provider',
      promptTokens: 3,
      completionTokens: 4,
      cost: 0.125,
      durationMs: 77,
      createdAt: START - HOUR,
    };
    const id = await newSession(server, 's', { ...fields, source: 'claude-code' });
    expect((await server.read(id)).session).toEqual({
      id,
      externalId: 's',
      ...fields,
      totalTokens: 7,
      isPublic: false,
      messageCount: 0,
      updatedAt: START,
    });
  });

  it('leaves out what was never sent, and shows 0 for tokens and cost', async () => {
    const server = await testServer();
    const { json } = await server.session({ externalId: 's' });
    expect((await server.read(json.sessionId)).session).toEqual({
      id: json.sessionId,
      externalId: 's',
      promptTokens: 0,
      completionTokens: 0,
      totalTokens: 0,
      cost: 0,
      isPublic: false,
      messageCount: 0,
      createdAt: START,
      updatedAt: START,
    });
  });

  it('ignores fields it does not know', async () => {
    const server = await testServer();
    const id = await newSession(server, 's', { totalTokens: 999, messageCount: 9, $weird: { é: 1 } });
    expect((await server.read(id)).session).toMatchObject({ totalTokens: 0, messageCount: 0 });
  });

  it.each([
    { title: null },
    { title: 3 },
    { model: null },
    { promptTokens: '5' },
    { promptTokens: null },
    { promptTokens: -1 },
    { cost: null },
    { createdAt: '2026-01-01T00:00:00Z' },
    { createdAt: null },
    { createdAt: 8.64e15 + 1 },
    { durationMs: '1' },
    { source: 1 },
  ])('refuses %j and stores nothing', async (wrong) => {
    const server = await testServer();
    const answer = await server.session({ externalId: 's', ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.json.error).toContain(Object.keys(wrong)[0]);
    expect((await server.get('/sync/sessions/list')).json.sessionIds).toEqual([]);
  });

  it('refuses infinite numbers', async () => {
    const server = await testServer();
    const answer = await server.call('POST', '/sync/session', { raw: '{"externalId":"s","cost":1e400}' });
    expect(answer.status).toBe(400);
  });

  it('takes createdAt when the session is new, and keeps what an update leaves out', async () => {
    const server = await testServer();
    const id = await newSession(server, 's', { createdAt: START - HOUR, model: 'm', projectPath: '/p' });
    await server.session({ externalId: 's', title: 'new', createdAt: START });
    expect((await server.read(id)).session).toMatchObject({
      createdAt: START - HOUR,
      title: 'new',
      model: 'm',
      projectPath: '/p',
    });
  });

  it('replaces totals, except that 0 tokens never reset them; a cost of 0 does', async () => {
    const server = await testServer();
    const id = await newSession(server, 's', { promptTokens: 100, completionTokens: 50, cost: 1 });
    const after = async (fields: object) => {
      await server.session({ externalId: 's', ...fields });
      const { session } = await server.read(id);
      return [session.promptTokens, session.completionTokens, session.totalTokens, session.cost];
    };
    expect(await after({ promptTokens: 0, completionTokens: 0 })).toEqual([100, 50, 150, 1]);
    expect(await after({ promptTokens: 40 })).toEqual([40, 50, 90, 1]);
    expect(await after({ completionTokens: 60 })).toEqual([40, 60, 100, 1]);
    expect(await after({ cost: 0 })).toEqual([40, 60, 100, 0]);
  });

  it('applies a change of cost, duration and provider alone, at once', async () => {
    const server = await testServer();
    const fields = { title: 't', model: 'm', projectPath: '/p', promptTokens: 10, completionTokens: 5 };
    const id = await newSession(server, 's', { ...fields, cost: 0.1, durationMs: 10 });
    await server.session({ externalId: 's', ...fields, cost: 9, durationMs: 99, provider: 'x' });
    expect((await server.read(id)).session).toMatchObject({ cost: 9, durationMs: 99, provider: 'x' });
  });

  it('keeps any well-formed text, and refuses half a surrogate pair', async () => {
    const server = await testServer();
    const strange = 'a\u0000b \u001a0 😀 \u202e';
    const { json } = await server.session({ externalId: 'ses-日本-\u0000😀', title: strange });
    expect((await server.read(json.sessionId)).session).toMatchObject({
      externalId: 'ses-日本-\u0000😀',
      title: strange,
    });
    expect((await server.session({ externalId: 'ses-日本-\u0000😀' })).json).toEqual(json);
    const raw = '{"externalId":"s2","title":"secret\\ud83d"}';
    const refused = await server.call('POST', '/sync/session', { raw });
    expect(refused.status).toBe(400);
    expect(refused.json.error).toBe('title holds an unpaired surrogate.');
  });

  it('counts the title twice against the 1 MiB of a session', async () => {
    const answer = await (await testServer()).session({ externalId: 's', title: 'x'.repeat(600_000) });
    expect(answer.status).toBe(413);
  });
});

describe('POST /sync/message', () => {
  it('wants both ids and a known role', async () => {
    const server = await testServer();
    const id = await newSession(server);
    for (const role of ['user', 'assistant', 'system', 'tool', 'unknown']) {
      const answer = await server.message({ sessionExternalId: 's1', externalId: role, role });
      expect(answer.json).toEqual({ ok: true, messageId: expect.any(String) });
    }
    for (const wrong of [
      { externalId: 'm', role: 'user' },
      { sessionExternalId: 's1', role: 'user' },
      { sessionExternalId: 's1', externalId: '', role: 'user' },
      { sessionExternalId: 's1', externalId: 'm' },
      { sessionExternalId: 's1', externalId: 'm', role: 'developer' },
      { sessionExternalId: 's1', externalId: 'm', role: null },
    ]) {
      expect((await server.post('/sync/message', wrong)).status).toBe(400);
    }
    expect((await server.read(id)).session.messageCount).toBe(5);
  });

  it('gives back every field and ignores those it does not know', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const fields = {
      externalId: 'm',
      role: 'assistant',
      textContent: 'hi',
      model: 'm',
      promptTokens: 1,
      completionTokens: 2,
      durationMs: 3,
      createdAt: START - HOUR,
    };
    await server.message({ sessionExternalId: 's1', ...fields, cost: 5, toolName: 'x', content: 'x' });
    const { messages } = await server.read(id);
    expect(messages).toEqual([{ id: expect.any(String), ...fields, parts: [] }]);
  });

  it.each([
    { textContent: null },
    { textContent: 4 },
    { parts: null },
    { parts: {} },
    { model: null },
    { createdAt: 'x' },
    { parts: [{ type: 'text' }] },
    { parts: [{ content: 'x' }] },
    { parts: [{ type: 'text', content: 'x', order: 1 }] },
    { parts: [{ type: 'tool-call', toolName: 'X', args: '{}' }] },
    { parts: ['x'] },
  ])('refuses %j', async (wrong) => {
    const server = await testServer();
    const answer = await server.message({ sessionExternalId: 's', externalId: 'm', ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.json.error).toContain(Object.keys(wrong)[0]);
    expect((await server.get('/sync/sessions/list')).json.sessionIds).toEqual([]);
  });

  it('keeps parts of any kind, in order', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const parts = [
      textPart('a'),
      { type: 'text', content: { text: 'b' } },
      { type: 'tool-call', content: { name: 'Read', args: { z: 1, a: [1, { b: null }] } } },
      { type: 'tool-result', content: { result: 'r' } },
      { type: 'thinking', content: null },
      { type: 'x', content: 5 },
      { type: 'y', content: false },
    ];
    await server.message({ sessionExternalId: 's1', externalId: 'm', parts });
    expect((await server.read(id)).messages[0]?.parts).toEqual(parts);
  });

  it('creates a session that it does not know, whose first own call may still correct the date', async () => {
    const server = await testServer();
    const message = { sessionExternalId: 's', externalId: 'm', model: 'mm' };
    await server.message(message);
    const { json } = await server.session({ externalId: 's', title: 'late', createdAt: START - HOUR });
    await server.session({ externalId: 's', createdAt: START - 2 * HOUR });
    expect((await server.read(json.sessionId)).session).toMatchObject({
      title: 'late',
      model: 'mm',
      messageCount: 1,
      createdAt: START - HOUR,
    });
  });

  it('orders by createdAt, and by arrival within one moment, everywhere', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const arrivals = [
      ['3', 3],
      ['1', 1],
      ['2a', 2],
      ['2b', 2],
      ['0', 0],
    ] as const;
    for (const [externalId, offset] of arrivals) {
      const message = { externalId, textContent: externalId, createdAt: START + offset };
      await server.message({ sessionExternalId: 's1', ...message });
    }
    const expected = ['0', '1', '2a', '2b', '3'];
    const { messages } = await server.read(id);
    expect(messages.map((message) => message.textContent)).toEqual(expected);
    const { json } = await server.get(`/api/export?id=${id}`);
    expect(json.messages.map((message) => message.content)).toEqual(expected);
  });

  it.each([
    ['this moment', 0],
    ['the past', -HOUR],
    ['the future', HOUR],
  ])('applies an update at once to a message of %s', async (_when, offset) => {
    const server = await testServer();
    const id = await newSession(server);
    const send = (text: string) =>
      server.message({
        sessionExternalId: 's1',
        externalId: 'm',
        createdAt: START + offset,
        textContent: text,
        parts: [textPart(text)],
      });
    await send('partial');
    await send('final');
    expect((await server.read(id)).messages).toMatchObject([
      { textContent: 'final', parts: [textPart('final')] },
    ]);
  });

  it('replaces parts, keeps absent fields, overwrites with "" and 0, and never changes role or time', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const after = async (fields: object) => {
      await server.message({ sessionExternalId: 's1', externalId: 'm', ...fields });
      return (await server.read(id)).messages[0];
    };
    const parts = [textPart('A'), textPart('B')];
    await after({ createdAt: START, textContent: 'A', model: 'm', promptTokens: 5, parts });
    expect(await after({ role: 'assistant', createdAt: START + 5000, parts: [textPart('C')] })).toMatchObject(
      {
        role: 'user',
        createdAt: START,
        textContent: 'A',
        model: 'm',
        promptTokens: 5,
        parts: [textPart('C')],
      },
    );
    expect(await after({ textContent: 'D' })).toMatchObject({ textContent: 'D', parts: [] });
    expect(await after({ textContent: '', promptTokens: 0 })).toMatchObject({
      textContent: '',
      promptTokens: 0,
    });
    expect((await server.read(id)).session.messageCount).toBe(1);
  });

  it('adds nothing to the totals of the session', async () => {
    const server = await testServer();
    const id = await newSession(server, 's1', { promptTokens: 1 });
    await server.message({ sessionExternalId: 's1', externalId: 'm', promptTokens: 1000 });
    expect((await server.read(id)).session).toMatchObject({ promptTokens: 1, totalTokens: 1 });
  });

  it('knows a message by its session: a fork that repeats ids leaves the original alone', async () => {
    const server = await testServer();
    const original = await newSession(server, 'a');
    const fork = await newSession(server, 'b');
    await server.message({ sessionExternalId: 'a', externalId: 'm', textContent: 'in a' });
    await server.message({ sessionExternalId: 'b', externalId: 'm', textContent: 'in b' });
    expect((await server.read(original)).messages).toMatchObject([{ textContent: 'in a' }]);
    expect((await server.read(fork)).messages).toMatchObject([{ textContent: 'in b' }]);
  });

  it('changes nothing when it is repeated', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const message = { sessionExternalId: 's1', externalId: 'm', parts: [textPart('x')] };
    await server.message(message);
    const before = await server.read(id);
    server.clock.now += HOUR;
    await server.message(message);
    await server.session({ externalId: 's1', title: 'First title' });
    expect(await server.read(id)).toEqual(before);
  });
});

describe('two users', () => {
  it('never touch or see what is not theirs, whatever the ids', async () => {
    const server = await testServer();
    const mine = await newSession(server, 'same');
    const theirs = (await server.other.session({ externalId: 'same', title: 'B' })).json.sessionId;
    const message = { sessionExternalId: 'same', externalId: 'm' };
    await server.message({ ...message, textContent: 'mine', parts: [textPart('mine')] });
    await server.other.message({ ...message, textContent: 'theirs', parts: [textPart('theirs')] });
    expect(mine).not.toBe(theirs);
    expect(await server.read(mine)).toMatchObject({
      session: { title: 'First title' },
      messages: [{ textContent: 'mine' }],
    });
    for (const path of ['/api/sessions/get', '/api/export', '/page/session']) {
      expect((await server.other.get(`${path}?id=${mine}`)).status).toBe(404);
    }
    expect(await server.other.search('mine')).toEqual([]);
    expect((await server.other.get('/api/stats')).json).toMatchObject({ sessionCount: 1, messageCount: 1 });
    expect((await server.other.get('/api/sessions')).json.sessions).toHaveLength(1);
  });
});

describe('limits of values', () => {
  const sendContent = (server: TestServer, content: unknown) =>
    server.message({ sessionExternalId: 's1', externalId: 'm', parts: [{ type: 'tool-call', content }] });

  it.each([
    ['start with "$"', { $schema: 1 }, '"$"'],
    ['are not ASCII', { é: 1 }, 'ASCII'],
    ['hold a line break', { 'a\nb': 1 }, 'ASCII'],
    ['hold a control character', { '\u007f': 1 }, 'ASCII'],
    ['are wrong deep inside', { deep: [{ ключ: 1 }] }, 'content.deep[0]'],
    ['are longer than 1024', { ['k'.repeat(1025)]: 1 }, '1024'],
  ])('refuses object keys that %s, and says where', async (_what, args, where) => {
    const answer = await sendContent(await testServer(), args);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toContain('parts[0].content');
    expect(answer.json.error).toContain(where);
    expect(answer.json.error.length).toBeLessThan(200);
  });

  it('keeps any other object keys', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const longest = { ['k'.repeat(1024)]: 1 };
    for (const args of [
      { _x: 1, __y: 2 },
      { '': 1 },
      { 'a b.c/d-e': 1 },
      { constructor: 1, toString: 2 },
      longest,
    ]) {
      expect((await sendContent(server, args)).status).toBe(200);
      expect((await server.read(id)).messages[0]?.parts[0]?.content).toEqual(args);
    }
  });

  it('takes 8192 items, 1024 fields and 15 levels, and no more', async () => {
    const server = await testServer();
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
    for (const content of [Array(8192).fill(1), fields(1024), nested(15)]) {
      expect((await sendContent(server, content)).status).toBe(200);
    }
    for (const content of [Array(8193).fill(1), fields(1025), nested(16), nested(62)]) {
      expect((await sendContent(server, content)).status).toBe(400);
    }
  });

  it('refuses nesting without end', async () => {
    const server = await testServer();
    const content = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const raw = `{"sessionExternalId":"s","externalId":"m","role":"user","parts":[{"type":"x","content":${content}}]}`;
    expect((await server.call('POST', '/sync/message', { raw })).status).toBe(400);
  });

  it('takes text and parts of just under 1 MiB of UTF-8, and no more', async () => {
    const server = await testServer();
    const send = (fields: object) => server.message({ sessionExternalId: 's1', externalId: 'm', ...fields });
    const text = 'x'.repeat(2 ** 20 - 1024);
    expect((await send({ textContent: text })).status).toBe(200);
    expect((await send({ parts: [textPart(text)] })).status).toBe(200);
    expect((await send({ textContent: 'x'.repeat(2 ** 20) })).status).toBe(413);
    expect((await send({ textContent: '日'.repeat(400_000) })).status).toBe(413);
    expect((await send({ parts: [textPart('x'.repeat(2 ** 20))] })).status).toBe(413);
  });

  it('has no limit on messages in a session', async () => {
    const server = await testServer();
    const id = await newSession(server);
    const messages = Array.from({ length: 5000 }, (_, index) => ({
      sessionExternalId: 's1',
      externalId: `m${index}`,
      role: 'user',
    }));
    expect((await server.batch({ messages })).json).toMatchObject({ messages: 5000, errors: [] });
    expect((await server.read(id)).messages).toHaveLength(5000);
  });
});

describe('POST /sync/batch', () => {
  it('stores sessions and messages, and counts them', async () => {
    const server = await testServer();
    const answer = await server.batch({
      messages: [
        { sessionExternalId: 's', externalId: 'm1', role: 'user', parts: [textPart('x')] },
        { sessionExternalId: 's', externalId: 'm2', role: 'assistant' },
      ],
      sessions: [{ externalId: 's', title: 'b' }],
    });
    expect(answer.json).toEqual({ ok: true, sessions: 1, messages: 2, errors: [] });
    const id = await newSession(server, 's');
    expect((await server.read(id)).session.messageCount).toBe(2);
  });

  it.each([{}, { sessions: [], messages: [] }])('takes %j for nothing to do', async (body) => {
    expect((await (await testServer()).batch(body)).json).toEqual({
      ok: true,
      sessions: 0,
      messages: 0,
      errors: [],
    });
  });

  it('stores what is valid and names each item that is not', async () => {
    const server = await testServer();
    const message = { sessionExternalId: 's', role: 'user' };
    const { status, json } = await server.batch({
      sessions: [{ externalId: 's' }, { externalId: 'bad', title: null }, 7],
      messages: [
        { ...message, externalId: 'm1' },
        { ...message, externalId: 'm2', role: 'bad' },
        { ...message, externalId: 'm3', parts: [{ type: 'x', content: { $ref: 'secret' } }] },
        { ...message, externalId: 'm4' },
      ],
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({ ok: true, sessions: 1, messages: 2 });
    expect(json.errors).toHaveLength(4);
    expect(json.failed).toEqual([
      { kind: 'session', index: 1, externalId: 'bad', error: expect.stringContaining('title') },
      { kind: 'session', index: 2, error: expect.any(String) },
      { kind: 'message', index: 1, externalId: 'm2', error: expect.stringContaining('role') },
      { kind: 'message', index: 2, externalId: 'm3', error: expect.stringContaining('parts[0].content') },
    ]);
    expect(JSON.stringify(json)).not.toContain('secret');
    const { messages } = await server.read(await newSession(server, 's'));
    expect(messages.map((stored) => stored.externalId)).toEqual(['m1', 'm4']);
  });

  it('carries createdAt, the sessionId alias and unknown fields like the single calls', async () => {
    const server = await testServer();
    const answer = await server.batch({
      sessions: [{ sessionId: 's', createdAt: 1e12, foo: 1 }],
      messages: [{ sessionExternalId: 's', externalId: 'm', role: 'user', createdAt: 1e12 + 1, cost: 1 }],
    });
    expect(answer.json).toEqual({ ok: true, sessions: 1, messages: 1, errors: [] });
    expect(await server.read(await newSession(server, 's'))).toMatchObject({
      session: { createdAt: 1e12 },
      messages: [{ createdAt: 1e12 + 1 }],
    });
  });

  it('writes the parts of an update, and of a repeat within one batch once', async () => {
    const server = await testServer();
    const message = { sessionExternalId: 's', externalId: 'm', role: 'user' };
    await server.batch({ messages: [{ ...message, parts: [textPart('old')] }] });
    const answer = await server.batch({
      messages: [
        { ...message, parts: [textPart('newer')] },
        { ...message, parts: [textPart('newest')] },
      ],
    });
    expect(answer.json).toMatchObject({ messages: 2, errors: [] });
    const { messages } = await server.read(await newSession(server, 's'));
    expect(messages.map((stored) => stored.parts)).toEqual([[textPart('newest')]]);
  });
});

describe('reading', () => {
  it('lists newest changes first, 50 without a limit', async () => {
    const server = await testServer();
    const sessions = Array.from({ length: 60 }, (_, index) => ({ externalId: `s${index}` }));
    await server.batch({ sessions });
    server.clock.now += 1;
    await server.session({ externalId: 's0', title: 'changed' });
    const list = async (query: string) => (await server.get(`/api/sessions${query}`)).json.sessions;
    expect((await list('?limit=2')).map((session) => session.externalId)).toEqual(['s0', 's59']);
    expect(await list('')).toHaveLength(50);
    expect(await list('?limit=0')).toEqual([]);
    expect(await list('?limit=1.9')).toHaveLength(1);
    for (const limit of ['abc', '-1']) {
      expect((await server.get(`/api/sessions?limit=${limit}`)).status).toBe(400);
    }
  });

  it('opens a session by the id of the API and by nothing else', async () => {
    const server = await testServer();
    await newSession(server, 's1');
    expect((await server.get('/api/sessions/get')).status).toBe(400);
    for (const id of ['abc', 's1']) {
      expect((await server.get(`/api/sessions/get?id=${id}`)).status).toBe(404);
    }
  });

  it('finds words of title and text by their beginning, in any case and script', async () => {
    const server = await testServer();
    await newSession(server, 's1', { title: 'Repair Überlauf' });
    const parts = [textPart('the Запрос failed in foo_bar.ts'), { type: 'tool-result', content: 'hidden' }];
    await server.message({ sessionExternalId: 's1', externalId: 'm', parts });
    await server.message({ sessionExternalId: 's1', externalId: 'm2', textContent: 'alone' });
    for (const query of ['REPAIR', 'rep', 'über', 'запр', 'foo_bar.ts', 'repair запрос', 'alone']) {
      expect([query, await server.search(query)]).toEqual([query, ['s1']]);
    }
    for (const query of ['epair', 'hidden', 'repair nothing', '"', '*', 'NOT (', 'a"b OR text:*', '\0']) {
      expect([query, await server.search(query)]).toEqual([query, []]);
    }
  });

  it('answers searches in the short form and wants a query', async () => {
    const server = await testServer();
    const id = await newSession(server, 's1', { title: 'word' });
    const { json } = await server.get('/api/search?q=word');
    expect(json.results).toEqual([
      { id, externalId: 's1', title: 'word', totalTokens: 0, cost: 0, messageCount: 0, createdAt: START },
    ]);
    for (const path of ['/api/search', '/api/search?q=', '/api/context', '/api/search?q=x&type=semantic']) {
      expect((await server.get(path)).status).toBe(400);
    }
  });

  it('searches what a session says now: after a new title, and not what an update took away', async () => {
    const server = await testServer();
    await newSession(server, 's1', { title: 'before' });
    const message = { sessionExternalId: 's1', externalId: 'm' };
    await server.message({ ...message, parts: [textPart('password')] });
    await server.session({ externalId: 's1', title: 'after' });
    expect(await server.search('password')).toEqual(['s1']);
    expect(await server.search('before')).toEqual([]);
    await server.message({ ...message, parts: [textPart('removed')] });
    expect(await server.search('password')).toEqual([]);
  });

  it('exports text as JSON, JSON Lines and Markdown', async () => {
    const server = await testServer();
    const fields = { title: 'Ex: a/b', projectPath: '/p', model: 'm', cost: 0.25, promptTokens: 1 };
    const id = await newSession(server, 's1', fields);
    const send = (message: object, offset: number) =>
      server.message({ sessionExternalId: 's1', createdAt: START + offset, ...message });
    await send({ externalId: '1', textContent: 'q?' }, 1);
    const parts = [
      textPart('a1'),
      { type: 'tool-call', content: { name: 'Read' } },
      { type: 'text', content: { text: 'a2' } },
    ];
    await send({ externalId: '2', role: 'assistant', textContent: 'not shown', parts }, 2);
    await send({ externalId: '3', role: 'tool', parts: [{ type: 'tool-result', content: 'r' }] }, 3);
    const expected = [
      { role: 'user', content: 'q?' },
      { role: 'assistant', content: 'a1\na2' },
      { role: 'tool', content: '' },
    ];
    for (const format of ['', '&format=json', '&format=other']) {
      expect((await server.get(`/api/export?id=${id}${format}`)).json).toEqual({
        session: { id, title: 'Ex: a/b', model: 'm' },
        messages: expected,
      });
    }
    const lines = (await server.get(`/api/export?format=jsonl&id=${id}`)).json;
    expect(lines.filename).toBe('Ex--a-b.jsonl');
    expect(lines.content).toBe(expected.map((message) => JSON.stringify(message)).join('\n'));
    const markdown = await server.get(`/api/export?format=markdown&id=${id}`);
    expect(markdown.headers.get('content-type')).toContain('text/markdown');
    expect(markdown.headers.get('content-disposition')).toBe('attachment; filename="Ex--a-b.md"');
    expect(markdown.text).toBe(
      '# Ex: a/b\n\n- **Project:** /p\n- **Model:** m\n- **Tokens:** 1\n- **Cost:** $0.2500\n\n---\n\n' +
        '## User\n\nq?\n\n## Assistant\n\na1\n\na2\n\n## Assistant\n\n',
    );
    expect((await server.get('/api/export')).status).toBe(400);
  });

  it('sums a user’s sessions, by model', async () => {
    const server = await testServer();
    await newSession(server, 'a', {
      model: 'm',
      promptTokens: 3,
      completionTokens: 4,
      cost: 0.5,
      durationMs: 9,
    });
    await newSession(server, 'b', { model: '__proto__' });
    await server.message({ sessionExternalId: 'c', externalId: 'm' });
    const { json, text } = await server.get('/api/stats');
    expect(json).toMatchObject({
      sessionCount: 3,
      messageCount: 1,
      totalTokens: 7,
      totalCost: 0.5,
      totalDurationMs: 9,
      modelUsage: {
        m: { tokens: 7, cost: 0.5, sessions: 1 },
        unknown: { tokens: 0, cost: 0, sessions: 1 },
      },
    });
    expect(text).toContain('"__proto__":{"tokens":0');
  });

  it('answers stats of nothing with zeros', async () => {
    expect((await (await testServer()).get('/api/stats')).json).toEqual({
      sessionCount: 0,
      messageCount: 0,
      totalTokens: 0,
      totalCost: 0,
      totalDurationMs: 0,
      modelUsage: {},
    });
  });

  it('gives context as text or as messages, best match first', async () => {
    const server = await testServer();
    await newSession(server, 'a', { title: 'about queues' });
    const id = await newSession(server, 'b', { title: 'about queues and locks' });
    await server.message({ sessionExternalId: 'b', externalId: 'm', textContent: 'hold the lock' });
    await newSession(server, 'c', { title: 'queues again' });
    const context = async (rest: string) => (await server.get(`/api/context?q=locks%20queues${rest}`)).json;
    expect(await context('&limit=1')).toEqual({
      text: '## about queues and locks\n\nuser: hold the lock',
      sessionCount: 1,
    });
    expect(await context('&format=messages')).toEqual({
      messages: [
        {
          role: 'user',
          content: 'hold the lock',
          metadata: { sessionId: id, sessionTitle: 'about queues and locks' },
        },
      ],
      sessionCount: 3,
    });
  });

  it('has no evals to export, and names the formats it would know', async () => {
    const server = await testServer();
    const wrong = await server.get('/api/export/evals?format=other');
    expect(wrong.status).toBe(400);
    expect(wrong.json.error).toContain('promptfoo');
    expect(await server.get('/api/export/evals')).toMatchObject({
      status: 404,
      json: { error: 'No eval-ready sessions found' },
    });
  });
});
