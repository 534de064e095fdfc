import { type Part, parseJson } from '@opensync/core/plugin';
import { type Fields, fieldsOf, nameOf, stringOf } from './records.js';

/** The entries of a message's content: text and images. */
function blocksOf(content: unknown): Fields[] {
  if (typeof content === 'string') return [{ type: 'input_text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map(fieldsOf).filter((block) => block !== undefined);
}

/** All that was said in it, without separators. */
export function textOf(content: unknown): string {
  return blocksOf(content)
    .map((block) => stringOf(block.text) ?? '')
    .join('');
}

/** @param wanted tells of each entry, by its place, whether it belongs to the message */
export function partsOf(content: unknown, wanted: (index: number) => boolean = () => true): Part[] {
  const blocks = blocksOf(content).filter((_, index) => wanted(index));
  return blocks.flatMap((block, index): Part[] => {
    const text = stringOf(block.text);
    if (text === undefined) return [imagePart(block)].filter((part) => part !== undefined);
    const wraps =
      (/^<image\b[^>]*>$/.test(text) && isImage(blocks[index + 1])) ||
      (text === '</image>' && isImage(blocks[index - 1]));
    return text === '' || wraps ? [] : [{ type: 'text', text }];
  });
}

function isImage(block: Fields | undefined): boolean {
  return block !== undefined && imagePart(block) !== undefined;
}

type FilePart = Extract<Part, { type: 'file' }>;

/** An image in any of the ways in which items and events name one, without its bytes. */
function imagePart(block: Fields): FilePart | undefined {
  const isNamed = stringOf(block.type)?.endsWith('image') === true;
  const url = stringOf(block.image_url);
  if (url !== undefined) return imageOf(url);
  return isNamed ? { type: 'file', mediaType: 'image' } : undefined;
}

/** A `data:` URL says what it holds; of anything else only the name is there. */
export function imageOf(url: string): FilePart {
  const [, mediaType, base64] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  if (mediaType === undefined || base64 === undefined) return { type: 'file', mediaType: 'image' };
  return { type: 'file', mediaType, bytes: Buffer.byteLength(base64, 'base64') };
}

/** The output of a tool as one text; images are named with type and size. */
export function resultText(output: unknown): string {
  if (typeof output === 'string') return output;
  // 0.36 and others wrap it once more.
  const content = fieldsOf(output)?.content ?? output;
  if (!Array.isArray(content))
    return content === undefined || content === null ? '' : JSON.stringify(content);
  return content.map(blockText).join('\n');
}

function blockText(block: unknown): string {
  const fields = fieldsOf(block);
  const text = fields === undefined ? stringOf(block) : stringOf(fields.text);
  if (text !== undefined) return text;
  const file = fields === undefined ? undefined : imagePart(fields);
  if (file === undefined) return JSON.stringify(block);
  return file.bytes === undefined ? `[${file.mediaType}]` : `[${file.mediaType}, ${file.bytes} bytes]`;
}

type ToolCall = Extract<Part, { type: 'tool-call' }>;

/** @param fallback id for a call that the client gave none */
export function toolCallOf(item: Fields, fallback: string): ToolCall {
  const name = stringOf(item.name) ?? stringOf(item.type) ?? 'unknown';
  const namespace = stringOf(item.namespace);
  return {
    type: 'tool-call',
    id: nameOf(item.call_id) ?? nameOf(item.id) ?? fallback,
    name: namespace === undefined ? name : `${namespace}.${name}`,
    args: argumentsOf(item),
  };
}

function argumentsOf({ arguments: json, input, action, revised_prompt: prompt }: Fields): unknown {
  if (typeof json === 'string') return parsed(json);
  return json ?? input ?? action ?? (prompt === undefined ? {} : { prompt });
}

/** Models write arguments that are no JSON; they stay as they are. */
function parsed(json: string): unknown {
  const result = parseJson(json);
  return 'value' in result ? result.value : json;
}

/** What a search for tools found. Their descriptions are the vendor's text for the model. */
export function toolNames(tools: unknown, namespace = ''): string {
  if (!Array.isArray(tools)) return '';
  return tools
    .flatMap((tool) => {
      const name = stringOf(fieldsOf(tool)?.name);
      if (name === undefined) return [];
      return toolNames(fieldsOf(tool)?.tools, `${name}.`) || `${namespace}${name}`;
    })
    .join('\n');
}
