import { defineSource, type Located, sessionsByRow } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { transform } from './transform.js';

export const source = defineSource<Located<unknown>>({
  id: 'my-tool',
  name: 'My Tool',
  plugin: packageJson.name,
  version: packageJson.version,
  // What was written last may stand in the log alone.
  files: ({ home }) => [{ folder: `${home}/.my-tool/sessions`, include: ['history.db', 'history.db-wal'] }],
  sessions: (files) =>
    sessionsByRow(files, {
      sessions: `SELECT id, updated_at AS changedAt, updated_at || '.' || count(data) AS version
        FROM session LEFT JOIN message ON session_id = id GROUP BY id`,
      records: [
        'SELECT rowid AS line, * FROM session WHERE id = ?',
        'SELECT rowid AS line, data AS json FROM message WHERE session_id = ? ORDER BY rowid',
      ],
    }),
  transform,
});
