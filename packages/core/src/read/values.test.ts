import { describe, expect, it } from 'vitest';
import { countOf, fieldsOf, listOf, stringOf, timeOf } from './values.js';

const ODD = [undefined, null, true, Number.NaN, -1, 1.5, '', ' ', 'x', [], ['y'], {}, { z: 1 }];

describe('values of a record', () => {
  it('are what they should be or unknown', () => {
    const known = (read: (value: unknown) => unknown) => ODD.filter((value) => read(value) !== undefined);
    expect(known(stringOf)).toEqual(['x']);
    expect(known(countOf)).toEqual([]);
    expect(known(timeOf)).toEqual([1.5]);
    expect(ODD.map(fieldsOf).filter((fields) => Object.keys(fields).length > 0)).toEqual([{ z: 1 }]);
    expect(ODD.flatMap(listOf)).toEqual(['y']);
  });

  it('read times of both kinds', () => {
    expect(timeOf('1970-01-01T00:00:01.500Z')).toBe(1500);
    expect(timeOf(1500)).toBe(1500);
    expect(countOf(0)).toBe(0);
  });
});
