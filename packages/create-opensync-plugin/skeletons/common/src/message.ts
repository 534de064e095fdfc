import type { Fields, Location, SessionDraft } from '@opensync/core/plugin';
import { fieldsOf, partsOf, stringOf, textOf, timeOf, usageOf } from '@opensync/core/plugin';

/** Shows a message of My Tool and, where a model wrote it, counts the request that was billed. */
export function addMessage(draft: SessionDraft, message: Fields, location: Location): void {
  const { role, content } = message;
  if (role === 'tool') {
    draft.addResult({ id: `${message.call}`, result: textOf(content), location });
    return;
  }
  if (role !== 'user' && role !== 'assistant') return;
  const common = { id: stringOf(message.id) ?? `line-${location.line}`, createdAt: timeOf(message.time) };
  if (role === 'user') {
    draft.addMessage({ ...common, role, parts: partsOf(content) });
    return;
  }
  const { input, cached, output } = fieldsOf(message.usage);
  // My Tool's input is without what was cached. Where a tool's includes it, subtract: no token is in two buckets.
  const usage = usageOf({ input, cacheRead: cached, output });
  const answer = { ...common, model: stringOf(message.model), usage };
  draft.addMessage({ ...answer, role, parts: partsOf(content) });
  draft.addCall({ ...answer, location });
}
