import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';

/* The built hook, as Cursor starts it. */

const HOOK = fileURLToPath(new URL('../dist/hook.cjs', import.meta.url));
const SAMPLES = fileURLToPath(
  new URL('../fixtures/2026.09.10/hooks/0b6e1a52-1111-4a6f-9d10-000000000002.jsonl', import.meta.url),
);

/** With a worker that is alive, so that none is started: it would outlive the test. */
function newHome(): string {
  const home = temporaryDirectory();
  const live = join(home, '.cursor-cli-sync/live/default');
  mkdirSync(live, { recursive: true });
  writeFileSync(join(live, 'lock'), String(process.pid));
  return home;
}

function start(home: string) {
  const child = spawn(process.execPath, [HOOK, 'cursor-cli-sync', 'stop'], {
    env: { PATH: process.env.PATH, HOME: home },
    stdio: 'pipe',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  // A hook that knows enough does not read to the end.
  child.stdin.on('error', () => undefined);
  return { child, ended: once(child, 'close').then(([code]) => ({ code, output })) };
}

async function fire(home: string, payload: string | Buffer) {
  const { child, ended } = start(home);
  child.stdin.end(payload);
  return ended;
}

const WANTED = { code: 0, output: '{}' };
const journal = (home: string) => join(home, '.cursor-cli-sync/usage/turns.jsonl');

it('prints what Cursor wants, and keeps the tokens of a turn and nothing that was said', async () => {
  const home = newHome();
  const payloads = readFileSync(SAMPLES, 'utf8').trimEnd().split('\n');
  for (const payload of payloads) expect(await fire(home, payload)).toEqual(WANTED);
  const stops = payloads.filter((payload) => /"hook_event_name":"stop"/.test(payload));
  const kept = readFileSync(journal(home), 'utf8');
  expect(stops.length).toBeGreaterThan(0);
  expect(kept).toContain('"input_tokens"');
  for (const payload of payloads) {
    const { text, prompt } = JSON.parse(payload) as { text?: string; prompt?: string };
    for (const said of [text, prompt]) if (said) expect(kept).not.toContain(said);
  }
});

it.each([
  ['nothing', ''],
  ['garbage', '{"conversation_id": [[['],
  ['bytes that are no text', Buffer.from([0xff, 0x00, 0xfe])],
  ['more than anybody has to say', Buffer.alloc(3 << 20, 'x')],
])('takes %s', async (_what, payload) => {
  const home = newHome();
  expect(await fire(home, payload)).toEqual(WANTED);
  expect(existsSync(journal(home))).toBe(false);
});

it('does not wait for a standard input that stays open', async () => {
  const { child, ended } = start(newHome());
  expect(await ended).toEqual(WANTED);
  child.stdin.destroy();
});
