import { filePart } from '../draft.js';
import type { Part } from '../types.js';
import { type Fields, fieldsOf, listOf, stringOf } from './values.js';

/**
 * The content of a message as most tools keep it, a text or a list of blocks, as parts: text, thinking,
 * calls of tools, their results, and files without their bytes. Of both spellings, `tool_use` with `input` and
 * `toolCall` with `arguments`. Blocks of other kinds are left out. A result does not say the name of its tool:
 * a draft puts it behind its call and takes the name from there.
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

/**
 * A text without the elements of these names, which tools put around what they tell the model on the side;
 * trimmed where there was one. Elements may stand in each other. Where tags of a name do not pair, all from the
 * first that is open to the last end is one: rather a word too few than context of the tool sent as typed. Without
 * any end it is text of a person about such tags. Takes time in proportion to the length of the text.
 */
export function withoutElements(text: string, names: readonly string[]): string {
  const kept: string[] = [];
  const unpaired = new Set<string>();
  const tags = new RegExp(`<(/?)(${names.join('|')})(?:\\s[^<>]*)?>`, 'g');
  /** Up to where the text is in `kept` or left out. */
  let from = 0;
  for (let open = nextTag(tags, text); open !== undefined; open = nextTag(tags, text)) {
    if (open.isEnd || unpaired.has(open.name)) continue;
    let depth = 1;
    let closed: number | undefined;
    while (depth > 0) {
      const tag = nextTag(tags, text);
      if (tag === undefined) break;
      if (tag.name !== open.name) continue;
      depth += tag.isEnd ? -1 : 1;
      if (tag.isEnd) closed = tags.lastIndex;
    }
    if (depth > 0) unpaired.add(open.name);
    // The search ended at the end of the text, or behind the element.
    tags.lastIndex = closed ?? open.end;
    if (closed === undefined) continue;
    kept.push(text.slice(from, open.start));
    from = closed;
  }
  return from === 0 ? text : [...kept, text.slice(from)].join('').trim();
}

function nextTag(tags: RegExp, text: string) {
  const match = tags.exec(text);
  if (match === null) return undefined;
  const [tag, slash, name = ''] = match;
  return { name, isEnd: slash === '/', start: match.index, end: match.index + tag.length };
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
  const callId = stringOf(block.tool_use_id);
  if (type === 'tool_result' && callId !== undefined) {
    const part: Part = { type: 'tool-result', id: callId, name: 'unknown', result: textOf(block.content) };
    return block.is_error === true ? { ...part, isError: true } : part;
  }
  if (type !== 'image' && type !== 'document') return undefined;
  const source = fieldsOf(block.source);
  const mediaType = source.media_type ?? source.mediaType ?? block.mimeType;
  return filePart(stringOf(mediaType) ?? type, stringOf(source.data ?? block.data));
}
