import { draftSession, fieldsOf, type Located, type Session, stringOf } from '@opensync/core/plugin';
import { addMessage } from './message.js';

/** The lines of a file: one about the session, then its messages. */
export function transform(records: Iterable<Located<unknown>>, { id }: { id: string }): Session[] {
  const draft = draftSession(id);
  for (const { value, ...location } of records) {
    const record = fieldsOf(value);
    if (record.type === 'session') {
      draft.session.projectPath = stringOf(record.cwd);
      draft.session.provider = stringOf(record.provider);
    } else if (record.type === 'message') {
      addMessage(draft, record, location);
    }
  }
  return draft.finish();
}
