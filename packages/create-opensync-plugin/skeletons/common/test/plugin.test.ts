import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCli } from '@opensync/core/plugin';
import { testSource } from '@opensync/core/testing';
import { startServer } from '@opensync/server';
import { expect, it, onTestFinished } from 'vitest';
import { source } from '../src/source.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const sample = join(fixtures, 'sample');
const golden = join(fixtures, 'sample.rows.json');

testSource(source, { fixtures: [{ name: 'sample', folder: sample, golden }] });

interface Row {
  id: string;
  promptTokens: number | null;
  completionTokens: number | null;
}

it('syncs the sample to a server, with the tokens that are right', async () => {
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
  const { sessions } = (await answer.json()) as { sessions: ({ externalId: string } & Row)[] };
  const shown = sessions.map(({ externalId, ...rest }) => [
    externalId,
    rest.promptTokens,
    rest.completionTokens,
  ]);
  const rows = JSON.parse(readFileSync(golden, 'utf8')) as Row[];
  // The API shows 0 for what is unknown.
  const right = rows.map((row) => [row.id, row.promptTokens ?? 0, row.completionTokens ?? 0]);
  expect(shown.sort()).toEqual(right.sort());
}, 60_000);
