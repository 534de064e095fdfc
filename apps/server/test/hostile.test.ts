import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { START, type TestServer, testServer } from './support.js';

/** Texts that would be more than text if they became part of SQL or of the index's own language. */
const INJECTIONS = [
  `'; DROP TABLE messages; --`,
  `' OR '1'='1`,
  `" OR ""="`,
  `1); DELETE FROM sessions WHERE (1=1`,
  `x' UNION SELECT hash FROM api_keys --`,
  `\\'; VACUUM; --`,
  `?1 :name @name $name`,
  `%_%`,
  `NEAR("a" "b", 2) AND * NOT ^text : -x {a b}`,
  `text:"a"* OR title : b`,
];

it('keeps as text whatever looks like SQL, in every field and every parameter', async () => {
  const server = await testServer();
  for (const [index, text] of INJECTIONS.entries()) {
    const fields = { title: text, projectPath: text, projectName: text, model: text, provider: text };
    const { json } = await server.session({ externalId: text, source: text, ...fields });
    const stored = await server.message({
      sessionExternalId: text,
      externalId: text,
      textContent: text,
      model: text,
      source: text,
      parts: [{ type: text, content: { [text]: text } }].slice(0, text.startsWith('$') ? 0 : 1),
    });
    expect([text, stored.status]).toEqual([text, 200]);
    const { session, messages } = await server.read(json.sessionId);
    expect(session).toMatchObject({ externalId: text, ...fields, messageCount: 1 });
    expect(messages).toMatchObject([{ externalId: text, textContent: text, model: text }]);
    expect((await server.get('/sync/sessions/list')).json.sessionIds).toHaveLength(index + 1);
  }
  for (const text of INJECTIONS.map(encodeURIComponent)) {
    const statuses = [
      ...['/api/sessions/get?id=', '/api/export?id=', '/page/session?id='].map((path) => [path, 404]),
      ...['/api/sessions?limit=', '/page/sessions?offset=', '/api/search?q=a&limit='].map((path) => [
        path,
        400,
      ]),
      ...['/api/search?q=', '/api/context?q=', '/page/sessions?q='].map((path) => [path, 200]),
    ] as const;
    for (const [path, status] of statuses)
      expect([path, text, (await server.get(path + text)).status]).toEqual([path, text, status]);
    expect(
      (await server.call('GET', '/api/sessions', { headers: { authorization: `Bearer osk_${text}` } }))
        .status,
    ).toBe(401);
  }
  expect((await server.get('/api/stats')).json).toMatchObject({
    sessionCount: INJECTIONS.length,
    messageCount: INJECTIONS.length,
  });
});

it('answers every search, whatever it says', async () => {
  const server = await testServer();
  await server.session({ externalId: 's', title: 'a "quoted" title' });
  const syntax = fc.constantFrom(
    '"',
    '*',
    '(',
    ')',
    '^',
    ':',
    '-',
    '+',
    ' ',
    'AND',
    'NEAR',
    'a',
    'é',
    '\0',
    ',',
    '{',
  );
  const query = fc.oneof(fc.string({ unit: syntax, maxLength: 40 }), fc.string({ unit: 'binary' }));
  await fc.assert(
    fc.asyncProperty(query, async (text) => {
      const q = encodeURIComponent(text.toWellFormed());
      expect((await server.get(`/page/sessions?q=${q}`)).status).toBe(200);
    }),
    { numRuns: 200 },
  );
});

it('refuses a batch of more items than a list may have, before it looks at them', async () => {
  const server = await testServer();
  for (const list of ['sessions', 'messages']) {
    expect((await server.batch({ [list]: Array(8192).fill({}) })).json.failed).toHaveLength(8192);
    const raw = `{"${list}":[${'{},'.repeat(5_000_000)}{}]}`;
    const answer = await server.call('POST', '/sync/batch', { raw });
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining('8192')]);
  }
});

/** Messages of 12 MiB each, 144 MiB in all. */
async function newLargeSession(server: TestServer): Promise<string> {
  const parts = Array(12).fill({ type: 'tool-result', content: { result: 'x'.repeat(2 ** 20 - 100) } });
  for (let index = 0; index < 12; index++) {
    const message = { sessionExternalId: 's', externalId: `${index}`, createdAt: START + index, parts };
    expect((await server.message(message)).status).toBe(200);
  }
  return (await server.session({ externalId: 's' })).json.sessionId;
}

it('shows a session that is too large for one answer, page by page, and says so elsewhere', async () => {
  const server = await testServer();
  const id = await newLargeSession(server);
  for (const path of ['/api/sessions/get', '/api/export']) {
    const answer = await server.get(`${path}?id=${id}`);
    expect([path, answer.status]).toEqual([path, 413]);
    expect(answer.json.error).toContain('too large for one answer');
  }
  const shown: string[] = [];
  let hasMore = true;
  while (hasMore) {
    const { json, text } = await server.get(`/page/session?id=${id}&offset=${shown.length}`);
    expect(text.length).toBeLessThan(32 * 2 ** 20);
    shown.push(...json.messages.map((message) => message.externalId));
    hasMore = json.hasMore;
  }
  expect(shown).toEqual(Array.from({ length: 12 }, (_, index) => `${index}`));
});

/** First line of the answer to bytes that no client of ours would send. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    socket.on('data', (chunk) => (answer += chunk)).on('error', () => undefined);
    socket.on('close', () => resolve(answer.split('\r\n', 1)[0] ?? ''));
  });
}

it.each([
  ['two hosts', 'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n', '403'],
  ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', '400'],
  ['an empty host', 'GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', '400'],
  ['a user in the host', 'GET /health HTTP/1.1\r\nHost: a@localhost\r\nConnection: close\r\n\r\n', '400'],
  [
    'a foreign host and its own in the line',
    'GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    '403',
  ],
  ['a path out of its folder', 'GET /page/..%2f..%2fpackage.json HTTP/1.1\r\nHost: localhost\r\n\r\n', '404'],
  [
    'two lengths of one body',
    'POST /sync/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '400',
  ],
  [
    'headers without end',
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
    '431',
  ],
  ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400'],
  ['a star for a path', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', '400'],
])('answers a request with %s, and the next one', async (_, text, status) => {
  const { server, get } = await testServer();
  expect(await exchange(server.port, text)).toContain(` ${status} `);
  expect((await get('/health')).status).toBe(200);
});
