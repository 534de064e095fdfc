import { basename, join } from 'node:path';
import { filesVersion } from '../src/read/discover.js';
import { jsonl } from '../src/read/jsonl.js';
import { defineSource, type Located, type Source } from '../src/source.js';
import type { Message, Session } from '../src/types.js';

/** A line of a tiny history: a message, or without an id what is known of the session. */
export type TinyLine = Partial<Message> & { title?: string; projectPath?: string; id?: string };

/** A coding tool that writes `~/.tiny/<session>.jsonl`, one `TinyLine` a line. A line with a known id replaces it. */
export const tinySource: Source<Located<unknown>> = defineSource<Located<unknown>>({
  id: 'tiny-tool',
  name: 'Tiny Tool',
  plugin: 'tiny-tool-sync',
  version: '1.0.0',
  files: (env) => [{ folder: join(env.home, '.tiny'), include: ['*.jsonl'] }],
  *sessions(files) {
    for (const file of files) {
      yield {
        id: basename(file.path, '.jsonl'),
        files: [file.path],
        version: filesVersion([file]),
        changedAt: file.mtimeMs,
        load: (_need, report) => jsonl(file.path, { report }),
      };
    }
  },
  transform(records, { id }) {
    const messages = new Map<string, Message>();
    const session: Session = { id, messages: [], calls: [], uncounted: [], problems: [] };
    for (const { value } of records) {
      const line = value as TinyLine;
      if (line.title !== undefined) session.title = line.title;
      if (line.projectPath !== undefined) session.projectPath = line.projectPath;
      if (line.id !== undefined) messages.set(line.id, { role: 'user', parts: [], ...line, id: line.id });
    }
    session.messages = [...messages.values()];
    const times = session.messages.flatMap(({ createdAt }) => createdAt ?? []);
    if (times.length > 0) [session.createdAt, session.updatedAt] = [Math.min(...times), Math.max(...times)];
    for (const { id: callId, createdAt, usage, model } of session.messages) {
      if (usage !== undefined)
        session.calls.push({ id: callId, model: model ?? 'tiny-1', createdAt: createdAt ?? 0, usage });
    }
    return [session];
  },
});
