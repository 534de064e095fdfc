import type { Part } from '@opensync/core/plugin';
import type { Content } from './records.js';

/** A content block: text, thinking, tool_use, tool_result, image, and whatever comes next. */
export type Block = Record<string, unknown> & { type: string };

/** The blocks of a message's content; a bare string is one text block, what is no block is left out. */
export function blocksOf(content: Content | undefined): Block[] {
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  // Almost always: nothing to copy.
  if (content.every(isBlock)) return content;
  return content.flatMap((block) => {
    if (typeof block === 'string') return [{ type: 'text', text: block }];
    return isBlock(block) ? [block] : [];
  });
}

function isBlock(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function textOf(content: Content | undefined): string {
  return blocksOf(content)
    .flatMap((block) => (typeof block.text === 'string' ? [block.text] : []))
    .join('\n');
}

/** The output of a tool as one text; binary blocks are named with type and size. */
export function resultText(content: unknown): string {
  if (content === undefined || content === null) return '';
  const blocks = Array.isArray(content) ? content : [content];
  return blocks.map(resultBlockText).join('\n');
}

function resultBlockText(block: unknown): string {
  if (typeof block === 'string') return block;
  if (typeof block !== 'object' || block === null) return String(block);
  const { type, text } = block as { type?: unknown; text?: unknown };
  if (typeof text === 'string') return text;
  const file = filePart(block);
  if (file !== undefined)
    return file.bytes === undefined ? `[${file.mediaType}]` : `[${file.mediaType}, ${file.bytes} bytes]`;
  // What holds a source holds bytes, whatever it is called.
  if (typeof type === 'string') return `[${type}]`;
  return 'source' in block ? '[file]' : JSON.stringify(block);
}

type FilePart = Extract<Part, { type: 'file' }>;

/** An image or document block, without its bytes. */
function filePart(block: object): FilePart | undefined {
  const { type, source } = block as { type?: unknown; source?: unknown };
  if (type !== 'image' && type !== 'document') return undefined;
  const { type: encoding, media_type: mediaType, data } = (source ?? {}) as Record<string, unknown>;
  const part: FilePart = { type: 'file', mediaType: typeof mediaType === 'string' ? mediaType : type };
  if (typeof data === 'string') part.bytes = Buffer.byteLength(data, encoding === 'text' ? 'utf8' : 'base64');
  return part;
}

export interface Prompt {
  parts: Part[];
  /** False for text that the client put there: the output of a command, a notice. */
  typed: boolean;
}

/** What a user line says, with the client's wrapping of commands undone. Tool results are not in it. */
export function promptOf(content: Content | undefined): Prompt {
  const parts: Part[] = [];
  let typed = true;
  for (const block of blocksOf(content)) {
    if (block.type === 'text' && typeof block.text === 'string') {
      const unwrapped = unwrap(block.text);
      if (!unwrapped.typed) typed = false;
      if (unwrapped.text !== '') parts.push({ type: 'text', text: unwrapped.text });
    } else {
      const file = filePart(block);
      if (file !== undefined) parts.push(file);
    }
  }
  return { parts, typed };
}

const REMINDERS = /^(?:<system-reminder>[\s\S]*?<\/system-reminder>\s*)+/;

function unwrap(text: string): { text: string; typed: boolean } {
  const command = element(text, 'command-name');
  if (command !== undefined && /^\s*<command-/.test(text)) {
    return { text: `${command} ${element(text, 'command-args') ?? ''}`.trim(), typed: true };
  }
  if (text.startsWith('<bash-input>')) {
    return { text: `! ${(element(text, 'bash-input') ?? text).trim()}`, typed: true };
  }
  if (/^<(?:bash-std(?:out|err)>|local-command-)/.test(text)) {
    return {
      text: text.replace(/<\/?(?:bash|local-command)-(?:stdout|stderr|caveat)>/g, '').trim(),
      typed: false,
    };
  }
  if (text.startsWith('[Request interrupted') || text.startsWith('<task-notification>'))
    return { text, typed: false };
  return { text: text.replace(REMINDERS, ''), typed: true };
}

/** Content of the first `<name>` element, trimmed. */
function element(text: string, name: string): string | undefined {
  const start = text.indexOf(`<${name}>`);
  const end = text.indexOf(`</${name}>`, start);
  return start === -1 || end === -1 ? undefined : text.slice(start + name.length + 2, end).trim();
}
