import { describe, expect, it } from 'vitest';
import { classifyAnswer, errorCode, errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';

describe('OpenSyncError', () => {
  it('carries kind, cause and, when it is an answer, its status', () => {
    const cause = new Error('inside');
    const error = new OpenSyncError('network', 'It failed.', { cause, status: 503 });
    expect(error).toMatchObject({ kind: 'network', message: 'It failed.', cause, status: 503 });
    expect(new OpenSyncError('read', 'It failed.').status).toBeUndefined();
    expect(new OpenSyncError('read', 'It failed.')).not.toHaveProperty('cause');
  });

  it('is recognised by its brand, so that one of another copy of the package is as well', () => {
    const other = Object.assign(new Error('x'), { [Symbol.for('opensync.error')]: true });
    expect(isOpenSyncError(new OpenSyncError('auth', 'x'))).toBe(true);
    expect(isOpenSyncError(other)).toBe(true);
    for (const value of [new Error('x'), null, undefined, 'auth', { kind: 'auth' }]) {
      expect(isOpenSyncError(value)).toBe(false);
    }
  });
});

describe('errorMessage and errorCode', () => {
  it('make sense of whatever was thrown', () => {
    expect([new Error('text'), 'text', 5, null].map(errorMessage)).toEqual(['text', 'text', '5', 'null']);
    expect(errorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect([new Error('x'), { code: 5 }, null, undefined, 'ENOENT'].map(errorCode)).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe('classifyAnswer', () => {
  it.each([
    [401, 'Invalid API key', 'auth'],
    [403, undefined, 'auth'],
    [404, undefined, 'server'],
    [301, undefined, 'server'],
    [400, 'Missing externalId or sessionId', 'poison'],
    [413, undefined, 'poison'],
    [422, 'no', 'poison'],
    [408, 'late', 'network'],
    [425, undefined, 'network'],
    [429, 'slow down', 'network'],
    [503, 'Validator error', 'network'],
    [500, undefined, 'network'],
    [500, 'Error: something passed by', 'network'],
  ])('%d with %j is %s', (status, error, kind) => {
    expect(classifyAnswer(status, error)).toBe(kind);
  });

  it('does not blame the item for what a proxy answers, since a later try may get through', () => {
    for (const status of [400, 402, 405, 407, 409, 431])
      expect(classifyAnswer(status, undefined)).toBe('network');
  });

  it.each([
    'Error: ArgumentValidationError: Value does not match validator',
    "Error: Field name $ref starts with '$', which is reserved",
    'Error: Value is too large (2.1 MiB > maximum size 1 MiB)',
    'Error: Document is too nested (maximum nesting 16)',
    'Error: Array length is too long (9000 > maximum length 8192)',
    'Error: Object has too many fields (2000 > maximum number 1024)',
    'Error: invalid json: lone leading surrogate in hex escape',
  ])('knows that the server will never take it: 500 %s', (error) => {
    expect(classifyAnswer(500, error)).toBe('poison');
  });
});
