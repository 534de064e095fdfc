import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCli } from '@opensync/core/plugin';
import { testSource } from '@opensync/core/testing';
import { startServer } from '@opensync/server';
import { expect, it, onTestFinished } from 'vitest';
import { source } from '../src/source.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const sample = join(fixtures, 'sample');

testSource(source, {
  fixtures: [{ name: 'sample', folder: sample, golden: join(fixtures, 'sample.rows.json') }],
});

it('syncs the sample to a server', async () => {
  const home = mkdtempSync(join(tmpdir(), 'opensync-plugin-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  cpSync(sample, home, { recursive: true });
  const server = await startServer({ db: join(home, 'opensync.db'), port: 0, home });
  onTestFinished(() => server.close());

  const vars = { OPENSYNC_URL: server.url, OPENSYNC_API_KEY: server.apiKey };
  const env = { home, vars, now: () => Date.now() };
  expect(await createCli(source).run(['sync', '--quiet'], { env })).toBe(0);

  const headers = { authorization: `Bearer ${server.apiKey}` };
  const answer = await fetch(`${server.url}/api/sessions`, { headers });
  expect(await answer.json()).toMatchObject({
    sessions: [{ title: 'What is in notes.txt?', messageCount: 3, promptTokens: 2150, completionTokens: 49 }],
  });
}, 60_000);
