import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message, Part } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import type { SessionRow } from '../../core/src/cli/rows.js';
import {
  chat,
  copyOfFixture,
  EXPECTED,
  type Expected,
  type ExpectedMessage,
  rowsOf,
  sessionsOf,
  stateOf,
} from './home.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** The rows as the built command prints them. */
function rowsOfCommand(home: string): SessionRow[] {
  if (!existsSync(cli)) throw new Error('dist/cli.js is missing. Build first: npx tsup here.');
  const { CURSOR_CONFIG_DIR: _c, CURSOR_DATA_DIR: _d, XDG_CONFIG_HOME: _x, ...inherited } = process.env;
  const output = execFileSync(process.execPath, [cli, 'list', '--json'], {
    env: { ...inherited, HOME: home, USERPROFILE: home },
  });
  return (JSON.parse(output.toString()) as { sessions: SessionRow[] }).sessions;
}

/** The client's default name is none; a chat without one is called by its first prompt. */
function titleOf({ title, messages }: Expected): string | null {
  if (title !== null && title !== 'New Agent') return title;
  return messages.find(({ role }) => role === 'user')?.text ?? null;
}

const readers = { core: rowsOf, command: rowsOfCommand };

describe.each(['core', 'command'] as const)('the history through %s', (reader) => {
  const readRows = () => {
    const rows = readers[reader](copyOfFixture());
    return new Map(rows.map((row) => [row.id, row]));
  };

  it('has every chat, each once, and no other', () => {
    expect([...readRows().keys()].sort()).toEqual([...EXPECTED.keys()].sort());
  });

  it('counts what a person typed, answers and tool calls as they were', () => {
    for (const [id, row] of readRows()) {
      const { messages, isSubagent } = EXPECTED.get(id) as Expected;
      const user = isSubagent ? 0 : messages.filter(({ role }) => role === 'user').length;
      const assistant = messages.filter(({ role }) => role === 'assistant').length;
      expect({ id, ...row.messages }).toEqual({ id, user, assistant, tool: 0, system: 0 });
      expect(row.toolCalls).toBe(messages.flatMap(({ toolCalls = [] }) => toolCalls).length);
    }
  });

  it('knows title, model, directory, parent and start of each', () => {
    for (const [id, row] of readRows()) {
      const expected = EXPECTED.get(id) as Expected;
      const { title, model, createdAt, parentId, provider, gitBranch, forkedFrom } = row;
      const { model: lastModel, createdAt: begun, parentId: parent } = expected;
      expect({ id, title, model, createdAt, parentId, provider, gitBranch, forkedFrom }).toEqual({
        id,
        title: titleOf(expected),
        model: lastModel,
        createdAt: begun,
        parentId: parent,
        provider: null,
        gitBranch: null,
        forkedFrom: null,
      });
      // A transcript does not say where it was; the name of its project is all there is.
      const hasPath = expected.source !== 'transcript';
      expect(row.projectPath).toBe(hasPath ? expected.cwd : null);
      expect(row.projectName).toBe(hasPath ? expected.cwd.replace(/.*\//, '') : 'home-dev-notes');
      expect(row.problems).toEqual([]);
    }
  });

  it('ends with the last answer where the client wrote down when that was', () => {
    for (const [id, row] of readRows()) {
      const { messages, source } = EXPECTED.get(id) as Expected;
      if (source === 'store') expect({ id, at: row.updatedAt }).toEqual({ id, at: messages.at(-1)?.at });
      if (source === 'transcript') expect(row).toMatchObject({ updatedAt: null, durationMs: null });
    }
  });

  it('does not know tokens and cost of any answer', () => {
    for (const [id, row] of readRows()) {
      if (id === chat('9')) {
        // Nothing was asked in it.
        expect(row).toMatchObject({
          promptTokens: 0,
          completionTokens: 0,
          cost: 0,
          createdAt: 1760012000000,
        });
      } else {
        expect(row).toMatchObject({ usage: null, promptTokens: null, completionTokens: null, cost: null });
      }
    }
  });
});

function textOf(parts: readonly Part[], type: 'text' | 'thinking'): string {
  return parts.flatMap((part) => (part.type === type ? [part.text] : [])).join('\n');
}

/** A message in the words of `expected.json`. */
function described({ role, parts, model }: Message): object {
  const calls = parts.flatMap((part, index) => {
    if (part.type !== 'tool-call') return [];
    const result = parts[index + 1];
    const own = result?.type === 'tool-result' && result.id === part.id ? result : undefined;
    return [
      {
        id: part.id,
        name: part.name,
        args: part.args,
        hasResult: own !== undefined,
        result: own?.result ?? null,
        isError: own?.isError ?? false,
      },
    ];
  });
  const thinking = textOf(parts, 'thinking');
  return {
    role,
    text: textOf(parts, 'text'),
    reasoning: thinking === '' ? null : thinking,
    model: model ?? null,
    toolCalls: calls,
  };
}

function expectedMessage({ role, text, reasoning, model, toolCalls = [] }: ExpectedMessage): object {
  const calls = toolCalls.map(({ id, name, args, hasResult, result, isError }) => ({
    id,
    name,
    args,
    hasResult,
    result,
    isError,
  }));
  return { role, text, reasoning: reasoning ?? null, model: model ?? null, toolCalls: calls };
}

describe('the messages', () => {
  const stores = [...EXPECTED].filter(([, { source }]) => source !== 'transcript').map(([id]) => id);
  const transcripts = [...EXPECTED].filter(([, { source }]) => source === 'transcript').map(([id]) => id);

  it.each(stores)('of %s are those that were said, with each result behind its call', (id) => {
    const session = sessionsOf(copyOfFixture()).get(id);
    expect(session?.messages.map(described)).toEqual(EXPECTED.get(id)?.messages.map(expectedMessage));
  });

  it.each(transcripts)('of %s are those that were said, as far as a transcript tells', (id) => {
    const told = (message: object) => {
      const { toolCalls, ...rest } = message as ReturnType<typeof described> & {
        toolCalls: { name: string; args: object }[];
      };
      return { ...rest, toolCalls: toolCalls.map(({ name, args }) => ({ name, args })) };
    };
    const session = sessionsOf(copyOfFixture()).get(id);
    expect(session?.messages.map(described).map(told)).toEqual(
      EXPECTED.get(id)?.messages.map(expectedMessage).map(told),
    );
  });

  it('have the times that are written down, and no others', () => {
    const sessions = sessionsOf(copyOfFixture());
    const known: Record<string, number> = {};
    for (const [id, { messages }] of sessions) {
      messages.forEach(({ createdAt }, index) => {
        if (createdAt === undefined) return;
        expect(createdAt).toBe(EXPECTED.get(id)?.messages[index]?.at);
        known[id] = (known[id] ?? 0) + 1;
      });
    }
    // The prompt and the last answer of each turn.
    const turns = { '1': 2, '2': 4, '3': 2, '4': 2, '5': 2, '6': 2, a6: 2 };
    expect(known).toEqual(Object.fromEntries(Object.entries(turns).map(([n, count]) => [chat(n), count])));
  });

  it('belong to one call each, without tokens, found again in the database', () => {
    for (const { messages, calls, uncounted } of sessionsOf(copyOfFixture()).values()) {
      const answers = messages.filter(({ role }) => role === 'assistant').map(({ id }) => id);
      expect(calls.map(({ id }) => id)).toEqual(answers);
      for (const { usage, location } of calls) {
        expect(usage).toBeUndefined();
        expect(location?.line).toBeGreaterThan(0);
      }
      for (const { reason } of uncounted) expect(reason).toMatch(/tokens is how full the context was/);
    }
  });
});

describe('reading', () => {
  it('changes no file and leaves none behind', () => {
    const home = copyOfFixture();
    const before = stateOf(home);
    rowsOf(home);
    sessionsOf(home);
    expect(stateOf(home)).toEqual(before);
  });

  it('finds the chats wherever the environment puts them', () => {
    const home = copyOfFixture();
    const elsewhere = copyOfFixture();
    const found = (vars: Record<string, string | undefined>, from = home) =>
      new Map(rowsOf(from, vars).map(({ id, title, files }) => [id, { title, files }]));
    const xdg = chat('4');
    for (const vars of [
      {},
      { XDG_CONFIG_HOME: join(home, '.config') },
      { CURSOR_CONFIG_DIR: join(home, '.config/cursor') },
      { CURSOR_CONFIG_DIR: ' ', XDG_CONFIG_HOME: '' },
    ]) {
      expect(found(vars).get(xdg)?.title).toBe('Style the header');
      expect(found(vars).size).toBe(EXPECTED.size);
    }
    const empty = join(home, 'empty');
    const vars = {
      CURSOR_CONFIG_DIR: join(elsewhere, '.cursor'),
      CURSOR_DATA_DIR: join(elsewhere, '.cursor'),
      XDG_CONFIG_HOME: join(elsewhere, '.config'),
    };
    expect([...found(vars, empty).keys()].sort()).toEqual([...EXPECTED.keys()].sort());
  });
});
