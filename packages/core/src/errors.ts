/**
 * - `usage`: the command line or an argument is wrong (exit code 2).
 * - `config`: a configuration file is broken or a setting is missing.
 * - `auth`: no key, or the server refused it (exit code 3).
 * - `network`: no answer, or one that a later try may better. Retryable.
 * - `poison`: the server will never take this item; the rest can go on.
 * - `server`: the address does not speak the OpenSync API.
 * - `read`: a tool's history could not be read.
 */
export type ErrorKind = 'usage' | 'config' | 'auth' | 'network' | 'poison' | 'server' | 'read';

const BRAND = Symbol.for('opensync.error');

/** The one error class. Recognise it with `isOpenSyncError`: two copies of this package break instanceof. */
export class OpenSyncError extends Error {
  readonly [BRAND] = true;
  override readonly name = 'OpenSyncError';
  /** HTTP status. Absent when the error is no answer of a server. */
  readonly status: number | undefined;
  constructor(
    readonly kind: ErrorKind,
    message: string,
    { status, ...options }: { cause?: unknown; status?: number } = {},
  ) {
    super(message, options);
    this.status = status;
  }
}

export function isOpenSyncError(value: unknown): value is OpenSyncError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** The text of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a Node.js system error, e.g. "ENOENT". */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Texts with which the server's validators refuse a value; measured on its real functions (docs/contract.md). */
const PERMANENT =
  /Validat|Field name|too large|too nested|too long|too many fields|invalid json|surrogate|is not a supported/i;

/**
 * Retryable or poison, decided once. The server answers 500 for a value it will never take as
 * well as for a passing fault; only the text of its `{"error"}` tells them apart.
 * @param status HTTP status
 * @param error text of the `error` field, or undefined when the answer is not `{error: string}`
 */
export function classifyAnswer(status: number, error: string | undefined): ErrorKind {
  if (status === 401 || status === 403) return 'auth';
  if (status === 404 || (status >= 300 && status < 400)) return 'server';
  if (status === 408 || status === 425 || status === 429) return 'network';
  // From a proxy in between, which says nothing about the item, unless that is too large for it.
  if (status >= 400 && status < 500) return error === undefined && status !== 413 ? 'network' : 'poison';
  if (status === 500 && error !== undefined && PERMANENT.test(error)) return 'poison';
  return 'network';
}
