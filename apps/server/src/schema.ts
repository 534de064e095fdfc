/**
 * Step n brings a database from version n to n + 1; `PRAGMA user_version` holds the version.
 * A published step is never edited: databases out there have already taken it.
 *
 * What clients send is REAL, not INTEGER: an INTEGER above 2^53 cannot be read back as a number.
 * NULL means "never sent", which is not the same as 0.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL
  ) STRICT;

  CREATE TABLE api_keys (
    hash TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    external_id TEXT NOT NULL,
    title TEXT,
    project_path TEXT,
    project_name TEXT,
    model TEXT,
    provider TEXT,
    source TEXT,
    prompt_tokens REAL,
    completion_tokens REAL,
    cost REAL,
    duration_ms REAL,
    message_count INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    -- 1 while only messages spoke of the session: then created_at is a guess that its first own call may correct
    implied INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_id, external_id)
  ) STRICT;
  CREATE INDEX sessions_by_update ON sessions (user_id, updated_at, seq);

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session_seq INTEGER NOT NULL REFERENCES sessions (seq),
    external_id TEXT NOT NULL,
    role TEXT NOT NULL,
    text_content TEXT,
    model TEXT,
    prompt_tokens REAL,
    completion_tokens REAL,
    duration_ms REAL,
    parts TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (session_seq, external_id)
  ) STRICT;
  CREATE INDEX messages_in_order ON messages (session_seq, created_at, seq);

  -- The text itself stays in the tables above; rowid is their seq. The page searches while one types: hence prefix.
  CREATE VIRTUAL TABLE session_words USING fts5(
    text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2',
    prefix='1 2 3'
  );
  CREATE VIRTUAL TABLE message_words USING fts5(
    text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2',
    prefix='1 2 3'
  );
  `,
];
