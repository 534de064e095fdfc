/*
 * Which lines are parsed at all, decided on their bytes. Leaving one out has to be exact, keeping one
 * never has. A quoted key or value is: inside a JSON string its quotes would be escaped.
 */

/** Of the lines that begin with their type, those that say something about the conversation. */
const TYPES = ['user', 'assistant', 'system', 'attachment', 'ai-title', 'custom-title', 'queue-operation'];
const TYPE_FIRST = '{"type":"';

/** Leaves out the client's own records, such as its request log: large and many. */
export function isConversation(line: Buffer): boolean {
  const type = leadingType(line);
  return type === undefined || TYPES.includes(type);
}

/** The type of a line that begins with it, as those do that are not part of the conversation. */
function leadingType(line: Buffer): string | undefined {
  // The third byte, "t", decides for almost every line.
  if (line[2] !== 0x74 || line.toString('latin1', 0, TYPE_FIRST.length) !== TYPE_FIRST) return undefined;
  return line.toString('latin1', TYPE_FIRST.length, line.indexOf('"', TYPE_FIRST.length));
}

const HEAD_BYTES = 768;
/*
 * `"type":"text"` and `"toolUseResult"` without what they begin with: a search is three times as fast
 * when the first byte of what it looks for is rare.
 */
const WORDS = Buffer.from(':"text"');
const TOOL_OUTPUT = Buffer.from('UseResult"');

/** Stands near the beginning of every line of a conversation. */
const SIDECHAIN = '"isSidechain":';
const ATTACHMENT = '"attachment":{"type":"';
const QUEUED = 'queued_command"';

/** Leaves out the lines that hold nothing but tool output or context for the model. For one file, in order. */
export function summaryFilter({ ofAgent }: { ofAgent: boolean }): (line: Buffer) => boolean {
  /** Results of other calls than these are messages of their own. */
  const calls = new Set<string>();
  let begun = false;
  return (line) => {
    const type = leadingType(line);
    // The client's input queue tells something only as long as nothing was said.
    if (type !== undefined) return TYPES.includes(type) && !(begun && type === 'queue-operation');
    const head = line.toString('latin1', 0, Math.min(line.length, HEAD_BYTES));
    const value = head.indexOf(SIDECHAIN) + SIDECHAIN.length;
    // Subagents of 1.0 clients are told apart by who follows whom, for which every line is needed.
    if (!ofAgent && head.startsWith('true', value)) return true;
    const next = head.indexOf(',', value) + 1;
    if (head.startsWith(ATTACHMENT, next)) return head.startsWith(QUEUED, next + ATTACHMENT.length);
    const message = head.indexOf('"message":{', next);
    if (message === -1) return true;
    begun = true;
    if (head.includes('"role":"assistant"', message)) {
      const call = valueAfter(head, '"type":"tool_use","id":"', message);
      if (call !== undefined) calls.add(call);
      return true;
    }
    return !isToolOutput(line, head, message, calls);
  };
}

/** Nothing but results of known calls: no words beside them. */
function isToolOutput(line: Buffer, head: string, message: number, calls: ReadonlySet<string>): boolean {
  // Before `message` stands the line's own type, not that of something inside it.
  const type = head.lastIndexOf('"type":"', message);
  if (type === -1 || !head.startsWith('user"', type + 8)) return false;
  const call = valueAfter(head, '"tool_use_id":"', message);
  if (call === undefined || !calls.has(call)) return false;
  // Behind the message the client repeats the output in a form of its own.
  const end = line.indexOf(TOOL_OUTPUT, message);
  return !(end === -1 ? line : line.subarray(0, end)).includes(WORDS, message);
}

function valueAfter(text: string, key: string, from: number): string | undefined {
  const start = text.indexOf(key, from);
  const end = start === -1 ? -1 : text.indexOf('"', start + key.length);
  return end === -1 ? undefined : text.slice(start + key.length, end);
}
