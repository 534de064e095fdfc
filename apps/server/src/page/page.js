// The sessions page. Everything that comes from a transcript becomes a text node: this file never
// parses markup, never writes a style and links only to places within the page.

const TOKEN = 'opensync-token';
const SESSIONS_AT_ONCE = 100;
const MESSAGES_AT_ONCE = 200;
const SEARCH_DELAY_MS = 200;

const main = document.getElementById('main');
const searchBox = document.getElementById('search');
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** Counts views, so that an answer that comes late is not drawn into the next one. */
let currentView = 0;

takeTokenFromAddress();
window.addEventListener('hashchange', showView);
let searchTimer;
searchBox.addEventListener('input', () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(showFound, SEARCH_DELAY_MS);
});
void showView();

/** The printed link ends in "#token=...". It is kept for this tab only and leaves the address bar. */
function takeTokenFromAddress() {
  const token = /^#token=(\w+)$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(null, '', '/');
}

/** Leaving an open session changes the hash, which shows the list. */
function showFound() {
  if (location.hash === '') void showView();
  else location.assign('#');
}

async function showView() {
  takeTokenFromAddress();
  const view = ++currentView;
  const id = /^#session=(\w+)$/.exec(location.hash)?.[1];
  try {
    if (sessionStorage.getItem(TOKEN) === null) showKeyForm('');
    else if (id === undefined) await showSessions(view);
    else await showSession(view, id);
  } catch (error) {
    if (view === currentView) showFailure(error);
  }
}

async function read(path, parameters) {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`, {
    headers: { authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` },
  });
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.error), { status: response.status });
  return body;
}

function showFailure(error) {
  if (error.status !== 401) {
    main.replaceChildren(element('p', { class: 'notice' }, `Could not load: ${error.message}`));
    return;
  }
  sessionStorage.removeItem(TOKEN);
  showKeyForm('The server was started again, or the key is not one of its keys. ');
}

function showKeyForm(reason) {
  const input = element('input', { type: 'password', autocomplete: 'off', 'aria-label': 'API key' });
  const form = element(
    'form',
    { class: 'notice' },
    element('p', {}, `${reason}Open the link that the server printed when it started, or enter an API key:`),
    input,
    element('button', {}, 'Open'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, input.value.trim());
    void showView();
  });
  main.replaceChildren(form);
}

async function showSessions(view) {
  const query = searchBox.value.trim();
  const load = async (offset) => {
    const { sessions } = await read('/page/sessions', { q: query, limit: SESSIONS_AT_ONCE, offset });
    return { items: sessions, hasMore: sessions.length === SESSIONS_AT_ONCE };
  };
  const first = await load(0);
  if (view !== currentView) return;
  document.title = 'OpenSync';
  if (first.items.length === 0) {
    const text =
      query === '' ? 'No sessions yet. They appear here once a plugin has synced one.' : 'Nothing found.';
    main.replaceChildren(element('p', { class: 'notice' }, text));
    return;
  }
  const rows = element('tbody', {});
  const heads = ['Session', 'Project', 'Model', 'Tokens', 'Cost', 'Updated'];
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    rows,
  );
  main.replaceChildren(
    table,
    pager(view, first, load, (session) => rows.append(sessionRow(session))),
  );
}

function sessionRow(session) {
  return element(
    'tr',
    {},
    element('td', {}, element('a', { href: `#session=${session.id}` }, session.title || 'Untitled')),
    element('td', {}, session.projectName || session.projectPath || ''),
    element('td', {}, session.model || 'unknown'),
    element('td', { class: 'number' }, tokensOf(session)),
    element('td', { class: 'number' }, costOf(session)),
    element('td', {}, timeOf(session.updatedAt)),
  );
}

async function showSession(view, id) {
  let session;
  const load = async (offset) => {
    const answer = await read('/page/session', { id, limit: MESSAGES_AT_ONCE, offset });
    session = answer.session;
    return { items: answer.messages, hasMore: answer.hasMore };
  };
  const first = await load(0);
  if (view !== currentView) return;
  const title = session.title || 'Untitled';
  document.title = `${title} - OpenSync`;
  const list = element('div', { class: 'messages' });
  const draw = messageDrawer(list);
  main.replaceChildren(element('h1', {}, title), factsOf(session), list, pager(view, first, load, draw));
  scrollTo(0, 0);
}

