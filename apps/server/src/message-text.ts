import type { Part } from './requests.js';

/** A text part may be a string, `{text}` or `{content}`. Empty ones are left out. */
export function textsOf(parts: readonly Part[]): string[] {
  return parts
    .filter((part) => part.type === 'text')
    .map((part) => textOf(part.content))
    .filter((text) => text !== '');
}

/** What a message says: its text parts, or `textContent` when it has none. */
export function messageText(message: { textContent: string | null; parts: readonly Part[] }): string {
  const texts = textsOf(message.parts);
  return texts.length > 0 ? texts.join('\n') : (message.textContent ?? '');
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (typeof content !== 'object' || content === null) return '';
  const { text, content: inner } = content as { text?: unknown; content?: unknown };
  if (typeof text === 'string' && text !== '') return text;
  return typeof inner === 'string' ? inner : '';
}
