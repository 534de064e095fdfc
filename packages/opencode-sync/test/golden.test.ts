import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Session, Usage } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import type { SessionRow } from '../../core/src/cli/rows.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { copyOf, expectedOf, rowsOf, sessionOf, usageOf, VERSIONS } from './home.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** The rows as the built command prints them. */
function rowsOfCommand(home: string): SessionRow[] {
  if (!existsSync(cli))
    throw new Error('dist/cli.js is missing. Build first: turbo run build, or npx tsup here.');
  const env = { ...process.env, HOME: temporaryDirectory(), XDG_DATA_HOME: home };
  const output = execFileSync(process.execPath, [cli, 'list', '--json'], { env, maxBuffer: 1 << 28 });
  return (JSON.parse(output.toString()) as { sessions: SessionRow[] }).sessions;
}

const BUCKETS = ['input', 'output', 'cacheRead', 'cacheWrite5m'] as const;

function byModel({ calls }: Session): Record<string, number[]> {
  const sums: Record<string, number[]> = {};
  for (const { model = '', usage } of calls) {
    const sum = sums[model] ?? [0, 0, 0, 0];
    sums[model] = BUCKETS.map((bucket, index) => (sum[index] ?? 0) + ((usage as Usage)[bucket] ?? 0));
  }
  return sums;
}

describe.each(VERSIONS)('the history of %s', (version) => {
  const home = copyOf(version);
  const expected = expectedOf(version);
  const readers = { core: rowsOf, command: rowsOfCommand };

  describe.each(['core', 'command'] as const)('through %s', (reader) => {
    const rows = new Map(readers[reader](home).map((row) => [row.id, row]));
    const row = (id: string) => rows.get(id) as SessionRow;

    it('has every session, and no other', () => {
      expect([...rows.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const { problems } of rows.values()) expect(problems).toEqual([]);
    });

    it.each([...expected])('counts the tokens of %s as they were billed', (id, truth) => {
      expect(truth.own_equals_billed_ok).toBe(true);
      expect(row(id).usage).toEqual(usageOf(truth.own.tokens));
    });

    it.each([...expected])('counts messages and tool calls of %s', (id, truth) => {
      const { messages, toolCalls } = row(id);
      // Nobody typed the task of a subagent.
      expect(messages.user).toBe(truth.parent === null ? truth.messages.user : 0);
      expect(messages.assistant).toBe(truth.messages.assistant);
      expect(toolCalls).toBe(truth.tool_calls);
    });

    it.each([...expected])('names %s, its models, times and parent', (id, truth) => {
      const { title, parentId, models, provider, projectPath, createdAt, updatedAt } = row(id);
      expect(title).toBe(truth.title.startsWith('New session - ') ? null : truth.title);
      expect(parentId).toBe(truth.parent);
      expect([...models].sort()).toEqual([...truth.models].sort());
      expect(truth.providers).toEqual(truth.providers.length === 0 ? [] : expect.arrayContaining([provider]));
      const times = truth.per_message.map(({ created }) => created);
      expect([createdAt, updatedAt]).toEqual([Math.min(...times), Math.max(...times)]);
      // The oldest layout names no directory; "global" holds sessions of many.
      if (version !== '0.5.29') expect(projectPath).toBe(truth.directory);
    });
  });

  it.each([...expected])(
    'has a call for each answer of %s, with the cost that the client showed',
    (id, truth) => {
      const session = sessionOf(home, id);
      expect(session.calls.length).toBe(truth.step_finish.steps);
      expect(new Set(session.calls.map((call) => call.id)).size).toBe(session.calls.length);
      expect(session.calls.reduce((sum, { toolCost = 0 }) => sum + toolCost, 0)).toBeCloseTo(
        truth.own.cost,
        10,
      );
      const billed: Record<string, number[]> = {};
      for (const [kind, { by_model: models }] of Object.entries(truth.billed?.by_kind ?? {})) {
        if (kind === 'title') continue;
        for (const [model, { input, output, reasoning, cache_read, cache_write }] of Object.entries(models)) {
          const sum = billed[model] ?? [0, 0, 0, 0];
          billed[model] = [input, output + reasoning, cache_read, cache_write].map(
            (n, i) => n + (sum[i] ?? 0),
          );
        }
      }
      expect(byModel(session)).toEqual(billed);
    },
  );

  it.each([...expected])('has the messages of %s in order, under the ids of the client', (id, truth) => {
    const own = sessionOf(home, id).messages.filter(({ role }) => role !== 'system');
    expect(own.map((message) => [message.id, message.role, message.createdAt, message.model])).toEqual(
      truth.per_message.map(({ id: messageId, role, created, model }) => [messageId, role, created, model]),
    );
  });
});
