import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import { createWorld, prompt } from '../test/world.js';
import { appendPrivate, keepPrivate, overwritePrivate } from './private-file.js';
import { log, logFile } from './trigger/log.js';

let folder: string;
let path: string;
let other: string;
beforeEach(() => {
  folder = temporaryDirectory();
  path = join(folder, 'ours');
  other = join(folder, 'other');
  writeFileSync(other, 'theirs', { mode: 0o644 });
});

const mode = (file: string) => statSync(file).mode & 0o777;

describe.each([
  ['appending', appendPrivate, 'onetwo'],
  ['overwriting', overwritePrivate, 'two'],
])('%s', (_, write, expected) => {
  it('makes a file for its owner alone, and does it again', () => {
    write(path, 'one');
    write(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe(expected);
    expect(mode(path)).toBe(0o600);
  });

  it('takes a file away from others', () => {
    writeFileSync(path, '', { mode: 0o644 });
    write(path, 'one');
    expect(mode(path)).toBe(0o600);
  });

  it.each([
    ['symbolic link', symlinkSync],
    ['hard link', linkSync],
  ])('replaces a %s and leaves alone what it leads to', (_kind, link) => {
    link(other, path);
    write(path, 'one');
    expect(readFileSync(other, 'utf8')).toBe('theirs');
    expect(readFileSync(path, 'utf8')).toBe('one');
    expect(lstatSync(path).isSymbolicLink()).toBe(false);
    expect(mode(path)).toBe(0o600);
  });

  it('does not make what a symbolic link leads to that leads nowhere', () => {
    symlinkSync(join(folder, 'nowhere'), path);
    write(path, 'one');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it('fails for a folder', () => {
    mkdirSync(path);
    expect(() => write(path, 'one')).toThrow('EISDIR');
  });
});

describe('keepPrivate', () => {
  it('closes files and folders to others, and leaves alone what a link leads to or is not there', () => {
    const [inner, link] = [join(folder, 'inner'), join(folder, 'link')];
    mkdirSync(inner, { mode: 0o755 });
    writeFileSync(path, '', { mode: 0o664 });
    chmodSync(path, 0o664);
    symlinkSync(other, link);
    keepPrivate([inner, path, link, join(folder, 'missing')]);
    expect(mode(inner)).toBe(0o700);
    expect(mode(path)).toBe(0o600);
    expect(mode(other)).toBe(0o644);
  });
});

it('lets no link in the state or beside the log take a write elsewhere', async () => {
  const world = await createWorld();
  world.write('one', [prompt('m1')]);
  mkdirSync(world.stateFolder, { recursive: true });
  for (const name of ['index.jsonl', '.settled.json', '.floor.json', 'one.json', 'one.json.again']) {
    symlinkSync(other, join(world.stateFolder, name));
  }
  expect(await world.sync()).toMatchObject({ failed: 0, sessionsSent: 1 });
  expect(await world.sync()).toMatchObject({ failed: 0, unchanged: 1 });
  const file = logFile(world.home, 'tiny-tool-sync');
  mkdirSync(join(world.home, '.tiny-tool-sync'));
  symlinkSync(other, file);
  log(file, 'a line');
  expect(readFileSync(other, 'utf8')).toBe('theirs');
});
