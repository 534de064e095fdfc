import type { Part } from '@opensync/core';
import type { Block, Content } from './records.js';

/** The blocks of a message's content; a bare string is one text block. */
export function blocksOf(content: Content | undefined): Block[] {
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((block) => (typeof block === 'string' ? { type: 'text', text: block } : block));
}

export function textOf(content: Content | undefined): string {
  return blocksOf(content)
    .flatMap((block) => (typeof block.text === 'string' ? [block.text] : []))
    .join('\n');
}

/** The output of a tool as one text; binary blocks are named with type and size. */
export function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return content === undefined || content === null ? '' : JSON.stringify(content);
  return content.map(resultBlockText).join('\n');
}

function resultBlockText(block: unknown): string {
  if (typeof block === 'string') return block;
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown };
  if (typeof text === 'string') return text;
  const file = filePart(block);
  if (file?.type === 'file') return describeFile(file);
  return type === undefined ? JSON.stringify(block) : `[${String(type)}]`;
}

function describeFile(file: { mediaType: string; bytes?: number }): string {
  return file.bytes === undefined ? `[${file.mediaType}]` : `[${file.mediaType}, ${file.bytes} bytes]`;
}

/** An image or document block, without its bytes. */
function filePart(block: unknown): Part | undefined {
  const { type, source } = (block ?? {}) as { type?: unknown; source?: unknown };
  if (type !== 'image' && type !== 'document') return undefined;
  const { media_type: mediaType, data } = (source ?? {}) as { media_type?: unknown; data?: unknown };
  const part: Part = { type: 'file', mediaType: typeof mediaType === 'string' ? mediaType : type };
  if (typeof data === 'string') part.bytes = Buffer.byteLength(data, 'base64');
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

function unwrap(text: string): { text: string; typed: boolean } {
  const command = element(text, 'command-name');
  if (command !== undefined && /^\s*<command-/.test(text)) {
    return { text: `${command} ${element(text, 'command-args') ?? ''}`.trim(), typed: true };
  }
  const shell = wrapped(text, 'bash-input');
  if (shell !== undefined) return { text: `! ${shell.trim()}`, typed: true };
  if (text.startsWith('<bash-stdout>') || text.startsWith('<local-command-')) {
    return { text: text.replace(/<\/?(?:bash|local-command)-(?:stdout|stderr|caveat)>/g, '').trim(), typed: false };
  }
  if (text.startsWith('[Request interrupted')) return { text, typed: false };
  if (text.startsWith('<system-reminder>')) return { text: '', typed: true };
  return { text, typed: true };
}

/** Content of the first `<name>` element, trimmed. */
function element(text: string, name: string): string | undefined {
  const start = text.indexOf(`<${name}>`);
  const end = text.indexOf(`</${name}>`, start);
  return start === -1 || end === -1 ? undefined : text.slice(start + name.length + 2, end).trim();
}

function wrapped(text: string, name: string): string | undefined {
  return text.startsWith(`<${name}>`) ? element(text, name) : undefined;
}
