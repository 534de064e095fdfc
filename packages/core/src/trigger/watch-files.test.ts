import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { logIfPossible } from './log.js';
import { watchFiles } from './watch-files.js';

function start(folder: string) {
  let changes = 0;
  const problems: string[] = [];
  const watcher = watchFiles(
    [{ folder, include: ['*/*.jsonl'] }],
    () => changes++,
    (text) => problems.push(text),
  );
  onTestFinished(() => watcher.close());
  /** Whether something was seen since it was last asked. */
  const sawChange = async () => {
    for (let tries = 0; changes === 0 && tries < 400; tries++) await sleep(25);
    // What belongs to the same change.
    await sleep(50);
    const seen = changes > 0;
    changes = 0;
    return seen;
  };
  return { watcher, problems, sawChange };
}

it('tells of what is written, replaced and new, in folders that are known', async () => {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'a'));
  const { watcher, problems, sawChange } = start(folder);
  const file = join(folder, 'a/x.jsonl');
  writeFileSync(file, '1\n');
  expect(await sawChange()).toBe(true);
  appendFileSync(file, '2\n');
  expect(await sawChange()).toBe(true);
  writeFileSync(join(folder, 'aside'), '3\n');
  renameSync(join(folder, 'aside'), file);
  expect(await sawChange()).toBe(true);
  appendFileSync(file, '4\n');
  expect(await sawChange()).toBe(true);
  mkdirSync(join(folder, 'b'));
  expect(await sawChange()).toBe(true);
  watcher.refresh();
  writeFileSync(join(folder, 'b/y.jsonl'), '5\n');
  expect(await sawChange()).toBe(true);
  expect(problems).toEqual([]);
});

it('watches a folder that was removed and made anew', async () => {
  const folder = temporaryDirectory();
  const inside = join(folder, 'a');
  mkdirSync(inside);
  const { watcher, sawChange } = start(folder);
  rmSync(inside, { recursive: true });
  mkdirSync(inside);
  expect(await sawChange()).toBe(true);
  watcher.refresh();
  writeFileSync(join(inside, 'x.jsonl'), '1\n');
  expect(await sawChange()).toBe(true);
});

it('is content with a folder that does not exist', () => {
  const { watcher, problems } = start(join(temporaryDirectory(), 'none'));
  watcher.refresh();
  expect(problems).toEqual([]);
});

it('leaves a log that cannot be written unwritten', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  logIfPossible(join(file, 'live.log'), 'nobody to tell');
});
