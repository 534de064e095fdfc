import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inventToolCall } from './tools.mjs';
import { createTranscript, writeApiMessage } from './transcript.mjs';

const MODELS = [
  'claude-opus-5-5',
  'claude-opus-5-5',
  'claude-sonnet-5-5',
  'claude-sonnet-4-5-20250929',
  'claude-haiku-5-5',
];
const HEADER = [
  'environment',
  'model',
  'deferred_tools_delta',
  'agent_listing_delta',
  'skill_listing',
  'auto_mode',
  'session_context',
  'date',
  'remote_session_change',
  'prompt_snapshot',
];
const CONTEXT_LIMIT = 180_000;

/**
 * Writes a session and its subagents.
 * @returns what a fork needs to copy it, or undefined when it is too large for that
 */
export function writeSession(world, plan) {
  const transcript = createTranscript(world, plan);
  if (plan.keepForFork) transcript.kept = [];
  writeStart(transcript, plan);
  const state = { context: 12_000, model: world.random.pick(MODELS), agents: plan.agents, hasHeader: false };
  if (plan.copy !== undefined) writeCopies(transcript, plan.copy);
  do writeTurn(world, transcript, state, plan);
  while (transcript.bytes < plan.budget);
  if (!plan.isTerminal) writeCostState(transcript);
  transcript.close();
  world.record(plan.sessionId, transcript.usage);
  return { ...plan, lines: transcript.kept, endedAt: transcript.now };
}

function writeStart(transcript, plan) {
  if (plan.isTerminal) {
    transcript.write(transcript.instance('mode'));
    transcript.write(transcript.instance('permission-mode'));
  } else {
    for (const operation of ['enqueue', 'dequeue']) {
      transcript.write(transcript.instance('queue-operation', { operation }));
    }
  }
}

/** A fork begins with the lines of another session: same uuids and times, another session id. */
function writeCopies(transcript, { lines, sessionId, mark }) {
  for (const line of lines) {
    const copy = { ...line, sessionId: transcript.sessionId };
    if (mark === 'forkedFrom') copy.forkedFrom = { sessionId, messageUuid: line.uuid };
    if (mark === 'requestSessionId' && line.type === 'assistant') copy.requestSessionId = sessionId;
    transcript.write(copy);
    transcript.parentUuid = line.uuid;
  }
}

function writeTurn(world, transcript, state, plan) {
  const { random, texts, templates } = world;
  const isTiny = plan.budget < 20_000;
  transcript.promptId = random.uuid();
  const text = `${random.pick(templates.of('prompt')).message.content} ${texts.lines(random.heavyTailed(120, 1))}`;
  transcript.wait(600_000);
  if (plan.isTerminal) transcript.write(transcript.instance('file-history-snapshot'));
  sayPrompt(transcript, text);
  if (!state.hasHeader) writeHeader(transcript, isTiny ? HEADER.slice(0, 2) : HEADER);
  state.hasHeader = true;
  const steps = isTiny ? random.between(0, 1) : Math.min(40, random.heavyTailed(6, 0.8));
  for (let step = 0; step < steps && transcript.bytes < plan.budget; step++)
    writeStep(world, transcript, state, plan);
  writeAnswer(world, transcript, state);
  writeTurnEnd(world, transcript, plan, text);
}

function sayPrompt(transcript, text) {
  const line = transcript.instance('prompt');
  transcript.say({ ...line, message: { role: 'user', content: text } });
}

function writeHeader(transcript, kinds) {
  for (const kind of kinds) transcript.say(transcript.instance(`attachment ${kind}`));
}

/** The model calls one to three tools, and their results come back in any order. */
function writeStep(world, transcript, state, plan) {
  const { random } = world;
  if (random.chance(0.08)) transcript.say(transcript.instance('attachment total_tokens_reminder'));
  const room = plan.budget - transcript.bytes;
  if (state.agents > 0 && random.chance(0.3)) {
    state.agents--;
    return writeAgentStep(world, transcript, state, plan);
  }
  const calls = Array.from({ length: random.pick([1, 1, 1, 1, 2, 3]) }, () =>
    inventToolCall(world, transcript, room),
  );
  const uuids = writeMessage(world, transcript, state, { calls, last: false });
  const answered = calls.map((call, index) => ({ call, uuid: uuids[uuids.length - calls.length + index] }));
  if (random.chance(0.3)) answered.reverse();
  for (const { call, uuid } of answered) {
    transcript.wait(8_000);
    transcript.say(call.result(uuid), uuid);
  }
  transcript.write(transcript.instance('tools-used'));
}

function writeAnswer(world, transcript, state) {
  writeMessage(world, transcript, state, { calls: [], last: true });
}

