/**
 * What the hosted server's database refuses (docs/contract.md, section 6). The texts are those by which
 * a client can tell a value that is refused for good from a passing fault.
 */
const DOCUMENT_BYTES = 1 << 20;
const ARRAY_LENGTH = 8_192;
const OBJECT_FIELDS = 1_024;
const KEY_LENGTH = 1_024;
/** Levels of a document. */
const NESTING = 16;

/** @throws when the database would not store the document */
export function checkDocument(document: object): void {
  checkValue(document, 0);
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes > DOCUMENT_BYTES) throw new Error(`Value is too large (${bytes} bytes > maximum size 1 MiB)`);
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new Error('Value contains an unpaired surrogate');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth >= NESTING) throw new Error(`Document is too nested (maximum nesting ${NESTING})`);
  if (Array.isArray(value)) {
    if (value.length > ARRAY_LENGTH)
      throw new Error(`Array length is too long (${value.length} > maximum length 8192)`);
    for (const item of value) checkValue(item, depth + 1);
    return;
  }
  const entries = Object.entries(value);
  if (entries.length > OBJECT_FIELDS)
    throw new Error(`Object has too many fields (${entries.length} > maximum 1024)`);
  for (const [key, item] of entries) {
    checkKey(key);
    checkValue(item, depth + 1);
  }
}

function checkKey(key: string): void {
  if (key.length > KEY_LENGTH) throw new Error('Field name is too long');
  if (key.startsWith('$')) throw new Error("Field name starts with '$', which is reserved");
  if (!/^[\x20-\x7e]*$/.test(key)) throw new Error('Field name has invalid character: only ASCII');
}

/** Which type each known field must have; null is none, and so is a field that is missing although it is required. */
export function checkFields(body: Record<string, unknown>, types: Record<string, 'string' | 'number'>): void {
  for (const [field, type] of Object.entries(types)) {
    const value = body[field];
    if (value !== undefined && typeof value !== type) {
      throw new Error(`ArgumentValidationError: Value does not match validator. Path: .${field} Object: {…}`);
    }
  }
}
