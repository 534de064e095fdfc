import { statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { Problem } from '../types.js';
import { sessionsByFile } from './group.js';

let folder: string;
beforeEach(() => {
  folder = temporaryDirectory();
});

function write(name: string, text: string) {
  const path = join(folder, name);
  writeFileSync(path, text);
  const { size, mtimeMs } = statSync(path);
  return { path, size, mtimeMs };
}

const idOf = (path: string) => /^(s\d+)\./.exec(basename(path))?.[1];

describe('sessionsByFile', () => {
  it('reads all files of an id, in the order of their paths, and leaves files without one out', () => {
    const files = [
      write('s1.settings.json', '{"total":3}'),
      write('index.json', '{}'),
      write('s1.jsonl', '{"n":1}\n{"n":2}\n'),
      write('s2.jsonl', '{"n":9}\n'),
    ];
    const sessions = sessionsByFile(files, idOf);
    expect(sessions.map(({ id }) => id)).toEqual(['s1', 's2']);
    const records = [...(sessions[0]?.load('all', () => undefined) ?? [])];
    expect(records.map(({ file, line, value }) => [basename(file), line, value])).toEqual([
      ['s1.jsonl', 1, { n: 1 }],
      ['s1.jsonl', 2, { n: 2 }],
      ['s1.settings.json', 0, { total: 3 }],
    ]);
  });

  it('gives the same version in whatever order the files are found, and another when one changes', () => {
    const [a, b] = [write('s1.jsonl', '1\n'), write('s1.json', '2')];
    const version = (...files: (typeof a)[]) => sessionsByFile(files, idOf)[0]?.version;
    expect(version(a, b)).toBe(version(b, a));
    expect(version(a, b)).not.toBe(version(a, { ...b, mtimeMs: b.mtimeMs + 1 }));
    expect(version(a, b)).not.toBe(version(a));
  });

  it('reports a file that is not JSON, and reads the others', () => {
    const problems: Problem[] = [];
    const files = [write('s1.jsonl', '1\n'), write('s1.json', '{"half')];
    const records = [...(sessionsByFile(files, idOf)[0]?.load('all', (one) => problems.push(one)) ?? [])];
    expect(records.map(({ value }) => value)).toEqual([1]);
    expect(problems).toHaveLength(1);
  });
});
