import { setTimeout } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
const GIVE_UP_MS = 15_000;

/**
 * Looks at the server's only session until `whatIsWrong({ session, messages })` finds nothing.
 * @returns `{ latencyMs }` since `endedAt`, or `{ problem }` after 15 seconds
 */
export async function waitUntilShown(server, whatIsWrong, endedAt) {
  for (;;) {
    const problem = await look(server, whatIsWrong);
    const latencyMs = Math.max(0, Date.now() - endedAt);
    if (problem === undefined) return { latencyMs };
    if (latencyMs > GIVE_UP_MS) return { problem };
    await setTimeout(LOOK_EVERY_MS);
  }
}

async function look(server, whatIsWrong) {
  const { sessions } = await get(server, '/api/sessions?limit=50');
  if (sessions.length !== 1) return `${sessions.length} sessions on the server, expected 1`;
  return whatIsWrong(await get(server, `/api/sessions/get?id=${sessions[0].id}`));
}

/** `expected`: `{ prompts, answers, toolOutputs, bill }`, each text to be found in exactly one place. */
export function wrongMessages({ messages }, { prompts, answers, toolOutputs, bill }) {
  const texts = (role) => messages.filter((message) => message.role === role).map((m) => m.textContent ?? '');
  const results = messages
    .flatMap(({ parts }) => parts)
    .filter(({ type }) => type === 'tool-result')
    .map(({ content }) => JSON.stringify(content.result));
  const sum = (field) => messages.reduce((total, message) => total + (message[field] ?? 0), 0);
  return (
    notOnce('prompt', prompts, texts('user')) ??
    notOnce('answer', answers, texts('assistant')) ??
    notOnce('output of a tool', toolOutputs, results) ??
    notEqual('prompt tokens in the messages', sum('promptTokens'), promptTokens(bill)) ??
    notEqual('completion tokens in the messages', sum('completionTokens'), bill.output)
  );
}

export function wrongTotals({ session }, { bill }) {
  return (
    notEqual('prompt tokens of the session', session.promptTokens, promptTokens(bill)) ??
    notEqual('completion tokens of the session', session.completionTokens, bill.output)
  );
}

export function notEqual(what, shown, billed) {
  return shown === billed ? undefined : `${shown} ${what}, billed ${billed}`;
}

function notOnce(what, wanted, texts) {
  for (const text of wanted) {
    const count = texts.filter((candidate) => candidate.includes(text)).length;
    if (count !== 1) return `the ${what} "${text}" is there ${count} times`;
  }
  return undefined;
}

function promptTokens({ input, cacheRead, cacheWrite }) {
  return input + cacheRead + cacheWrite;
}

async function get({ url, apiKey }, path) {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
