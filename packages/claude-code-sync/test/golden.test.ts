import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SessionRow } from '../../core/src/cli/rows.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { bucketsOf, type Expected, expectedOf, fixture, preparedOf, rowsOf, VERSIONS } from './home.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** The rows as the built command prints them. */
function rowsOfCommand(home: string): SessionRow[] {
  if (!existsSync(cli))
    throw new Error('dist/cli.js is missing. Build first: turbo run build, or npx tsup here.');
  const env = { ...process.env, HOME: temporaryDirectory(), CLAUDE_CONFIG_DIR: home };
  const output = execFileSync(process.execPath, [cli, 'list', '--json'], { env, maxBuffer: 1 << 28 });
  return (JSON.parse(output.toString()) as { sessions: SessionRow[] }).sessions;
}

/** The client's own total covers the same calls: see docs/formats/claude-code.md, "Cost". */
function comparableCost(expected: Expected): number | undefined {
  const { client, clientSays, copyOf, notInFiles, outputLost } = expected;
  if (clientSays.length === 0 || copyOf !== null || notInFiles.length > 0 || outputLost > 0) return undefined;
  // One total for all runs of a session since 2.1.330; before, one for each run.
  if (client === '2.1.330') return clientSays.at(-1)?.costUSD;
  return clientSays.reduce((sum, { costUSD }) => sum + costUSD, 0);
}

describe.each(VERSIONS)('the history of %s', (version) => {
  const home = fixture(version);
  const expected = expectedOf(version);
  const readers = { core: () => rowsOf(home), command: () => rowsOfCommand(home) };

  describe.each(['core', 'command'] as const)('through %s', (reader) => {
    const rows = readers[reader]();
    const main = (id: string) => rows.find((row) => row.id === id) as SessionRow;
    const agents = (id: string) => rows.filter((row) => row.parentId === id);

    it('has every session, each once, and no other', () => {
      expect(
        rows
          .filter((row) => row.parentId === null)
          .map((row) => row.id)
          .sort(),
      ).toEqual([...expected.keys()].sort());
      expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
      for (const { id, parentId } of rows) if (parentId !== null) expect(id).toMatch(`${parentId}/agent-`);
    });

    it.each([...expected])('counts the tokens of %s as they were billed', (id, truth) => {
      const row = main(id);
      const children = agents(id);
      const { requests: _, ...readable } = truth.tokensReadable;
      const billed = bucketsOf(truth.tokens.main);
      expect(bucketsOf(row.usage)).toEqual({ ...billed, output: (billed?.output ?? 0) - truth.outputLost });
      expect(bucketsOf(row.usageWithChildren ?? row.usage)).toEqual(readable);
      expect(row.usageWithChildren !== undefined).toBe(children.length > 0);
      expect(children.length > 0).toBe(truth.tokens.subagents.requests > 0);
    });

    it.each([...expected])('prices %s as the client does', (id, truth) => {
      const cost = comparableCost(truth);
      const row = main(id);
      expect(row.unpriced).toEqual([]);
      if (cost !== undefined) expect(row.costWithChildren ?? row.cost).toBeCloseTo(cost, 10);
      else expect(row.cost).toBeGreaterThanOrEqual(0);
    });

    it.each([...expected])('counts messages and tool calls of %s', (id, truth) => {
      const row = main(id);
      // The client does not write down how it was left.
      const typed = truth.prompts.filter((prompt) => prompt !== '/exit').length;
      expect(row.messages.user).toBe(typed);
      expect(row.messages.assistant).toBe(truth.messages.assistant);
      expect(row.toolCalls).toBe(truth.messages.toolCalls);
      const children = agents(id);
      const sum = (count: (row: SessionRow) => number) =>
        children.reduce((total, child) => total + count(child), 0);
      expect(sum((child) => child.messages.assistant)).toBe(truth.messages.assistantInSubagents);
      expect(sum((child) => child.toolCalls)).toBe(truth.messages.toolCallsInSubagents);
      expect(sum((child) => child.messages.user)).toBe(0);
    });

    it.each([...expected])('names %s, its models and its origin', (id, truth) => {
      const row = main(id);
      const { custom, ai, firstPrompt } = truth.titles;
      expect(row.title).toBe(custom ?? ai ?? firstPrompt);
      expect(row.forkedFrom).toBe(truth.copyOf);
      const models = [row, ...agents(id)].flatMap((one) => one.models);
      expect(new Set(models)).toEqual(new Set(Object.keys(truth.tokens.byModel)));
    });

    it('titles each subagent by its type and task', () => {
      const titles = rows.filter((row) => row.parentId !== null).map((row) => row.title);
      expect(titles).toContain('general-purpose: Count files');
      expect(titles).toContain('Explore: Find readme');
      expect(titles.every((title) => title !== null)).toBe(true);
    });
  });

  it.each([...expected])('has each API call of %s with its own tokens and model', (id, truth) => {
    const sessions = preparedOf(home).filter(({ session }) => session.id === id || session.parentId === id);
    // Where the client never wrote the final count, the rest of the call is still exact.
    const unknown = truth.outputLost === 0 ? {} : { output: 0 };
    const calls = sessions
      .flatMap(({ session }) => session.calls)
      .map(({ id: callId, model, usage }) => ({ id: callId, model, ...bucketsOf(usage), ...unknown }));
    const billed = truth.byMessage.map((call) => ({
      id: call.id,
      model: call.model,
      ...bucketsOf(call),
      ...unknown,
    }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(calls.sort(byId)).toEqual(billed.sort(byId));
  });
});

/**
 * Whole sessions as they are read, `fixtures/<version>/golden/<session>.json`. After a wanted change:
 * `UPDATE_GOLDEN=1 npx vitest run test/golden.test.ts`, and read the difference.
 */
describe.each(VERSIONS)('the sessions of %s', (version) => {
  const home = fixture(version);
  const prepared = preparedOf(home);

  it.each(prepared.map((one) => [one.session.id, one] as const))(
    'are read as before: %s',
    (id, { session, priced }) => {
      const text = `${JSON.stringify({ session, cost: priced.exact ?? null }, null, 2)}\n`.replaceAll(
        `${home}/`,
        '',
      );
      const file = join(home, 'golden', `${id.replace('/', '_')}.json`);
      if (process.env.UPDATE_GOLDEN === '1') {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
      expect(text).toBe(readFileSync(file, 'utf8'));
    },
  );
});
