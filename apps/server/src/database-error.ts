export interface Explanation {
  status: 503 | 507;
  /** For whoever sent the request. */
  text: string;
  /** Seconds. */
  retryAfter?: number;
}

/** SQLite's primary result codes. */
const BUSY = 5;
const FULL = 13;

/** What went wrong with the database and passes by itself or with the person's help; undefined for the rest. */
export function explain(error: Error): Explanation | undefined {
  switch (resultCode(error)) {
    case BUSY:
      return { status: 503, text: 'Another program holds the database. Try again later.', retryAfter: 1 };
    case FULL:
      return {
        status: 507,
        text: 'The disk of the server is full: nothing of this request was stored. It goes on when there is space.',
      };
    default:
      return undefined;
  }
}

/** The lowest byte; the others tell variants of one code apart. */
function resultCode(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
