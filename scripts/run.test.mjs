import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const run = fileURLToPath(new URL('run.mjs', import.meta.url));

test('every npm script that is a task is one that exists', () => {
  const named = Object.values(scripts).flatMap((script) => /run\.mjs (\S+)/.exec(script)?.[1] ?? []);
  const { stderr, status } = spawnSync(process.execPath, [run, 'no-such-task'], { encoding: 'utf8' });
  const [, listed = ''] = /Tasks: (.*)\./.exec(stderr) ?? [];
  assert.equal(status, 2);
  assert.deepEqual(named.sort(), listed.split(', ').sort());
});
