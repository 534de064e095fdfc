import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineDiff } from './line-diff.js';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

it('leads from one text to the other, and takes out no more than it must', () => {
  fc.assert(
    fc.property(lines, lines, (old, now) => {
      const changes = lineDiff(old, now);
      const at = (wanted: string) => changes.filter(({ sign }) => sign === wanted).map((change) => change.at);
      const [gone, come] = [at('-'), at('+')];
      const stayed = old.filter((_, index) => !gone.includes(index));
      expect(stayed).toEqual(now.filter((_, index) => !come.includes(index)));
      expect(lineDiff(now, old)).toHaveLength(changes.length);
    }),
  );
});

it('takes nothing out where lines only come', () => {
  fc.assert(
    fc.property(lines, lines, lines, (before, between, after) => {
      const changes = lineDiff([...before, ...after], [...before, ...between, ...after]);
      expect(changes.map(({ sign }) => sign)).toEqual(between.map(() => '+'));
    }),
  );
});
