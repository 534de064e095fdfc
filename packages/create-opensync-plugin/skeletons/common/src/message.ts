import type { Fields, Location, SessionDraft, Usage } from '@opensync/core/plugin';
import { countOf, fieldsOf, partsOf, stringOf, textOf, timeOf } from '@opensync/core/plugin';

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
  const answer = { ...common, model: stringOf(message.model), usage: usageOf(message.usage) };
  draft.addMessage({ ...answer, role, parts: partsOf(content) });
  draft.addCall({ ...answer, location });
}

/** Buckets that do not overlap. Here `input` is without `cached`; where a tool's includes it, subtract. */
function usageOf(value: unknown): Usage | undefined {
  const { input, cached, output } = fieldsOf(value);
  const counts = [input, cached, output].map(countOf);
  const [fresh, cacheRead, written] = counts;
  // What was not written down is unknown, never 0.
  if (fresh === undefined || cacheRead === undefined || written === undefined) return undefined;
  return { input: fresh, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0, output: written, reasoning: null };
}
