import { createFileWriter } from './file-writer.mjs';
import { addTo, noUsage, usageRecord } from './usage.mjs';

const BIG_LINE_BYTES = 50_000;
const RECENT_FIELDS = [
  'requestRef',
  'requestedModel',
  'promptCacheRequested',
  'apiBlockIndex',
  'effort',
  'perTurnEffort',
  'madeBy',
  'toolInputStreamMs',
  'thinkingDurationMs',
  'thinkingDisplay',
];

/**
 * One transcript being written: lines out of templates, chained by parentUuid, with a clock of its own.
 * `usage` is what was billed here, counted when a message is invented and not when a line is written.
 */
export function createTranscript(world, { path, sessionId, cwd, client, startedAt, agentId }) {
  const { random, templates, totals } = world;
  const writer = createFileWriter(path);
  const transcript = {
    sessionId,
    cwd,
    client,
    agentId,
    usage: noUsage(),
    now: startedAt,
    parentUuid: null,
    promptId: random.uuid(),
    requestId: undefined,
    /** Every conversation line, for a fork to copy; undefined when nobody will. */
    kept: undefined,
    get bytes() {
      return writer.bytes;
    },
    instance(kind, values = {}) {
      return instance(transcript, random.pick(templates.of(kind)), { uuid: random.uuid(), ...values });
    },
    write(line) {
      const bytes = writer.write(`${JSON.stringify(line)}\n`);
      totals.lines++;
      totals.bytes += bytes;
      if (bytes >= BIG_LINE_BYTES) totals.bigLines++;
      if (line.type === 'assistant') totals.usageLines++;
    },
    /** Writes a line of the conversation and returns its uuid; without `parent` it follows the line before. */
    say(line, parent = transcript.parentUuid) {
      const said = { ...line, parentUuid: parent };
      transcript.kept?.push(said);
      transcript.write(said);
      transcript.parentUuid = said.uuid;
      return said.uuid;
    },
    wait(most) {
      transcript.now += random.between(1, most);
    },
    close() {
      totals.files++;
      writer.close(transcript.now);
    },
  };
  return transcript;
}

/** A template with this transcript's ids. Only fields that the real line has are set, in its order. */
function instance(transcript, template, values) {
  const { sessionId, cwd, client, agentId, promptId, now } = transcript;
  const own = {
    sessionId,
    cwd,
    promptId,
    version: client.version,
    timestamp: new Date(now).toISOString(),
    gitBranch: 'main',
    isSidechain: agentId !== undefined,
    ...values,
  };
  const line = {};
  for (const [name, value] of Object.entries(template)) {
    if (client.requestLog || !RECENT_FIELDS.includes(name)) line[name] = own[name] ?? value;
    if (name === 'isSidechain' && agentId !== undefined) line.agentId = agentId;
  }
  return line;
}

/** One API message: a line for each block, the same usage on each, counted once. Returns the uuids of the lines. */
export function writeApiMessage(world, transcript, blocks, { model, usage, last }) {
  const { random, totals } = world;
  const id = random.token('msg_01', 22);
  addTo(transcript.usage, usage);
  totals.apiMessages++;
  return blocks.map((block, index) => {
    const isPlaceholder = transcript.client.placeholders && index < blocks.length - 1;
    const line = transcript.instance(`assistant ${kindOf(block)}`, {
      requestId: `req_${id.slice(4)}`,
      requestRef: transcript.requestId,
      requestedModel: model,
    });
    const counted = isPlaceholder ? { ...usage, output: Math.min(3, usage.output), reasoning: 0 } : usage;
    line.message = {
      ...line.message,
      id,
      model,
      content: [block],
      stop_reason: stopReason(isPlaceholder, last),
      usage: usageRecord(line.message.usage, counted),
    };
    return transcript.say(line);
  });
}

function stopReason(isPlaceholder, last) {
  if (isPlaceholder) return null;
  return last ? 'end_turn' : 'tool_use';
}

function kindOf(block) {
  return block.type === 'tool_use' ? block.name : block.type;
}
