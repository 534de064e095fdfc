/** A message of a `.txt` transcript, in the words of the later JSON lines. */
interface TextMessage {
  role: 'user' | 'assistant';
  message: { content: TextBlock[] };
}

type TextBlock =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool_use'; name: string; input: Record<string, string> };

const ROLES: ReadonlyMap<string, TextMessage['role']> = new Map([
  ['user:', 'user'],
  ['assistant:', 'assistant'],
  ['A:', 'assistant'],
]);

/**
 * The messages of the oldest kind of transcript, each with the 1-based line it begins on: blocks under
 * `user:` and `assistant:`, with a blank line before each.
 */
export function* textMessages(text: string): Generator<{ value: TextMessage; line: number }> {
  const lines = text.split(/\r?\n/);
  let begin: number | undefined;
  for (let index = 0; index <= lines.length; index++) {
    const isHead = ROLES.has(lines[index] ?? '') && (lines[index - 1] ?? '') === '';
    if (!isHead && index < lines.length) continue;
    if (begin !== undefined) {
      const role = ROLES.get(lines[begin] ?? '');
      const body = lines.slice(begin + 1, index);
      const content: TextBlock[] =
        role === 'assistant' ? answerBlocks(body) : [{ type: 'text', text: body.join('\n') }];
      yield { value: { role: role ?? 'user', message: { content } }, line: begin + 1 };
    }
    begin = index;
  }
}

/** Paragraphs, with lines between them that begin with a mark: thinking, tool calls, results without content. */
function answerBlocks(lines: readonly string[]): TextBlock[] {
  const blocks: TextBlock[] = [];
  let open: TextBlock | 'result' | undefined;
  let argument: string | undefined;
  for (const line of lines) {
    const mark = /^\[(Thinking|Tool call|Tool result)\] ?(.*)$/.exec(line);
    if (mark !== null) {
      open = openBlock(mark[1] ?? '', mark[2] ?? '');
      argument = undefined;
      if (open !== 'result') blocks.push(open);
      // Thinking is one line.
      if (open !== 'result' && open.type === 'reasoning') open = undefined;
    } else if (open === 'result') {
      if (line === '') open = undefined;
    } else if (open?.type === 'tool_use' && line.startsWith('  ')) {
      argument = addArgument(open.input, line.slice(2), argument);
    } else {
      if (open?.type !== 'text') {
        open = { type: 'text', text: '' };
        blocks.push(open);
      }
      open.text += `${line}\n`;
    }
  }
  return blocks.map((block) => (block.type === 'text' ? { ...block, text: block.text.trim() } : block));
}

function openBlock(mark: string, rest: string): TextBlock | 'result' {
  if (mark === 'Tool result') return 'result';
  return mark === 'Thinking'
    ? { type: 'reasoning', text: rest }
    : { type: 'tool_use', name: rest.trim(), input: {} };
}

/** `key: value` or `key=value`; another line goes on with the value before it. Returns the key. */
function addArgument(
  input: Record<string, string>,
  line: string,
  before: string | undefined,
): string | undefined {
  const [, key = before, value] = /^([A-Za-z]\w*)(?:: ?|=)(.*)$/.exec(line) ?? [];
  if (key === undefined) return undefined;
  input[key] = value ?? `${input[key]}\n${line}`;
  return key;
}
