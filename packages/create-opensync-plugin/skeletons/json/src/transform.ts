import { draftSession, fieldsOf, type Located, listOf, type Session, stringOf } from '@opensync/core/plugin';
import { addMessage } from './message.js';

/** The one value of a file: a session with the list of its messages. */
export function transform(records: Iterable<Located<unknown>>, { id }: { id: string }): Session[] {
  const draft = draftSession(id);
  for (const { value, file } of records) {
    const session = fieldsOf(value);
    draft.session.projectPath = stringOf(session.cwd);
    draft.session.provider = stringOf(session.provider);
    // Counted from 1, as lines are.
    listOf(session.messages).forEach((message, index) => {
      addMessage(draft, fieldsOf(message), { file, line: index + 1 });
    });
  }
  return draft.finish();
}
