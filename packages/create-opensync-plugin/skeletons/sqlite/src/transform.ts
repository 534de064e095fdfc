import { draftSession, fieldsOf, type Located, type Session, stringOf } from '@opensync/core/plugin';
import { addMessage } from './message.js';

/** The rows of a session: its own, then those of its messages. */
export function transform(records: Iterable<Located<unknown>>, { id }: { id: string }): Session[] {
  const draft = draftSession(id);
  for (const { value, ...location } of records) {
    const record = fieldsOf(value);
    if (record.role !== undefined) {
      addMessage(draft, record, location);
    } else {
      draft.session.projectPath = stringOf(record.cwd);
      draft.session.provider = stringOf(record.provider);
    }
  }
  return draft.finish();
}
