import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { client, START, testServer } from '../../test/support.js';
import { PAGE_DIRECTORY } from '../page-directory.js';

const source = (file: string) => readFileSync(new URL(file, PAGE_DIRECTORY), 'utf8');

it('serves the page and its files under a policy that runs and loads nothing else', async () => {
  const { stranger } = await testServer();
  const page = await stranger.get('/');
  const files = [...page.text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map((match) => match[1] ?? '');
  expect(files.sort()).toEqual(['/page/page.css', '/page/page.js']);
  for (const path of ['/', ...files]) {
    const answer = await stranger.get(path);
    expect(answer.status).toBe(200);
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|nonce|\*/);
  }
});

it('has no inline script, style or handler', () => {
  expect(source('index.html')).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
});

it('makes text of a transcript, never markup, code, an address or a style', () => {
  const script = source('page.js');
  expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|srcdoc|\beval\b/);
  expect(script).not.toMatch(/new Function|import\(|\.style\b|'on\w+'|src:/);
  const links = [...script.matchAll(/href: (.{10})/g)].map((match) => match[1]);
  expect(links).toEqual(['`#session=']);
});

it('opens with the token of the printed link, which does nothing else', async () => {
  const { server } = await testServer();
  const [base, token = ''] = server.openUrl.split('/#token=');
  expect(base).toBe(server.url);
  const visitor = client(server.url, token);
  expect((await visitor.get('/page/sessions')).status).toBe(200);
  expect((await visitor.get('/api/sessions')).status).toBe(401);
  expect((await visitor.session({ externalId: 's' })).status).toBe(401);
});

it('shows the sessions of whoever entered their key', async () => {
  const server = await testServer();
  await server.session({ externalId: 'mine' });
  await server.other.session({ externalId: 'theirs' });
  const { json } = await server.other.get('/page/sessions');
  expect(json.sessions).toMatchObject([{ externalId: 'theirs' }]);
});

it('tells a cost of 0 from one that was never sent', async () => {
  const server = await testServer();
  await server.session({ externalId: 'unknown' });
  await server.session({ externalId: 'free', cost: 0, promptTokens: 0, source: 'codex-cli' });
  const { json } = await server.get('/page/sessions');
  expect(json.sessions).toMatchObject([
    { externalId: 'free', cost: 0, promptTokens: 0, completionTokens: null, source: 'codex-cli' },
    { externalId: 'unknown', cost: null, promptTokens: null, source: null },
  ]);
});

it('searches and pages through sessions and messages', async () => {
  const server = await testServer();
  const messages = Array.from({ length: 5 }, (_, index) => ({
    sessionExternalId: 'a',
    externalId: `${index}`,
    role: 'user',
    createdAt: START + index,
  }));
  await server.batch({ sessions: [{ externalId: 'a', title: 'apple' }, { externalId: 'b' }], messages });
  const ids = async (query: string) =>
    (await server.get(`/page/sessions?${query}`)).json.sessions.map((session) => session.externalId);
  expect(await ids('q=app')).toEqual(['a']);
  expect(await ids('q=app&offset=1')).toEqual([]);
  expect(await ids('q=&limit=1&offset=1')).toEqual(['a']);
  const { json } = await server.session({ externalId: 'a' });
  const page = await server.get(`/page/session?id=${json.sessionId}&limit=2&offset=3`);
  expect(page.json.session.messageCount).toBe(5);
  expect(page.json.messages.map((message) => message.externalId)).toEqual(['3', '4']);
});
