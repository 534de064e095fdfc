// A model that says what a script tells it to, over HTTP on loopback, and keeps the bill.
import { createServer } from 'node:http';
import * as anthropicMessages from './anthropic-messages.mjs';
import * as openaiResponses from './openai-responses.mjs';

const PROTOCOLS = { '/v1/messages': anthropicMessages, '/v1/responses': openaiResponses };

/**
 * Answers a request by the newest scripted prompt in it and the number of tool results behind that prompt,
 * so that a retry or a resumed session gets the answer that belongs there.
 *
 * `turns`: `{ prompt, steps: [{ text } | { shell: command } | { stall: true }] }`. A prompt must not be part
 * of another one.
 */
export async function startModelServer(turns) {
  const billed = [];
  const unscripted = [];
  const refused = [];
  const stalls = signals();
  let replies = 0;
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      refused.push(`${request.method} ${request.url}: ${error.message}`);
      response.destroy();
    });
  });

  async function answer(request, response) {
    const body = await readBody(request);
    const { pathname } = new URL(request.url, 'http://model');
    const protocol = request.method === 'POST' ? PROTOCOLS[pathname] : undefined;
    if (protocol === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"not here"}}');
      return;
    }
    const call = JSON.parse(body);
    const conversation = protocol.conversation(call);
    const step = nextStep(turns, conversation);
    const id = ++replies;
    const reply = { ...(step ?? { text: 'Nobody scripted this.' }), id, usage: usageOf(id) };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    for (const event of protocol.events(reply, call)) {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    if (reply.stall) {
      stalls.happened();
      return;
    }
    if (step === undefined) unscripted.push(`not in the script: ${JSON.stringify(conversation.at(-1))}`);
    else billed.push(reply.usage);
    response.end();
  }

  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The sum over every complete answer to a scripted prompt. */
    bill: () => billed.reduce(add, { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }),
    /** What the client asked on its own, such as for a title, and what could not be answered. */
    strayRequests: () => [...unscripted, ...refused],
    /** Resolves when the next answer stops in the middle. */
    stalled: stalls.next,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** The step to take, or undefined when the conversation has none of the prompts. */
function nextStep(turns, conversation) {
  const isOf = (turn) => (entry) => entry.prompt?.includes(turn.prompt) === true;
  const asked = turns
    .map((turn) => ({ turn, at: conversation.findLastIndex(isOf(turn)) }))
    .reduce((last, next) => (next.at > last.at ? next : last), { at: -1 });
  if (asked.at < 0) return undefined;
  const results = conversation.slice(asked.at).filter((entry) => entry.toolResult).length;
  return asked.turn.steps[Math.min(results, asked.turn.steps.length - 1)];
}

/** Different in every bucket for every answer, so that no mistake of a sum cancels another. */
function usageOf(id) {
  return {
    input: 1_000 + 7 * id,
    cacheRead: 20_000 + 130 * id,
    cacheWrite: 300 + 11 * id,
    output: 40 + 3 * id,
  };
}

function add(sum, usage) {
  return Object.fromEntries(Object.keys(sum).map((bucket) => [bucket, sum[bucket] + usage[bucket]]));
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function signals() {
  let waiting = [];
  return {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    happened() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}
