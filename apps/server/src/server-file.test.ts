import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../packages/core/test/harness/temporary-directory.js';
import { readServerFile, serverFilePath, writeServerFile } from './server-file.js';

const CONTENTS = { url: 'http://127.0.0.1:1', apiKey: 'osk_x', pid: 1, db: '/a.db' };

it('is readable by its owner only, and leaves nothing else behind', () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.opensync'), { mode: 0o755 });
  writeFileSync(serverFilePath(home), '{}', { mode: 0o644 });
  writeServerFile(home, CONTENTS);
  expect(readServerFile(home)).toEqual(CONTENTS);
  expect(statSync(serverFilePath(home)).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, '.opensync')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(home, '.opensync'))).toEqual(['server.json']);
});

it('reads a missing or broken file as none', () => {
  const home = temporaryDirectory();
  expect(readServerFile(home)).toBeUndefined();
  mkdirSync(join(home, '.opensync'));
  for (const text of ['', '{"url":', '[]', '{"url":"http://127.0.0.1:1"}']) {
    writeFileSync(serverFilePath(home), text);
    expect(readServerFile(home)).toBeUndefined();
  }
});
