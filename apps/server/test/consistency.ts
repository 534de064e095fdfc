import { openDatabase } from '../src/database.js';
import { messageText } from '../src/message-text.js';
import { listMessages } from '../src/messages.js';

const INDEX = `fts5(text, tokenize='unicode61 remove_diacritics 2')`;

/** What in a database, which no server has open, contradicts something else in it. */
export function contradictions(file: string): string[] {
  const db = openDatabase(file);
  try {
    const found = db
      .all<{ integrity_check: string }>('PRAGMA integrity_check')
      .map((row) => row.integrity_check)
      .filter((text) => text !== 'ok');
    found.push(...db.all<object>('PRAGMA foreign_key_check').map((row) => JSON.stringify(row)));
    const wrongCounts = db.all<{ id: string }>(
      `SELECT external_id AS id FROM sessions WHERE message_count <>
         (SELECT count(*) FROM messages WHERE session_seq = sessions.seq)`,
    );
    found.push(...wrongCounts.map(({ id }) => `The count of messages in session ${id} is wrong.`));
    db.run(`CREATE VIRTUAL TABLE temp.fresh_messages USING ${INDEX}`);
    db.run(`CREATE VIRTUAL TABLE temp.fresh_sessions USING ${INDEX}`);
    for (const { seq, title } of db.all<{ seq: number; title: string | null }>(
      'SELECT seq, title FROM sessions',
    )) {
      db.run('INSERT INTO temp.fresh_sessions (rowid, text) VALUES (?, ?)', seq, title ?? '');
      for (const message of listMessages(db, seq))
        db.run(
          'INSERT INTO temp.fresh_messages (rowid, text) VALUES (?, ?)',
          message.seq,
          messageText(message),
        );
    }
    for (const kind of ['message', 'session']) {
      db.run(`INSERT INTO ${kind}_words (${kind}_words) VALUES ('integrity-check')`);
      db.run(`CREATE VIRTUAL TABLE temp.${kind}_kept USING fts5vocab(main, ${kind}_words, instance)`);
      db.run(`CREATE VIRTUAL TABLE temp.${kind}_fresh USING fts5vocab(temp, fresh_${kind}s, instance)`);
      const [kept, fresh] = [
        `SELECT doc, offset, term FROM temp.${kind}_kept`,
        `SELECT doc, offset, term FROM temp.${kind}_fresh`,
      ];
      for (const [what, sql] of [
        ['holds too much', `${kept} EXCEPT ${fresh} LIMIT 3`],
        ['lacks', `${fresh} EXCEPT ${kept} LIMIT 3`],
      ] as const)
        found.push(
          ...db.all<object>(sql).map((row) => `The index of ${kind}s ${what}: ${JSON.stringify(row)}`),
        );
    }
    return found;
  } finally {
    db.close();
  }
}
