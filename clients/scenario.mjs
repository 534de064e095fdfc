import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '@opensync/server';
import { startModelServer } from './model-server.mjs';
import { openPlugin } from './plugin.mjs';
import { killBackground, run, start, tail } from './processes.mjs';
import { notEqual, waitUntilShown, wrongMessages, wrongTotals } from './server-view.mjs';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const LATENCY_LIMIT_MS = 2_000;
/** What a client writes in batches is on disk by then. */
const BEFORE_KILL_MS = 500;

const text = (word) => ({ prompt: `Say the word ${word}.`, answer: `The word is ${word}.` });
const tool = (word) => ({
  prompt: `Print the word ${word}.`,
  output: word,
  answer: `It printed ${word}.`,
});
const TURNS = [text('alder'), tool('birch'), text('cedar'), tool('dogwood'), tool('elder'), text('fir')];
const [FIRST, SECOND, THIRD, FOURTH, KILLED, LAST] = TURNS;

const SCRIPT = TURNS.map((turn) => ({
  prompt: turn.prompt,
  steps: [
    ...(turn.output === undefined ? [] : [{ shell: `echo ${turn.output}` }]),
    turn === KILLED ? { stall: true } : { text: turn.answer },
  ],
}));

/**
 * A session of six turns with one client, and what the server shows of it.
 * `report({ what, latencyMs?, problem? })` is called for each finding as it comes.
 */
export async function testClient(client, { folder, root, how, report }) {
  const plain = await inHome(client, { folder, home: join(root, 'plain') }, async (world) => {
    const runs = [await oneShot(world, FIRST), await oneShot(world, SECOND)];
    return [...runs, await longLived(world, [THIRD, FOURTH], () => undefined)];
  });
  const server = await startServer({ db: join(root, 'opensync.db'), port: 0 });
  try {
    await inHome(client, { folder, home: join(root, 'synced') }, async (world) => {
      const plugin = openPlugin(client.plugin, world.options);
      await plugin.signIn(server);
      await connect(client, plugin, { ...world, how });
      await syncedSession({ ...world, plugin, server, how, report, plain });
    });
  } finally {
    await server.close();
  }
}

/** The ways in which a client comes to call the plugin, or does not. */
async function connect(client, plugin, { how, program, options }) {
  if (how === 'sync') return;
  if (how === 'setup') await plugin.setUp();
  else if (client.installPlugin === undefined) throw new Error('it cannot install plugins from a repository');
  else await client.installPlugin((...args) => run(program, args, options), REPOSITORY);
  await client.trustHooks?.(program, options);
}

/** A home, a model and the client set up for it; whatever still runs there afterwards is ended. */
async function inHome(client, { folder, home }, work) {
  const cwd = join(home, 'project');
  mkdirSync(cwd, { recursive: true });
  const model = await startModelServer(SCRIPT);
  // Nothing of the caller's environment: it may have settings of the clients, or be one of them.
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: home, LANG: 'C.UTF-8', TERM: 'dumb' };
  const program = join(folder, client.program);
  try {
    const state = client.prepare({ home, modelUrl: model.url });
    const options = { cwd, env: { ...env, ...state.env } };
    return await work({ client, home, model, state, program, options });
  } finally {
    await killBackground(home);
    await model.close();
  }
}

async function syncedSession(world) {
  const { how, model, plain, plugin, report, server } = world;
  const turns = [];
  const expected = () => ({ ...textsOf(turns), bill: model.bill() });

  const shown = async (what, turn, { endedAt, whatIsWrong = wrongMessagesOrTotals }) => {
    turns.push(turn);
    if (how === 'sync') await plugin.sync();
    const found = await waitUntilShown(server, (view) => whatIsWrong(view, expected()), endedAt);
    const late = found.latencyMs > LATENCY_LIMIT_MS ? 'later than two seconds' : undefined;
    report({ what, problem: late, ...found });
  };

  const first = await oneShot(world, FIRST);
  await shown('turn 1, a run of its own', FIRST, first);
  const second = await oneShot(world, SECOND);
  await shown('turn 2, resumed, with a tool call', SECOND, second);
  const names = ['turn 3, in a long-lived process', 'turn 4, in the same, with a tool call'];
  const long = await longLived(world, [THIRD, FOURTH], (turn, index) =>
    shown(names[index], turn, { endedAt: Date.now() }),
  );
  report({ what: 'tokens of each kind as billed', problem: await wrongBuckets(plugin, model.bill()) });
  report({ what: 'output and exit codes as without it', problem: difference(plain, [first, second, long]) });

  if (how === 'setup') {
    const [complaint] = await plugin.complaints();
    report({ what: 'doctor has nothing to say of the hooks', problem: complaint?.text });
  }

  await killedTurn(world);
  turns.push(KILLED);
  const last = await oneShot(world, LAST);
  await shown('turn 5, killed, there after turn 6', LAST, { ...last, whatIsWrong: wrongMessages });
  if (world.client.keepsKilledCalls) {
    const [{ usage }] = await plugin.list();
    const problem =
      usage === null ? undefined : `${JSON.stringify(usage)}, although nobody knows the killed call's`;
    report({ what: 'totals unknown after the kill', problem });
  } else {
    const totals = await waitUntilShown(server, (view) => wrongTotals(view, expected()), last.endedAt);
    report({ what: 'totals of the session after the kill', problem: totals.problem });
  }
  report({ what: 'no request outside the script', problem: model.strayRequests()[0]?.slice(0, 300) });
}

