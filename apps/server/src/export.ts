import { messageText, textsOf } from './message-text.js';
import type { StoredMessage } from './messages.js';
import { type StoredSession, totalTokens } from './sessions.js';

/** Tool calls and results are not part of any export, as on the hosted server. */
function exportMessages(messages: readonly StoredMessage[]): { role: string; content: string }[] {
  return messages.map((message) => ({ role: message.role, content: messageText(message) }));
}

export function exportJson(session: StoredSession, messages: readonly StoredMessage[]): object {
  const { id, title, model } = session;
  return {
    session: { id, title: title ?? undefined, model: model ?? undefined },
    messages: exportMessages(messages),
  };
}

/** One JSON message a line, wrapped in an object with a file name. */
export function exportJsonl(session: StoredSession, messages: readonly StoredMessage[]): object {
  const lines = exportMessages(messages).map((message) => JSON.stringify(message));
  return { content: lines.join('\n'), filename: exportFilename(session, 'jsonl') };
}

export function exportMarkdown(session: StoredSession, messages: readonly StoredMessage[]): string {
  const head = [
    `# ${session.title || 'Untitled'}\n`,
    `- **Project:** ${session.projectPath || 'N/A'}`,
    `- **Model:** ${session.model || 'N/A'}`,
    `- **Tokens:** ${totalTokens(session)}`,
    `- **Cost:** $${(session.cost ?? 0).toFixed(4)}\n`,
    '---\n',
  ];
  return [...head, ...messages.map(markdownSection)].map((line) => `${line}\n`).join('');
}

/** ASCII only, so that it can stand in a header. */
export function exportFilename(session: StoredSession, extension: string): string {
  return `${session.title?.replace(/[^a-z0-9]/gi, '-') || 'session'}.${extension}`;
}

function markdownSection(message: StoredMessage): string {
  const texts = textsOf(message.parts);
  const paragraphs = texts.length > 0 ? texts : [message.textContent ?? ''].filter(Boolean);
  return [`## ${message.role === 'user' ? 'User' : 'Assistant'}`, ...paragraphs]
    .map((block) => `${block}\n`)
    .join('\n');
}
