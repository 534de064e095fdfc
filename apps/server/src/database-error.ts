import { DatabaseGone } from './database.js';

interface Explanation {
  status: 500 | 503 | 507;
  /** For whoever sent the request. */
  text: string;
  /** Seconds. */
  retryAfter?: number;
}

/** By SQLite's primary result codes. */
const EXPLANATIONS: Record<number, Explanation> = {
  // SQLITE_BUSY
  5: { status: 503, text: 'Another program holds the database. Try again later.', retryAfter: 1 },
  // SQLITE_IOERR
  10: { status: 507, text: 'The server cannot write to its disk. Send it again when that is mended.' },
  // SQLITE_CORRUPT
  11: {
    status: 500,
    text: 'The database is damaged. Stop the server, put a backup in its place or move it away, and sync again.',
  },
  // SQLITE_FULL
  13: { status: 507, text: 'The disk of the server is full. Send it again when there is space.' },
};

/** What went wrong with the database and passes, by itself or with a person's help; undefined for the rest. */
export function explain(error: Error): Explanation | undefined {
  if (error instanceof DatabaseGone) {
    return { status: 503, text: 'The database was removed or replaced. Start the server again.' };
  }
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // The lowest byte; the others tell variants of one code apart.
  return EXPLANATIONS[error.errcode & 0xff];
}