function wrongMessagesOrTotals(view, expected) {
  return wrongMessages(view, expected) ?? wrongTotals(view, expected);
}

function textsOf(turns) {
  return {
    prompts: turns.map(({ prompt }) => prompt),
    answers: turns.filter((turn) => turn !== KILLED).map(({ answer }) => answer),
    toolOutputs: turns.flatMap(({ output }) => output ?? []),
  };
}

async function oneShot(world, turn) {
  const { home, model, options, program } = world;
  const result = await start(program, turnArguments(world, turn), options).ended;
  if (result.code !== 0) {
    throw new Error(`"${turn.prompt}" ended with ${result.signal ?? `exit ${result.code}`}\n${tail(result)}`);
  }
  world.state.session ??= world.client.sessionOf?.(result);
  return { ...result, shape: shape(result, { home, modelUrl: model.url }) };
}

function turnArguments({ client, state }, turn) {
  return turn === FIRST ? client.firstTurn(state, turn.prompt) : client.nextTurn(state, turn.prompt);
}

async function longLived({ client, options, program, state }, turns, afterTurn) {
  const conversation = await client.open(state, program, options);
  for (const [index, turn] of turns.entries()) {
    await conversation.ask(turn.prompt);
    await afterTurn(turn, index);
  }
  const { code, signal } = await conversation.close();
  return { shape: JSON.stringify({ code, signal }) };
}

async function killedTurn(world) {
  const stalled = world.model.stalled();
  const running = start(world.program, turnArguments(world, KILLED), world.options);
  const early = running.ended.then((result) => {
    throw new Error(`ended before it could be killed\n${tail(result)}`);
  });
  await Promise.race([stalled, early]);
  await setTimeout(BEFORE_KILL_MS);
  running.kill();
  await running.ended;
}

/** A run as the person saw it, without what differs from one run to the next anyway. */
function shape({ code, signal, stdout, stderr }, { home, modelUrl }) {
  return [JSON.stringify({ code, signal }), stdout, stderr]
    .join('\n')
    .replaceAll(home, '<home>')
    .replaceAll(modelUrl, '<model>')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d+(\.\d+)?m?s\b/g, '<time>');
}

/** The first line that differs. */
function difference(plain, synced) {
  for (const [index, { shape: expected }] of plain.entries()) {
    const wanted = expected.split('\n');
    const seen = synced[index].shape.split('\n');
    const longer = wanted.length > seen.length ? wanted : seen;
    const at = longer.findIndex((_, line) => wanted[line] !== seen[line]);
    if (at >= 0) return `without the plugin: ${wanted[at]}\nwith the plugin:    ${seen[at]}`;
  }
  return undefined;
}

/** The server has sums alone; of which kind the tokens are is what the plugin counted them as. */
async function wrongBuckets(plugin, bill) {
  const [session] = await plugin.list();
  const { input, cacheRead, cacheWrite5m, output } = session.usage;
  // Written tokens are a part of the uncached input where the client does not tell them apart: Codex before 0.146.
  const written = cacheWrite5m === 0 ? 0 : bill.cacheWrite;
  return (
    notEqual('uncached input tokens', input + cacheWrite5m, bill.input + bill.cacheWrite) ??
    notEqual('cached tokens', cacheRead, bill.cacheRead) ??
    notEqual('cache write tokens', cacheWrite5m, written) ??
    notEqual('output tokens', output, bill.output)
  );
}