function writeMessage(world, transcript, state, { calls, last }) {
  const { random, texts } = world;
  writeRequestLog(world, transcript);
  transcript.wait(30_000);
  const blocks = [];
  if (random.chance(0.35))
    blocks.push({
      type: 'thinking',
      thinking: texts.lines(random.heavyTailed(300, 0.8)),
      signature: random.hex(120),
    });
  if (last || random.chance(0.5))
    blocks.push({ type: 'text', text: texts.lines(random.heavyTailed(250, 1)) });
  blocks.push(...calls.map(({ block }) => block));
  const usage = inventUsage(world, transcript, state, blocks[0].type === 'thinking');
  return writeApiMessage(world, transcript, blocks, { model: state.model, usage, last });
}

function inventUsage({ random }, transcript, state, hasThinking) {
  const written = random.heavyTailed(1_800, 0.9);
  const output = random.heavyTailed(350, 0.9);
  const cacheRead = state.context;
  state.context = state.context + written > CONTEXT_LIMIT ? 15_000 : state.context + written;
  return {
    input: random.between(2, 40),
    cacheRead,
    cacheWrite5m: transcript.client.hourCache ? 0 : written,
    cacheWrite1h: transcript.client.hourCache ? written : 0,
    output,
    reasoning: hasThinking ? Math.floor(output / 3) : 0,
  };
}

/** 2.1.330 keeps a log of its requests: one line for the request, one for each new content in it. */
function writeRequestLog(world, transcript) {
  if (!transcript.client.requestLog) return;
  const { random } = world;
  transcript.requestId = random.uuid();
  const values = { agentId: transcript.agentId };
  if (random.chance(0.3))
    transcript.write(transcript.instance('api-request-blob', { ...values, hash: random.hex(64) }));
  transcript.write(transcript.instance('api-request', { ...values, id: transcript.requestId }));
}

function writeTurnEnd(world, transcript, plan, text) {
  const { random } = world;
  if (plan.agentId !== undefined) return;
  transcript.write(
    transcript.instance('last-prompt', { lastPrompt: text.slice(0, 120), leafUuid: transcript.parentUuid }),
  );
  transcript.write(transcript.instance('atis-latch'));
  if (!plan.isTerminal) return;
  transcript.say(transcript.instance('system turn_duration', { durationMs: random.between(900, 90_000) }));
  transcript.write(transcript.instance('ai-title', { aiTitle: text.slice(0, 40) }));
}

function writeCostState(transcript) {
  if (transcript.client.requestLog) transcript.write(transcript.instance('cost-state'));
}

/** A subagent has a transcript of its own; the parent's line repeats the usage of its last answer, which is no bill. */
function writeAgentStep(world, transcript, state, plan) {
  const { random, texts } = world;
  const agentId = `a${random.hex(16)}`;
  const id = random.token('toolu_01', 22);
  const description = `Look at part ${random.between(1, 99)}`;
  const prompt = texts.lines(random.between(60, 500));
  const input = { description, prompt, subagent_type: 'Explore', run_in_background: false };
  const block = { type: 'tool_use', id, name: 'Agent', input };
  const [uuid] = writeMessage(world, transcript, state, { calls: [{ block }], last: false }).slice(-1);
  writeAgent(world, transcript, state, plan, { agentId, id, description, prompt });
  const line = transcript.instance('result Agent', { sourceToolAssistantUUID: uuid });
  line.toolUseResult = { ...line.toolUseResult, agentId, prompt };
  line.message = {
    ...line.message,
    content: [{ tool_use_id: id, type: 'tool_result', content: [{ type: 'text', text: texts.lines(900) }] }],
  };
  transcript.say(line, uuid);
}

function writeAgent(world, parent, { model }, plan, { agentId, id, description, prompt }) {
  const { random, totals } = world;
  const folder = join(dirname(plan.path), plan.sessionId, 'subagents');
  const path = join(folder, `agent-${agentId}.jsonl`);
  const { sessionId, cwd, client } = parent;
  const transcript = createTranscript(world, {
    path,
    sessionId,
    cwd,
    client,
    agentId,
    startedAt: parent.now,
  });
  const state = { context: 9_000, model, agents: 0 };
  const budget = Math.min(plan.budget * 0.3, random.heavyTailed(60_000, 0.8));
  sayPrompt(transcript, prompt);
  while (transcript.bytes < budget) writeStep(world, transcript, state, { ...plan, budget });
  writeAnswer(world, transcript, state);
  parent.now = transcript.now;
  transcript.close();
  const meta = {
    agentType: 'Explore',
    isBuiltIn: true,
    description,
    toolUseId: id,
    spawnDepth: 1,
    model,
    finished: true,
  };
  writeFileSync(join(folder, `agent-${agentId}.meta.json`), JSON.stringify(meta));
  totals.files++;
  world.record(`${plan.sessionId}/agent-${agentId}`, transcript.usage);
}
