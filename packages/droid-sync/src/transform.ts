import type { Fields, Located, Location, Message, Part, Session } from '@opensync/core/plugin';
import { draftSession, fieldsOf, partsOf, stringOf, timeOf, withoutElements } from '@opensync/core/plugin';
import { totalOf } from './total.js';

/** Rules and their evidence: docs/formats/droid.md. */
export function transform(records: Iterable<Located<unknown>>, { id }: { id: string }): Session[] {
  const draft = draftSession(id);
  const seen = new Set<string>();
  const read: Message[] = [];
  let start: Fields | undefined;
  let settings: Fields = {};
  let settingsFile: Location | undefined;
  let anchor: string | undefined;
  for (const { value, ...location } of records) {
    const record = fieldsOf(value);
    if (location.file.endsWith('.settings.json')) {
      if (settingsFile === undefined) settings = record;
      settingsFile ??= location;
    } else if (record.type === 'session_start') {
      // A session in both layouts has two: that of the newer one, below a folder, comes first.
      if (start === undefined) anchor = stringOf(record.forkedAtMessageId);
      start ??= record;
      describe(draft.session, record);
    } else if (record.type === 'message' || record.type === 'compaction_state') {
      const message = messageOf(record, { location, isCopied: anchor !== undefined });
      if (message.id === anchor) anchor = undefined;
      if (seen.has(message.id)) continue;
      seen.add(message.id);
      read.push(message);
      draft.addMessage(message, location);
    }
  }
  if (anchor !== undefined) withoutAnchor(draft.session, read);
  const answers = read.filter(({ role, copied }) => role === 'assistant' && copied !== true);
  // Opened and not used, or the rest of a transcript that is gone.
  if (draft.session.messages.length === 0 && answers.length === 0) return [];
  const call = totalOf(draft.session, { answers, start: start ?? {}, settings });
  if (call !== undefined) draft.addCall({ ...call, location: settingsFile });
  return draft.finish();
}

function describe(session: Session, start: Fields): void {
  session.projectPath ??= stringOf(start.cwd);
  // What stands there until the first prompt.
  if (start.title !== 'New Session') session.title ??= stringOf(start.title);
  session.parentId ??= stringOf(start.callingSessionId);
  if (stringOf(start.forkedAtMessageId) !== undefined) session.forkedFrom ??= stringOf(start.parent);
}

/** The message up to which a fork was copied is not in it: what is its own must not be lost for that. */
function withoutAnchor(session: Session, messages: readonly Message[]): void {
  for (const message of messages) message.copied = false;
  const what = 'The message at which the session was forked is not in it';
  session.problems.push({ message: `${what}: copies of its parent's messages may be counted as its own.` });
}

function messageOf(
  record: Fields,
  { location, isCopied }: { location: Location; isCopied: boolean },
): Message {
  const { role, visibility, modelId, content } = fieldsOf(record.message);
  // Notices of the client are seen by the person alone; summaries have no role.
  const isSaid = (role === 'user' || role === 'assistant') && visibility !== 'user_only';
  const parts = partsOf(content ?? record.summaryText);
  return {
    id: stringOf(record.id) ?? `line-${location.line}`,
    role: isSaid ? role : 'system',
    createdAt: timeOf(record.timestamp),
    model: stringOf(modelId),
    // What a model wrote about reminders is its answer.
    parts: role === 'assistant' ? parts : parts.flatMap(shownOf),
    copied: isCopied,
    injected: !isSaid,
  };
}

function shownOf(part: Part): Part[] {
  if (part.type !== 'text') return [part];
  // What the client tells the model on the side, before a prompt, behind it or around it.
  const text = withoutElements(part.text, ['system-reminder']);
  return text === '' ? [] : [{ type: 'text', text }];
}
