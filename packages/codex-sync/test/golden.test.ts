import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Session } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import type { SessionRow } from '../../core/src/cli/rows.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import {
  copyOfFixture,
  type Expected,
  only,
  preparedOf,
  type Response,
  rowsOf,
  tokensOf,
  truthOf,
  VERSIONS,
  withoutRequests,
} from './home.js';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** The rows as the built command prints them. */
function rowsOfCommand(home: string): SessionRow[] {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is missing. Build first: npx tsup here.');
  const env = { ...process.env, HOME: temporaryDirectory(), CODEX_HOME: home };
  const output = execFileSync(process.execPath, [CLI, 'list', '--json'], { env, maxBuffer: 1 << 28 });
  return (JSON.parse(output.toString()) as { sessions: SessionRow[] }).sessions;
}

/** Only the early clients count nothing at all. */
const areTokensLost = ({ lostTokens }: Expected) => lostTokens !== undefined;

describe.each(VERSIONS)('the history of %s', (version) => {
  const home = copyOfFixture(version);
  const truth = truthOf(version);
  const threads = Object.entries(truth.sessions);
  const readers = { core: () => rowsOf(home), command: () => rowsOfCommand(home) };

  describe.each(['core', 'command'] as const)('through %s', (reader) => {
    const rows = readers[reader]();
    const rowOf = (id: string) => only(rows.filter((row) => row.id === id));

    it('has every thread, each once, and no other', () => {
      expect(rows.map(({ id }) => id).sort()).toEqual(Object.keys(truth.sessions).sort());
      for (const id of Object.keys(truth.ephemeral)) expect(rows.map((row) => row.id)).not.toContain(id);
    });

    it.each(threads)('counts the tokens of %s as they were billed', (id, expected) => {
      const { usage } = rowOf(id);
      if (areTokensLost(expected)) expect(usage).toBeNull();
      else expect(tokensOf([usage])).toEqual(withoutRequests(expected.tokens));
    });

    it.each(threads)('counts prompts, answers and tool calls of %s', (id, expected) => {
      const { messages, toolCalls } = rowOf(id);
      expect(messages.user).toBe(expected.userPrompts.length);
      expect(messages.assistant).toBe(answersOf(truth.responses, id, expected).length);
      expect(toolCalls).toBe(expected.toolCalls);
    });

    it.each(threads)('names %s, its models, its parent and its origin', (id, expected) => {
      const row = rowOf(id);
      const { threadName, firstUserPrompt } = expected.titleCandidates;
      expect(row.title).toBe(threadName ?? firstUserPrompt);
      expect([...row.models].sort()).toEqual(
        expected.modelOnDisk === false ? [] : Object.keys(expected.byModel).sort(),
      );
      expect(row.parentId).toBe(expected.parentThreadId);
      expect(row.forkedFrom).toBe(expected.forkedFromId);
      expect(row.problems).toEqual([]);
    });

    it('finds each thread in its own files', () => {
      for (const [id, { files }] of threads) {
        const found = rowOf(id).files.filter((file) => !file.endsWith('session_index.jsonl'));
        expect(found).toEqual(files.map((file) => `${home}/${file}`));
      }
    });
  });

  const sessions = preparedOf(home).map(({ session }) => session);
  const sessionOf = (id: string) => only(sessions.filter((session) => session.id === id));

  it.each(threads)('has each response of %s with its own tokens and model', (id, expected) => {
    const { calls } = sessionOf(id);
    const billed = truth.responses.filter(({ threadId, end }) => threadId === id && end === 'completed');
    if (areTokensLost(expected)) {
      expect(calls.map(({ usage }) => usage)).toEqual(billed.map(() => undefined));
      return;
    }
    expect(calls.map(({ model, usage }) => ({ model, ...tokensOf([usage]) }))).toEqual(
      billed.map((response) => ({
        model: expected.modelOnDisk === false ? undefined : response.model,
        input: response.input - response.cached,
        cachedInput: response.cached,
        cacheWriteInput: response.cacheWrite,
        output: response.output,
        reasoning: response.reasoning,
      })),
    );
    if (calls[0]?.id.startsWith('resp_')) {
      expect(calls.map((call) => call.id)).toEqual(billed.map(({ responseId }) => responseId));
    }
  });

  it.each(threads)(
    'shows what was said in %s, in order and with the tokens of each answer',
    (id, expected) => {
      const session = sessionOf(id);
      expect(textsOf(session, 'user')).toEqual(expected.userPrompts);
      const answers = textsOf(session, 'assistant');
      expect(answers).toEqual(
        expected.assistantMessages.filter((text) => !expected.synthesizedByClient?.includes(text)),
      );
      const shown = session.messages.filter(
        ({ role, copied, injected }) => role === 'assistant' && !copied && !injected,
      );
      const billed = answersOf(truth.responses, id, expected);
      if (areTokensLost(expected)) return;
      expect(shown.map(({ usage }) => tokensOf([usage]).output)).toEqual(billed.map(({ output }) => output));
    },
  );

  it.each(threads)('names the tools that %s called', (id, expected) => {
    const counts: Record<string, number> = {};
    for (const { parts, copied } of sessionOf(id).messages) {
      for (const part of parts) {
        if (part.type === 'tool-call' && copied !== true) counts[part.name] = (counts[part.name] ?? 0) + 1;
      }
    }
    expect(counts).toEqual(expected.toolCallsByName);
  });
});

/** Responses that left a text or a tool call in the conversation: a summary for the model is neither. */
function answersOf(
  responses: readonly Response[],
  id: string,
  { compactionSummaries }: Expected,
): Response[] {
  return responses.filter(
    ({ threadId, end, items, texts }) =>
      threadId === id &&
      end === 'completed' &&
      items.some((type) => type !== 'reasoning') &&
      !texts.some((text) => compactionSummaries.includes(text)),
  );
}

function textsOf(session: Session, role: 'user' | 'assistant'): string[] {
  return session.messages
    .filter((message) => message.role === role && message.copied !== true && message.injected !== true)
    .flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));
}
