const EDIT_SHARE = 0.2;
const READ_SHARE = 0.35;
const IMAGE_SHARE = 0.06;
const ERROR_SHARE = 0.05;
const SMALL_RESULT = { median: 1_400, sigma: 1.2, most: 24_000 };
const BIG_RESULT = { least: 50_000, most: 500_000 };
/** The client cuts the output of a command here. */
const BASH_OUTPUT = 30_000;

/** A tool call and what comes back: the block of the assistant and a function that makes the user's line. */
export function inventToolCall(world, transcript, budget) {
  const { random, texts, profile } = world;
  const isBig = budget > BIG_RESULT.least && random.chance(profile.bigResults);
  const size = isBig
    ? random.logUniform(BIG_RESULT.least, Math.min(BIG_RESULT.most, Math.max(budget, BIG_RESULT.least)))
    : Math.min(random.heavyTailed(SMALL_RESULT.median, SMALL_RESULT.sigma), SMALL_RESULT.most);
  const id = random.token('toolu_01', 22);
  const path = `${transcript.cwd}/src/file-${random.between(1, 200)}.ts`;
  const share = random.unit();
  if (share < EDIT_SHARE) return editCall(world, transcript, { id, path, size });
  if (isBig && random.chance(IMAGE_SHARE / READ_SHARE))
    return imageCall(world, transcript, { id, path, size });
  if (isBig || share < EDIT_SHARE + READ_SHARE) return readCall(world, transcript, { id, path, size });
  if (random.chance(ERROR_SHARE)) return errorCall(world, transcript, { id });
  return bashCall(transcript, { id, output: texts.lines(Math.min(size, BASH_OUTPUT)) });
}

function toolUse(id, name, input) {
  return { type: 'tool_use', id, name, input };
}

function resultLine(transcript, kind, id, content, toolUseResult, callUuid) {
  const line = transcript.instance(kind, { sourceToolAssistantUUID: callUuid, toolUseResult });
  const [block] = line.message.content;
  line.message = { ...line.message, content: [{ ...block, tool_use_id: id, content }] };
  return line;
}

function bashCall(transcript, { id, output }) {
  return {
    block: toolUse(id, 'Bash', {
      command: `grep -rn "${output.slice(0, 20)}" src | head`,
      description: 'Search',
    }),
    result: (callUuid) => {
      const details = {
        stdout: output,
        stderr: '',
        interrupted: false,
        isImage: false,
        noOutputExpected: false,
      };
      return resultLine(transcript, 'result Bash', id, output, details, callUuid);
    },
  };
}

function errorCall({ texts }, transcript, { id }) {
  const text = `Exit code 1\n${texts.lines(300)}`;
  return {
    block: toolUse(id, 'Bash', { command: 'npm test', description: 'Run the tests' }),
    result: (callUuid) => resultLine(transcript, 'result error', id, text, `Error: ${text}`, callUuid),
  };
}

/** The text of a file stands twice in the line: numbered for the model, plain for the client. */
function readCall({ texts }, transcript, { id, path, size }) {
  const content = texts.lines(Math.ceil(size / 2.4));
  const lines = content.split('\n');
  const numbered = lines.map((line, index) => `${index + 1}\t${line}`).join('\n');
  const file = { filePath: path, content, numLines: lines.length, startLine: 1, totalLines: lines.length };
  return {
    block: toolUse(id, 'Read', { file_path: path }),
    result: (callUuid) =>
      resultLine(transcript, 'result Read', id, numbered, { type: 'text', file }, callUuid),
  };
}

function imageCall({ texts }, transcript, { id, path, size }) {
  const data = texts.base64(Math.ceil(size / 2));
  const block = { type: 'image', source: { type: 'base64', data, media_type: 'image/png' } };
  const details = { type: 'image', file: { base64: data, type: 'image/png', originalSize: size } };
  return {
    block: toolUse(id, 'Read', { file_path: `${path}.png` }),
    result: (callUuid) => resultLine(transcript, 'result Read', id, [block], details, callUuid),
  };
}

/** The client's part of an edit holds the whole file as it was. */
function editCall({ random, texts }, transcript, { id, path, size }) {
  const oldString = texts.lines(random.between(40, 400));
  const newString = texts.lines(random.between(40, 600));
  const change = { filePath: path, oldString, newString };
  const details = {
    ...change,
    originalFile: texts.lines(size),
    structuredPatch: [],
    userModified: false,
    replaceAll: false,
  };
  const content = `The file ${path} has been updated successfully.`;
  return {
    block: toolUse(id, 'Edit', {
      file_path: path,
      old_string: oldString,
      new_string: newString,
      replace_all: false,
    }),
    result: (callUuid) => resultLine(transcript, 'result Edit', id, content, details, callUuid),
  };
}
