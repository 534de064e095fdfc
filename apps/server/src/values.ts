import { RequestError } from './request-error.js';

/**
 * What the hosted server can store. The same limits hold here, so that a plugin that works with
 * this server works with that one.
 */
export const LIMITS = {
  /** A session, a message without its parts, or one part. Bytes of UTF-8, field names included. */
  documentBytes: 1024 * 1024,
  /** Bytes of a request's body. */
  requestBytes: 16 * 1024 * 1024,
  arrayLength: 8192,
  objectFields: 1024,
  keyLength: 1024,
  /** Levels of a document; a part is itself one, so its content has 15. */
  nesting: 16,
  /** Levels of a body with all that is around a document, and with what is ignored. */
  bodyNesting: 64,
} as const;

type Trail = (string | number)[];

/** Refuses a document that breaks a limit. `name` is how the error calls it, e.g. "parts[0]". */
export function checkDocument(document: object, name = ''): void {
  const trail: Trail = name === '' ? [] : [name];
  const bytes = measure(document, trail, 1);
  if (bytes > LIMITS.documentBytes) {
    throw new RequestError(`${pathOf(trail)} is too large: above ${LIMITS.documentBytes} bytes.`, 413);
  }
}

/** Bytes of a value, or a refusal. */
function measure(value: unknown, trail: Trail, depth: number): number {
  if (typeof value === 'string') return measureText(value, trail);
  if (typeof value !== 'object' || value === null) return 9;
  if (depth > LIMITS.nesting) refuse(trail, `is too nested: more than ${LIMITS.nesting} levels`);
  return Array.isArray(value) ? measureArray(value, trail, depth) : measureObject(value, trail, depth);
}

function measureText(text: string, trail: Trail): number {
  if (/\p{Surrogate}/u.test(text)) refuse(trail, 'holds an unpaired surrogate');
  return Buffer.byteLength(text) + 2;
}

function measureArray(items: unknown[], trail: Trail, depth: number): number {
  if (items.length > LIMITS.arrayLength) refuse(trail, `is too long: more than ${LIMITS.arrayLength} items`);
  return measureEach(items.entries(), trail, depth);
}

function measureObject(object: object, trail: Trail, depth: number): number {
  const keys = Object.keys(object);
  if (keys.length > LIMITS.objectFields)
    refuse(trail, `has too many fields: more than ${LIMITS.objectFields}`);
  for (const [index, key] of keys.entries()) checkKey(key, index, trail);
  return measureEach(Object.entries(object), trail, depth) + keys.join('').length;
}

function measureEach(entries: Iterable<[string | number, unknown]>, trail: Trail, depth: number): number {
  let bytes = 2;
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    trail.push(key);
    bytes += measure(value, trail, depth + 1) + 1;
    trail.pop();
  }
  return bytes;
}

function checkKey(key: string, index: number, trail: Trail): void {
  const problem = keyProblem(key);
  if (problem) refuse(trail, `has a field name (number ${index + 1}) that ${problem}`);
}

function keyProblem(key: string): string | undefined {
  if (key.length > LIMITS.keyLength) return `is longer than ${LIMITS.keyLength} characters`;
  if (key.startsWith('$')) return 'starts with "$"';
  if (!/^[\x20-\x7e]*$/.test(key)) return 'is not printable ASCII';
  return undefined;
}

function refuse(trail: Trail, problem: string): never {
  throw new RequestError(`${pathOf(trail)} ${problem}.`);
}

/** Keys that do not look like a name may be somebody's text and are left out. */
function pathOf(trail: Trail): string {
  const path = trail.map((key, index) => {
    if (typeof key === 'number') return `[${key}]`;
    const shown = index === 0 || /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/.test(key) ? key : '*';
    return index === 0 ? shown : `.${shown}`;
  });
  return path.join('') || 'The document';
}
