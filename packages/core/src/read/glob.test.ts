import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { findFiles } from './glob.js';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
  for (const name of ['a/b/c', 'a/x', '.hidden']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of [
    'top.db',
    'a/one.jsonl',
    'a/two.json',
    'a/b/one.jsonl',
    'a/b/c/one.jsonl',
    '.hidden/one.jsonl',
  ]) {
    writeFileSync(join(folder, name), '');
  }
});

const find = (...patterns: string[]) =>
  findFiles(folder, patterns)
    .map((path) => relative(folder, path).split(sep).join('/'))
    .sort();

describe('findFiles', () => {
  it('matches a name where its segment stands, and no deeper', () => {
    expect(find('*.db')).toEqual(['top.db']);
    expect(find('*/*.jsonl')).toEqual(['.hidden/one.jsonl', 'a/one.jsonl']);
    expect(find('a/*/*.jsonl')).toEqual(['a/b/one.jsonl']);
  });

  it('takes any number of folders for **', () => {
    expect(find('**/*.jsonl')).toEqual([
      '.hidden/one.jsonl',
      'a/b/c/one.jsonl',
      'a/b/one.jsonl',
      'a/one.jsonl',
    ]);
    expect(find('a/**/c/*.jsonl')).toEqual(['a/b/c/one.jsonl']);
    expect(find('**/*.db')).toEqual(['top.db']);
  });

  it('knows alternatives and single characters, and nothing else', () => {
    expect(find('a/{one,two}.{jsonl,json}')).toEqual(['a/one.jsonl', 'a/two.json']);
    expect(find('a/tw?.json')).toEqual(['a/two.json']);
    expect(find('a/[ot]*.json')).toEqual([]);
  });

  it('gives a file once, however many patterns match it', () => {
    expect(find('*.db', 'top.*')).toEqual(['top.db']);
  });

  it('follows links, but not in circles', () => {
    symlinkSync(join(folder, 'a'), join(folder, 'link'));
    symlinkSync(folder, join(folder, 'a', 'circle'));
    expect(find('link/*.jsonl')).toEqual(['link/one.jsonl']);
    expect(find('**/two.json')).toEqual(['a/two.json']);
  });

  it('finds nothing where there is nothing', () => {
    expect(findFiles(join(folder, 'nowhere'), ['**/*'])).toEqual([]);
    expect(findFiles(join(folder, 'top.db'), ['*'])).toEqual([]);
  });
});