function factsOf(session) {
  const facts = {
    Project: session.projectPath ?? session.projectName ?? 'unknown',
    Tool: session.source ?? 'unknown',
    Model: session.model ?? 'unknown',
    'Tokens in': numberOf(session.promptTokens),
    'Tokens out': numberOf(session.completionTokens),
    Cost: costOf(session),
    Duration: durationOf(session.durationMs),
    Messages: numberOf(session.messageCount),
    Began: timeOf(session.createdAt),
    Updated: timeOf(session.updatedAt),
  };
  const items = Object.entries(facts).map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value)),
  );
  return element('dl', { class: 'facts' }, ...items);
}

/** Draws a first page of items and, while there may be more, a button for the next. */
function pager(view, first, load, draw) {
  const button = element('button', { class: 'more', type: 'button' }, 'Show more');
  let count = 0;
  const add = ({ items, hasMore }) => {
    for (const item of items) draw(item);
    count += items.length;
    button.hidden = !hasMore;
  };
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const next = await load(count);
      if (view === currentView) add(next);
    } catch (error) {
      if (view === currentView) showFailure(error);
    }
    button.disabled = false;
  });
  add(first);
  return button;
}

/** Draws one message after another. A tool's result goes below its call, also when a later message brings it. */
function messageDrawer(list) {
  const calls = new Map();
  return (message) => {
    const blocks = partsOf(message).flatMap((part) => drawPart(part, calls));
    if (blocks.length === 0 && message.parts.length > 0) return;
    const head = element(
      'header',
      {},
      element('strong', {}, message.role),
      message.model ? element('span', {}, message.model) : '',
      timeOf(message.createdAt),
    );
    list.append(element('article', { class: `message ${message.role}` }, head, ...blocks));
  };
}

/** `textContent` repeats the text parts; alone it is the text. */
function partsOf({ parts, textContent }) {
  const hasText = parts.some((part) => part.type === 'text');
  return hasText || !textContent ? parts : [{ type: 'text', content: textContent }, ...parts];
}

/** The blocks to add to the message: none for a result that went to its call. */
function drawPart({ type, content }, calls) {
  if (type === 'text') return [element('p', { class: 'text' }, textOf(content, ['text', 'content']))];
  if (type === 'tool-call') return [drawCall(content, calls)];
  if (type === 'tool-result') return drawResult(content, calls);
  return [folded(type, textOf(content, ['text', 'content']))];
}

function drawCall(content, calls) {
  const { id, name, toolName, args, arguments: parameters, input } = fieldsOf(content);
  const call = element(
    'section',
    { class: 'call' },
    folded(`Tool: ${asText(name ?? toolName ?? 'unknown')}`, asText(args ?? parameters ?? input ?? content)),
  );
  if (typeof id === 'string') calls.set(id, call);
  return call;
}

function drawResult(content, calls) {
  const { id, isError } = fieldsOf(content);
  const result = folded(isError === true ? 'Result: error' : 'Result', textOf(content, ['result', 'output']));
  const call = calls.get(id);
  if (call === undefined) return [result];
  call.append(result);
  return [];
}

function folded(title, text) {
  return element('details', { open: '' }, element('summary', {}, title), element('pre', {}, text));
}

function fieldsOf(content) {
  return typeof content === 'object' && content !== null ? content : {};
}

/** The first of the named fields that is there, or the whole content. */
function textOf(content, names) {
  const fields = fieldsOf(content);
  const name = names.find((candidate) => fields[candidate] !== undefined);
  return asText(name === undefined ? content : fields[name]);
}

function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function tokensOf({ promptTokens, completionTokens }) {
  if (promptTokens === null && completionTokens === null) return 'unknown';
  return numberOf((promptTokens ?? 0) + (completionTokens ?? 0));
}

function costOf({ cost }) {
  return cost === null ? 'unknown' : `$${cost.toFixed(cost < 1 ? 4 : 2)}`;
}

function numberOf(value) {
  return value === null ? 'unknown' : value.toLocaleString();
}

function durationOf(milliseconds) {
  if (milliseconds === null) return 'unknown';
  const minutes = Math.floor(milliseconds / 60_000);
  const seconds = Math.round((milliseconds % 60_000) / 1000);
  return minutes === 0 ? `${seconds} s` : `${minutes} min ${seconds} s`;
}

function timeOf(milliseconds) {
  const date = new Date(milliseconds);
  return element('time', { datetime: date.toISOString() }, dates.format(date));
}

/** Children that are strings become text nodes. */
function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
