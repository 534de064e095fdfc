import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const RUN = `import { start } from ${JSON.stringify(new URL('start.mjs', import.meta.url).href)};
process.exitCode = await start(process.argv.slice(1));`;

/** `npm start` behind its build, in a new home: what it printed when it ended. */
async function run(t, args, onOutput = () => undefined) {
  const home = mkdtempSync(join(tmpdir(), 'opensync-start-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, HOME: home, USERPROFILE: home };
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUN, '--', '--port', '0', ...args], {
    env,
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk;
      onOutput(out, child);
    });
  }
  const [code] = await once(child, 'close');
  return { code, out };
}

test('prints no link to a server that ends with it', async (t) => {
  const { code, out } = await run(t, ['--once']);
  assert.equal(code, 0, out);
  assert.match(out, /OpenSync holds \d+ sample sessions/);
  assert.match(out, /\nDone\. The server is stopped/);
  assert.doesNotMatch(out, /127\.0\.0\.1/);
});

test('ends with a line and without an error when it is stopped', {
  skip: process.platform === 'win32',
}, async (t) => {
  let isStopped = false;
  const { code, out } = await run(t, [], (text, child) => {
    if (isStopped || !text.includes('Press Ctrl-C to stop.')) return;
    isStopped = true;
    child.kill('SIGINT');
  });
  assert.equal(code, 0, out);
  assert.match(out, /Look at them {2}http:\/\/127\.0\.0\.1:\d+/);
  assert.match(out, /\nStopped\. The data stays\.\n$/);
});
