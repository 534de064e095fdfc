import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { START, type TestServer, testServer } from '../support.js';
import { openBrowser } from './browser.js';
import { CORPUS } from './corpus.js';

/** Milliseconds: until the page has drawn what it was told to. */
const PATIENCE = { timeout: 20_000 };

/** What a page did that it must not: kept by the browser, outside of the page's reach. */
interface Watched {
  page: Page;
  /** Requests to anything but the page and its data, dialogs, errors, refusals of the policy. */
  events: string[];
}

async function watch(page: Page, origin: string): Promise<Watched> {
  const events: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    const own = url.origin === origin && /^\/(page\/(page\.(js|css)|sessions?))?$/.test(url.pathname);
    if (!own && request.url() !== 'data:,') events.push(`request ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    events.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => events.push(`error ${error.message}`));
  page.on('popup', (popup) => events.push(`popup ${popup.url()}`));
  page.on('console', (message) => {
    if (message.type() === 'error') events.push(`console ${message.text()}`);
  });
  return { page, events };
}

/** Elements and attributes that the page itself is made of, and no others. */
const FOREIGN = `[...document.querySelectorAll('*')].flatMap((node) => {
  const allowed = { A: ['class', 'href'], LINK: ['rel', 'href'], SCRIPT: ['type', 'src'], META: ['charset', 'name', 'content'],
    INPUT: ['id', 'type', 'placeholder', 'aria-label', 'autocomplete'], MAIN: ['id', 'aria-live'], HTML: ['lang'],
    TH: ['scope'], TD: ['class'], BUTTON: ['class', 'type', 'hidden', 'disabled'], TIME: ['datetime'], DETAILS: ['open'],
    DIV: ['class'], DL: ['class'], P: ['class'], ARTICLE: ['class'], SECTION: ['class'],
    HEAD: [], TITLE: [], BODY: [], HEADER: [], NOSCRIPT: [], TABLE: [], THEAD: [], TBODY: [], TR: [], H1: [], DT: [], DD: [],
    STRONG: [], SPAN: [], SUMMARY: [], PRE: [] }[node.tagName];
  if (allowed === undefined) return ['<' + node.tagName + '>'];
  const names = node.getAttributeNames().filter((name) => !allowed.includes(name));
  const href = node.getAttribute('href') ?? '';
  if (node.tagName === 'A' && !/^(#session=\\w+|\\/)$/.test(href)) names.push('href=' + href);
  return names.map((name) => '<' + node.tagName + ' ' + name + '>');
})`;

async function expectOnlyText({ page, events }: Watched): Promise<void> {
  expect(await page.evaluate('globalThis.ran')).toBeUndefined();
  expect(await page.evaluate(FOREIGN)).toEqual([]);
  expect(events).toEqual([]);
}

/** One session for each text, which stands in every place that a text can. */
async function saveCorpus(server: TestServer): Promise<void> {
  for (const [index, text] of CORPUS.entries()) {
    const names = {
      title: text,
      projectPath: text,
      projectName: index % 2 ? text : undefined,
      model: text,
      provider: text,
    };
    const session = await server.session({ externalId: text, source: text, createdAt: START, ...names });
    expect(session.status).toBe(200);
    const key = text.replace(/[^ -~]|^\$/g, '');
    const args = { [key]: text, list: [text, { [key]: [text] }] };
    const parts = [
      { type: 'text', content: text },
      { type: 'text', content: { text } },
      { type: 'text', content: [text] },
      { type: 'tool-call', content: { id: text, name: text, args } },
      { type: 'tool-result', content: { id: text, result: text, isError: true } },
      { type: 'tool-result', content: { id: 'none', output: args } },
      { type: 'tool-call', content: text },
      { type: 'tool-result', content: args },
      { type: text, content: { content: text } },
      { type: 'thinking', content: text },
    ];
    const base = { sessionExternalId: text, model: text, createdAt: START };
    for (const message of [
      { parts },
      { textContent: text },
      { textContent: text, parts: parts.slice(3), role: 'assistant' },
    ]) {
      const externalId = `${text}${JSON.stringify(message).length}`;
      expect((await server.message({ ...base, externalId, ...message })).status).toBe(200);
    }
  }
}

it('shows a hostile transcript as text, in the list, in sessions and in a search', async () => {
  const server = await testServer();
  await saveCorpus(server);
  const watched = await watch(await (await openBrowser()).newPage(), server.server.url);
  const { page } = watched;
  await page.goto(server.server.openUrl);
  await page.waitForSelector('table');
  expect(page.url()).toBe(`${server.server.url}/`);
  expect(await page.locator('tbody tr').count()).toBe(CORPUS.length);
  await expectOnlyText(watched);
  const links = await page.locator('tbody a').all();
  const listed = await Promise.all(
    links.map(async (link) => [await link.getAttribute('href'), (await link.textContent()) ?? ''] as const),
  );
  expect(listed.map(([, title]) => title).toSorted()).toEqual(CORPUS.toSorted());
  for (const [href, title] of listed) {
    await page.goto(`${server.server.url}/${href}`);
    await expect.poll(() => page.locator('h1').textContent(), PATIENCE).toBe(title);
    expect(await page.locator('article').count()).toBe(3);
    const texts = await page.locator('p.text').allTextContents();
    expect(texts.filter((text) => text === title).length).toBe(4);
    await page.mouse.move(200, 200);
    await page.locator('main').click();
    await expectOnlyText(watched);
  }
  for (const text of CORPUS.slice(0, 5)) {
    await page.goto(`${server.server.url}/`);
    await page.waitForSelector('table');
    const answer = page.waitForResponse((response) => /[?&]q=[^&]/.test(response.url()));
    await page.fill('#search', text);
    expect(((await (await answer).json()) as { sessions: object[] }).sessions.length).toBeGreaterThan(0);
    await expect.poll(() => page.locator('tbody tr').count(), PATIENCE).toBeLessThan(CORPUS.length);
    await expectOnlyText(watched);
  }
}, 180_000);

/** What a mistake in our own script would amount to: each is tried in the page itself. */
const HOLES: [string, string][] = [
  ['markup', `document.body.innerHTML = '<img src=x onerror="globalThis.ran=1">'`],
  [
    'a script',
    `const s = document.createElement('script'); s.text = 'globalThis.ran=1'; document.body.append(s)`,
  ],
  [
    'an attribute that runs',
    `const b = document.createElement('b'); b.setAttribute('onclick', 'globalThis.ran=1'); document.body.append(b); b.click()`,
  ],
  [
    'a link that runs',
    `const a = document.createElement('a'); a.href = 'javascript:globalThis.ran=1'; document.body.append(a); a.click()`,
  ],
  [
    'a frame that runs',
    `const f = document.createElement('iframe'); f.src = 'javascript:parent.ran=1'; document.body.append(f)`,
  ],
  [
    'a foreign frame',
    `const f = document.createElement('iframe'); f.src = 'http://evil.example/'; document.body.append(f)`,
  ],
  [
    'a foreign script',
    `const s = document.createElement('script'); try { s.src = 'http://evil.example/' } finally { document.body.append(s) }`,
  ],
  ['a foreign picture', `const i = new Image(); i.src = 'http://evil.example/'; document.body.append(i)`],
  ['a foreign request', `fetch('http://evil.example/').catch(() => undefined)`],
  [
    'a form that leads away',
    `const f = document.createElement('form'); f.action = 'http://evil.example/'; document.body.append(f); f.submit()`,
  ],
  [
    'a style',
    `const d = document.createElement('div'); d.setAttribute('style', 'background: url(http://evil.example/)'); document.body.append(d)`,
  ],
  [
    'another base',
    `const b = document.createElement('base'); b.href = 'http://evil.example/'; document.head.append(b)`,
  ],
];

it.each(HOLES)('would not run or load %s even if its own script made it', async (_, code) => {
  const server = await testServer();
  const page = await (await openBrowser({ names: 'evil.example' })).newPage();
  const loaded: string[] = [];
  page.on('response', (response) => {
    if (new URL(response.url()).host === 'evil.example') loaded.push(response.url());
  });
  await page.goto(server.server.openUrl);
  await page.waitForSelector('.notice');
  // The policy binds scripts of the page's world, not those of the debugger: hence a function of the page.
  const refusals = await page.evaluate(`new Promise((resolve) => {
    const found = [];
    addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
    setTimeout(() => { try { ${code} } catch (error) { found.push(error.name) } });
    setTimeout(() => resolve(found), 300);
  })`);
  expect(refusals).not.toEqual([]);
  expect(await page.evaluate('[globalThis.ran, document.baseURI]')).toEqual([
    undefined,
    `${server.server.url}/`,
  ]);
  expect(loaded).toEqual([]);
});

/** A page on another port, which is another origin. */
async function foreignPage(): Promise<string> {
  const site = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title>');
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    site.closeAllConnections();
    site.close();
  });
  return `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
}

it('lets another web page read nothing but health, write nothing and show nothing', async () => {
  const server = await testServer();
  const { url, apiKey } = server.server;
  const page = await (await openBrowser()).newPage();
  await page.goto(await foreignPage());
  const tried = await page.evaluate(`(async () => {
    const outcome = (promise) => promise.then(async (answer) => answer.type + ' ' + (await answer.text()).length, () => 'refused');
    const headers = { authorization: 'Bearer ${apiKey}' };
    const form = { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '{"externalId":"forged"}' };
    const script = new Promise((resolve) => {
      const node = document.createElement('script');
      Object.assign(node, { src: '${url}/page/page.js', onload: () => resolve('ran'), onerror: () => resolve('refused') });
      document.head.append(node);
    });
    return {
      read: await outcome(fetch('${url}/api/sessions', { headers })),
      list: await outcome(fetch('${url}/page/sessions')),
      post: await outcome(fetch('${url}/sync/session', { method: 'POST', headers, body: '{"externalId":"forged"}' })),
      form: await outcome(fetch('${url}/sync/session', form)),
      blind: await outcome(fetch('${url}/api/sessions', { mode: 'no-cors' })),
      script: await script,
      health: (await (await fetch('${url}/health')).json()).status,
    };
  })()`);
  // An opaque answer may not be read: its length is 0 for the page.
  expect(tried).toEqual({
    read: 'refused',
    list: 'refused',
    post: 'refused',
    form: 'refused',
    blind: 'refused',
    script: 'refused',
    health: 'ok',
  });
  const refused = page.waitForEvent('console', (message) => /frame-ancestors|frame/i.test(message.text()));
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('iframe'), { src: '${url}/' }))`,
  );
  await refused;
  expect((await server.get('/sync/sessions/list')).json.sessionIds).toEqual([]);
});

it('shows nothing to a name that was re-pointed to this machine', async () => {
  const server = await testServer();
  const page = await (await openBrowser({ names: 'evil.example' })).newPage();
  const { port, apiKey } = server.server;
  const answer = await page.goto(`http://evil.example:${port}/`);
  expect(answer?.status()).toBe(403);
  const statuses =
    await page.evaluate(`Promise.all(['/health', '/api/sessions', '/page/sessions'].map((path) =>
    fetch(path, { headers: { authorization: 'Bearer ${apiKey}' } }).then((answer) => answer.status)))`);
  expect(statuses).toEqual([403, 403, 403]);
});
