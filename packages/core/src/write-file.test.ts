import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import { writeFileAtomic } from './write-file.js';

let folder: string;
beforeEach(() => {
  folder = temporaryDirectory();
});

const mode = (path: string) => statSync(path).mode & 0o777;

describe('writeFileAtomic', () => {
  it('makes missing folders and the file readable by their owner alone', () => {
    const path = join(folder, 'a', 'b', 'c.json');
    writeFileAtomic(path, 'text');
    expect(readFileSync(path, 'utf8')).toBe('text');
    expect(mode(path)).toBe(0o600);
    expect(mode(join(folder, 'a', 'b'))).toBe(0o700);
    expect(mode(join(folder, 'a'))).toBe(0o700);
  });

  it('replaces an open file by one with the wanted permissions and leaves nothing else behind', () => {
    const path = join(folder, 'c.json');
    writeFileSync(path, 'a longer text than the next', { mode: 0o644 });
    writeFileAtomic(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(mode(path)).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['c.json']);
  });

  it('sets the given mode whatever the umask says', () => {
    const before = process.umask(0o077);
    try {
      writeFileAtomic(join(folder, 'public.txt'), 'x', { mode: 0o644 });
    } finally {
      process.umask(before);
    }
    expect(mode(join(folder, 'public.txt'))).toBe(0o644);
  });

  it('leaves an existing folder as permissive as it was', () => {
    chmodSync(folder, 0o755);
    writeFileAtomic(join(folder, 'c.json'), 'x');
    expect(mode(folder)).toBe(0o755);
  });

  it('removes its temporary file when the rename fails', () => {
    const path = join(folder, 'taken');
    mkdirSync(join(path, 'full'), { recursive: true });
    expect(() => writeFileAtomic(path, 'x')).toThrow();
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('replaces a symbolic link and does not touch what it points to', () => {
    const target = join(folder, 'target');
    const path = join(folder, 'link');
    writeFileSync(target, 'old');
    symlinkSync(target, path);
    writeFileAtomic(path, 'secret');
    expect(readFileSync(target, 'utf8')).toBe('old');
    expect(lstatSync(path).isSymbolicLink()).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('secret');
  });

  it('does not create the target of a dangling link', () => {
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    writeFileAtomic(join(folder, 'link'), 'secret');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });
});
