import { type Part, withoutElements } from '@opensync/core/plugin';
import { Block, type MessageRecord } from './records.js';

/** The blocks of a message's content; a bare string is one text block, what is no block is left out. */
export function blocksOf(content: MessageRecord['content']): Block[] {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return blocks.flatMap((block) => {
    const parsed = Block.safeParse(block);
    return parsed.success ? [parsed.data] : [];
  });
}

/** The texts of a message as one. */
export function textOf(blocks: readonly Block[]): string {
  return blocks.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n');
}

/** Context that the client puts around what a person typed; the names are those its own transcripts strip. */
const WRAPPERS = [
  'user_info',
  'project_layout',
  'rules',
  'always_applied_workspace_rules',
  'agent_requestable_workspace_rules',
  'user_rules',
  'agent_skills',
  'available_skills',
  'cloud_instructions',
  'cloud_task_instructions',
  'open_and_recently_viewed_files',
  'system_reminder',
  'system-reminder',
  'instructions_update',
  'mcp_instructions',
  'mcp_file_system',
  'mcp_file_system_servers',
  'git_status',
  'agent_transcripts',
  'cursor_rules_context',
  'attached_files',
  'system_notification',
  'task_notification',
  'agent_notification',
  'additional_data',
];
const TIMESTAMP = /^\s*<timestamp>([^<]*)<\/timestamp>/;
const QUERY = { begin: '<user_query>', end: '</user_query>' };

/** What a person typed, empty for a message that only carries context. */
export function typedText(text: string): string {
  const begin = text.indexOf(QUERY.begin);
  if (begin === -1) return withoutElements(text.replace(TIMESTAMP, ''), WRAPPERS).trim();
  // To the last closing tag: people quote these tags.
  const end = text.lastIndexOf(QUERY.end);
  return text.slice(begin + QUERY.begin.length, end > begin ? end : undefined).trim();
}

/** The minute before a prompt, e.g. `Sunday, Apr 26, 2026, 9:53 PM (UTC-4)`, in milliseconds since the Unix epoch. */
export function timestampOf(text: string): number | undefined {
  const written = TIMESTAMP.exec(text)?.[1] ?? '';
  const match = /(\w{3})\w* (\d+), (\d{4}),? (\d+:\d\d [AP]M) \(UTC([+-])(\d+)(?::(\d\d))?\)/.exec(written);
  if (match === null) return undefined;
  const [, month, day, year, time, sign, hours = '0', minutes = '00'] = match;
  const at = Date.parse(`${month} ${day}, ${year} ${time} GMT${sign}${hours.padStart(2, '0')}${minutes}`);
  return Number.isNaN(at) ? undefined : at;
}

/** The working directory, as the client describes it to the model. */
export function workspaceOf(text: string): string | undefined {
  const begin = text.indexOf('<user_info>');
  const end = text.indexOf('</user_info>', begin);
  if (begin === -1 || end === -1) return undefined;
  const line = /^Workspace Path:(.*)$/m.exec(text.slice(begin, end))?.[1];
  return line?.trim() || undefined;
}

/** What a model wrote in a text block: some models think aloud in front of it. */
export function answerParts(text: string): Part[] {
  const thought = /^\s*<think>([\s\S]*?)<\/think>\s*/.exec(text);
  const parts: Part[] = [];
  if (thought?.[1]?.trim()) parts.push({ type: 'thinking', text: thought[1].trim() });
  const rest = thought === null ? text : text.slice(thought[0].length);
  if (rest !== '') parts.push({ type: 'text', text: rest });
  return parts;
}

/** Content as a transcript has it, without its word for thinking that the vendor encrypted. */
export function transcriptContent(content: MessageRecord['content']): Block[] {
  return blocksOf(content).map((block) => {
    if (block.type !== 'text') return block;
    return { ...block, text: block.text?.replace(/(?:^|(?<!\n)\n+)\[REDACTED\](?:\n\[REDACTED\])*$/, '') };
  });
}

/** An image or another file, named with its size, without its bytes. */
export function filePart({ type, image, data, mimeType }: Block): Part | undefined {
  if (type !== 'image' && type !== 'file') return undefined;
  const bytes = byteLength(image ?? data);
  return { type: 'file', mediaType: mimeType ?? type, ...(bytes !== undefined && { bytes }) };
}

function byteLength(value: unknown): number | undefined {
  if (isBinary(value)) return Math.floor(value.hex.length / 2);
  if (typeof value !== 'string' || /^\w+:\/\//.test(value)) return undefined;
  return Buffer.byteLength(value.replace(/^data:[^,]*,/, ''), 'base64');
}

interface Binary {
  __type: 'Uint8Array';
  hex: string;
}

function isBinary(value: unknown): value is Binary {
  if (typeof value !== 'object' || value === null) return false;
  const { __type: type, hex } = value as Partial<Record<keyof Binary, unknown>>;
  return type === 'Uint8Array' && typeof hex === 'string';
}

/** A value in which bytes are named and not carried. */
export function withoutBytes(value: unknown): unknown {
  if (isBinary(value)) return `[${byteLength(value)} bytes]`;
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== 'object' || value === null) return value;
  const file = Block.safeParse(value);
  const part = file.success ? filePart(file.data) : undefined;
  if (part?.type === 'file')
    return `[${part.mediaType}${part.bytes === undefined ? '' : `, ${part.bytes} bytes`}]`;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBytes(item)]));
}

/** The output of a tool as one text. */
export function resultText({ result, output, experimental_content: content }: Block): string {
  const value = withoutBytes(result ?? output ?? content ?? '');
  const parts = Array.isArray(value) ? value : [value];
  return parts.map(resultPartText).join('\n');
}

function resultPartText(part: unknown): string {
  if (typeof part === 'string') return part;
  const block = Block.safeParse(part);
  return (block.success && block.data.type === 'text' ? block.data.text : undefined) ?? JSON.stringify(part);
}
