import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { FilePattern, FoundFile, Source } from '../source.js';
import { discover, filesVersion } from './discover.js';

let home: string;
beforeEach(() => {
  home = temporaryDirectory();
});

function find(patterns: FilePattern[]): FoundFile[] {
  const source: Source = {
    id: 'tiny-tool',
    name: 'Tiny Tool',
    plugin: 'tiny-tool-sync',
    version: '1.0.0',
    files: () => patterns,
    sessions: () => [],
    transform: () => [],
  };
  return discover(source, { home, vars: {}, now: () => 0 });
}

const paths = (patterns: FilePattern[]) =>
  find(patterns)
    .map(({ path }) => path)
    .sort();

describe('discover', () => {
  it('takes a folder literally, whatever characters of a pattern are in its name', () => {
    const folder = join(home, '(weird) [x] {a,b} !c', '+(d) *');
    mkdirSync(join(folder, 'in'), { recursive: true });
    writeFileSync(join(folder, 'in', 'a.jsonl'), 'x');
    mkdirSync(join(home, '(weird) x a !c', 'd', 'in'), { recursive: true });
    writeFileSync(join(home, '(weird) x a !c', 'd', 'in', 'a.jsonl'), 'x');
    expect(paths([{ folder, include: ['*/*.jsonl'] }])).toEqual([join(folder, 'in', 'a.jsonl')]);
  });

  it('finds nothing in a folder that does not exist', () => {
    expect(find([{ folder: join(home, 'none'), include: ['**/*'] }])).toEqual([]);
  });

  it('finds hidden files and what a symbolic link leads to, but no broken links and no folders', () => {
    mkdirSync(join(home, 'real', '.hidden'), { recursive: true });
    writeFileSync(join(home, 'real', '.hidden', 'a.jsonl'), 'x');
    mkdirSync(join(home, 'real', 'folder.jsonl'));
    symlinkSync(join(home, 'real'), join(home, 'link'));
    symlinkSync(join(home, 'nowhere'), join(home, 'real', 'broken.jsonl'));
    const include = ['*.jsonl', '*/*.jsonl'];
    expect(paths([{ folder: join(home, 'link'), include }])).toEqual([
      join(home, 'link', '.hidden', 'a.jsonl'),
    ]);
  });

  it('looks into several folders and tells size and time', () => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(home, name));
      writeFileSync(join(home, name, 'x.jsonl'), name.repeat(3));
    }
    const found = find(['a', 'b'].map((name) => ({ folder: join(home, name), include: ['*.jsonl'] })));
    expect(found).toHaveLength(2);
    for (const { size, mtimeMs } of found) {
      expect(size).toBe(3);
      expect(mtimeMs).toBeGreaterThan(0);
    }
  });
});

describe('filesVersion', () => {
  const version = () =>
    filesVersion(find([{ folder: home, include: ['*.jsonl'] }]).sort((a, b) => (a.path < b.path ? -1 : 1)));

  it('stays while nothing changes and changes when a file grows, is replaced, comes or goes', () => {
    const [a, b] = [join(home, 'a.jsonl'), join(home, 'b.jsonl')];
    const versions: string[] = [];
    const step = (change: () => void) => {
      change();
      expect(version()).toBe(version());
      versions.push(version());
    };
    step(() => writeFileSync(a, 'one'));
    step(() => appendFileSync(a, 'two'));
    step(() => {
      writeFileSync(join(home, 'new'), 'six666');
      utimesSync(join(home, 'new'), 1, 1);
      renameSync(join(home, 'new'), a);
    });
    step(() => writeFileSync(b, ''));
    step(() => rmSync(b));
    step(() => rmSync(a));
    // The fifth state is the third one again: the file that came has gone.
    expect(versions[4]).toBe(versions[2]);
    expect(new Set(versions).size).toBe(versions.length - 1);
  });
});
