import { filePart } from '../draft.js';
import type { Part } from '../types.js';
import { type Fields, fieldsOf, listOf, stringOf } from './values.js';

/**
 * The content of a message as most tools keep it, a text or a list of blocks, as parts: text, thinking,
 * calls of tools, and files without their bytes. Of both spellings, `tool_use` with `input` and `toolCall`
 * with `arguments`. Blocks of other kinds are left out; a tool's result is put behind its call with `addResult`.
 */
export function partsOf(content: unknown): Part[] {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
  return blocks.flatMap((block) => partOf(fieldsOf(block)) ?? []);
}

/** The text of a message's or of a tool result's content; files in it are named by their kind. */
export function textOf(content: unknown): string {
  const texts = partsOf(content).map((part) => {
    if (part.type === 'text') return part.text;
    return part.type === 'file' ? `[${part.mediaType}]` : '';
  });
  return texts.filter((text) => text !== '').join('\n');
}

function partOf(block: Fields): Part | undefined {
  const { type, id, name } = block;
  if (type === 'text' || type === 'thinking') {
    const text = stringOf(block[type]);
    return text === undefined ? undefined : { type, text };
  }
  if ((type === 'tool_use' || type === 'toolCall') && stringOf(id) !== undefined) {
    const args = block.input ?? block.arguments ?? {};
    return { type: 'tool-call', id: String(id), name: stringOf(name) ?? 'unknown', args };
  }
  if (type !== 'image' && type !== 'document') return undefined;
  const source = fieldsOf(block.source);
  const mediaType = source.media_type ?? source.mediaType ?? block.mimeType;
  return filePart(stringOf(mediaType) ?? type, stringOf(source.data ?? block.data));
}
