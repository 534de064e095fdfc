import type { ApiCall, Fields, Located, Message, Session } from '@opensync/core/plugin';
import { draftSession, fieldsOf, partsOf, plural, stringOf, textOf, timeOf } from '@opensync/core/plugin';
import { billOf, isFailed, modelOf } from './billing.js';
import { madeIdOf, nameOf } from './ids.js';

/** All that Pi has written up to 0.87; a new one may be a bill. */
const TYPES =
  /^(message|usage|compaction|branch_summary|(model|thinking_level)_change|session_info|custom(_message)?|label|context_(edit|transform)|ephemeral)$/;

/** Rules and their evidence: docs/formats/pi.md. */
export function transform(records: Iterable<Located<unknown>>, raw: { id: string }): Session[] {
  const draft = draftSession(raw.id);
  const seen = new Set<string>();
  let header: Fields = {};
  let current: Omit<ApiCall, 'id'> = {};
  let hasOwn = false;
  let cutOff = 0;
  for (const { value, ...location } of records) {
    const entry = fieldsOf(value);
    const id = stringOf(entry.id) ?? `line-${location.line}`;
    if (seen.has(id)) continue;
    seen.add(id);
    if (entry.type === 'session') {
      header = entry;
      draft.session.projectPath = stringOf(entry.cwd);
      continue;
    }
    if (!TYPES.test(`${entry.type}`)) draft.leaveOut(entry.type, location);
    if (entry.type === 'session_info') draft.session.title = stringOf(entry.name);
    const message = fieldsOf(entry.message);
    // Nothing else switches: a `usage` entry may name the model of a side task.
    if (entry.type === 'model_change') current = { ...current, ...modelOf(entry) };
    if (message.role === 'assistant') current = { ...current, ...modelOf(message) };
    const createdAt = timeOf(entry.timestamp);
    const origin = originOf(header, createdAt, hasOwn);
    if (origin === undefined && createdAt !== undefined) hasOwn = true;
    const bill = billOf(entry, message, current);
    if (bill !== undefined) {
      const failed = isFailed(message, bill) ? 'a failed request' : undefined;
      const uncounted =
        origin === undefined ? failed : `made by ${nameOf(origin) ?? 'another session'} and copied here`;
      draft.addCall({ id, ...bill, createdAt, location }, uncounted);
      if (uncounted === undefined && /^(aborted|error)$/.test(`${message.stopReason}`)) cutOff++;
    }
    if (message.role === 'toolResult') {
      const isError = message.isError === true;
      draft.addResult({ id: `${message.toolCallId}`, result: textOf(message.content), isError, location });
      continue;
    }
    const shown: Message = { id, createdAt, ...shownOf(entry, message), copied: origin !== undefined };
    if (shown.role === 'assistant' && origin === undefined) shown.usage = bill?.usage;
    draft.addMessage(shown);
  }
  // Of a parent whose id was chosen, the directory is not known here, and so neither is our id for it.
  if (draft.session.messages.some(({ copied }) => copied))
    draft.session.forkedFrom = madeIdOf(parentOf(header) ?? '');
  draft.session.provider = draft.session.calls.at(-1)?.provider;
  if (cutOff > 0) {
    const what = `Of ${plural(cutOff, 'answer')} only the first count of tokens is recorded`;
    draft.session.problems.push({ message: `${what}, since it was cut off: more was billed.` });
  }
  return draft.finish();
}

/**
 * The file from which a fork copied an entry, if it did: copies come first and keep their times, and none of
 * them is younger than the fork's own header (createBranchedSession and forkFrom in Pi's core/session-manager.ts).
 */
function originOf(header: Fields, createdAt: number | undefined, hasOwn: boolean): string | undefined {
  const forkedAt = timeOf(header.timestamp);
  if (forkedAt === undefined) return undefined;
  const isCopied = createdAt === undefined ? !hasOwn : createdAt <= forkedAt;
  return isCopied ? parentOf(header) : undefined;
}

function parentOf({ parentSession, branchedFrom }: Fields): string | undefined {
  return stringOf(parentSession ?? branchedFrom);
}

/** Nothing of the system prompt, nothing that an extension hides, and no command that is kept from the model (`!!`). */
function shownOf(entry: Fields, message: Fields): Pick<Message, 'role' | 'parts' | 'injected' | 'model'> {
  const { role } = message;
  if (role === 'user') return { role, parts: partsOf(message.content) };
  if (role === 'assistant') return { role, parts: partsOf(message.content), model: modelOf(message).model };
  let text = entry.summary;
  if (role === 'bashExecution' && message.excludeFromContext !== true)
    text = `$ ${message.command}\n${message.output}`;
  const custom = role === 'custom' ? message : entry.type === 'custom_message' ? entry : {};
  if (custom.display === true) text = textOf(custom.content);
  return { role: 'system', parts: partsOf(text), injected: true };
}
