import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { tinySource } from '../../test/tiny-source.js';
import { START } from '../../test/world.js';
import type { Source } from '../source.js';
import type { ApiCall } from '../types.js';
import { createCli } from './create-cli.js';

const usage = { input: 100, output: 10, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null };

/** What `explain` prints below the table of these calls. */
async function explained(calls: ApiCall[]): Promise<string[]> {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.tiny'));
  writeFileSync(join(home, '.tiny/one.jsonl'), '{"title":"One"}\n');
  const source = {
    ...tinySource,
    transform: (records, raw) => tinySource.transform(records, raw).map((session) => ({ ...session, calls })),
  } as Source<never>;
  const stdout = new PassThrough();
  expect(
    await createCli(source).run(['explain', 'one'], { env: { home, vars: {}, now: () => START }, stdout }),
  ).toBe(0);
  const lines = String(stdout.read()).trimEnd().split('\n');
  return lines.slice(lines.findIndex((line) => line.startsWith('Total')));
}

it('says each reason of an unknown cost once, and what can be done about it', async () => {
  const call = (id: string, model?: string): ApiCall => ({
    id,
    usage,
    createdAt: START,
    ...(model && { model }),
  });
  expect(await explained([call('a', 'tiny-9'), call('b', 'tiny-9'), call('c')])).toEqual([
    'Total unknown',
    'Cost unknown of 2 calls: no price for model "tiny-9"',
    'Cost unknown of 1 call: the tool recorded no model for the call',
    '"config set prices" adds a price of your own.',
  ]);
  expect(await explained([{ id: 'a', model: 'tiny-9', createdAt: START }])).toEqual([
    'Total unknown',
    'Cost unknown of 1 call: the tool recorded no tokens for the call',
  ]);
});

it("tells a tool's own figure where it differs from the cost, and not by the noise of its arithmetic", async () => {
  const model = 'gpt-5';
  const call = (id: string, toolCost: number): ApiCall => ({ id, model, usage, createdAt: START, toolCost });
  expect(await explained([call('same', 0.000225 + 1e-17), call('other', 0.1 + 0.2)])).toEqual([
    'Total $0.000450',
    'other: the tool itself reckoned $0.3',
  ]);
});
