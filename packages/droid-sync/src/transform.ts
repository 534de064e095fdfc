import type { Fields, Located, Location, Session, SessionDraft } from '@opensync/core/plugin';
import { draftSession, fieldsOf, listOf, partsOf, stringOf, textOf, timeOf } from '@opensync/core/plugin';
import { totalOf } from './total.js';

/** Rules and their evidence: docs/formats/droid.md. */
export function transform(records: Iterable<Located<unknown>>, { id }: { id: string }): Session[] {
  const draft = draftSession(id);
  let start: Fields = {};
  let settings: Fields = {};
  let settingsFile: Location | undefined;
  let isCopied = false;
  for (const { value, ...location } of records) {
    const record = fieldsOf(value);
    if (location.file.endsWith('.settings.json')) {
      settings = record;
      settingsFile = location;
    } else if (record.type === 'session_start') {
      start = record;
      isCopied = stringOf(record.forkedAtMessageId) !== undefined;
      describe(draft.session, record);
    } else if (record.type === 'message' || record.type === 'compaction_state') {
      addMessage(draft, record, { location, isCopied });
      if (record.id === start.forkedAtMessageId) isCopied = false;
    }
  }
  const call = totalOf(draft.session, start, settings);
  if (call !== undefined) draft.addCall({ ...call, location: settingsFile });
  return draft.finish();
}

function describe(session: Session, start: Fields): void {
  session.projectPath = stringOf(start.cwd);
  // What stands there until the first prompt.
  if (start.title !== 'New Session') session.title = stringOf(start.title);
  session.parentId = stringOf(start.callingSessionId);
  if (stringOf(start.forkedAtMessageId) !== undefined) session.forkedFrom = stringOf(start.parent);
}

function addMessage(
  draft: SessionDraft,
  record: Fields,
  { location, isCopied }: { location: Location; isCopied: boolean },
): void {
  const { role, visibility, modelId, ...message } = fieldsOf(record.message);
  const shown = message.content ?? record.summaryText;
  for (const { type, tool_use_id: callId, content, is_error: isError } of listOf(shown).map(fieldsOf)) {
    if (type !== 'tool_result') continue;
    draft.addResult({ id: `${callId}`, result: textOf(content), isError: isError === true, location });
  }
  // Notices of the client are seen by the person alone; summaries have no role.
  const isSaid = (role === 'user' || role === 'assistant') && visibility !== 'user_only';
  draft.addMessage({
    id: stringOf(record.id) ?? `line-${location.line}`,
    role: isSaid ? role : 'system',
    createdAt: timeOf(record.timestamp),
    model: stringOf(modelId),
    parts: partsOf(shown).filter((part) => part.type !== 'text' || !REMINDER.test(part.text)),
    copied: isCopied,
    injected: !isSaid,
  });
}

/** What the client tells the model on the side, in messages of its own or before a prompt. */
const REMINDER = /^\s*<system-reminder>[\s\S]*<\/system-reminder>\s*$/;
