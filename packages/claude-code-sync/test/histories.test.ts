import { mkdirSync, renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { findSessions, type Session } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../core/src/wire.js';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { source } from '../src/source.js';
import {
  another,
  billed,
  isConversation,
  type Line,
  later,
  linesOf,
  saying,
  terminal,
  textOf,
  under,
  withMessage,
} from './histories.js';
import {
  bucketsOf,
  copyOfFixture,
  envOf,
  expectedOf,
  fixture,
  homeOf,
  rowOf,
  rowsOf,
  sessionOf,
} from './home.js';

const ID = 'aaaa0099-0000-4000-8000-000000000000';
const PATH = `-home-dev-work/${ID}.jsonl`;

const titles = linesOf('2.1.330', '-home-dev-work/aaaa0006-0000-4000-8000-000000000000.jsonl');
const interrupted = linesOf('2.1.330', '-home-dev-work/aaaa0010-0000-4000-8000-000000000000.jsonl');
const compacted = linesOf('2.1.330', '-home-dev-work/aaaa0009-0000-4000-8000-000000000000.jsonl');
const pictures = linesOf('2.1.330', '-home-dev-work/aaaa0013-0000-4000-8000-000000000000.jsonl');
const printed = linesOf('2.0.37-2.1.74', '-home-dev-work-2174/cccc0003-0000-4000-8000-000000002174.jsonl');
const plain = terminal(printed).filter(isConversation);
/** Prompt, call, result and answer of the last turn. */
const turn = plain.slice(
  plain.findLastIndex(({ message }) => JSON.stringify(message ?? '').includes('Second chore')),
);

function of(
  lines: readonly Line[],
  end?: string,
): { row: ReturnType<typeof rowOf>; session: Session; home: string } {
  const home = homeOf({ [PATH]: textOf(under(ID, lines), end) });
  return { home, row: rowOf(home, ID), session: sessionOf(home, ID) };
}

function typed(session: Session): string[] {
  const prompts = session.messages.filter(({ role, injected }) => role === 'user' && injected !== true);
  return prompts.map(({ parts }) =>
    parts.map((part) => (part.type === 'text' ? part.text : `<${part.type}>`)).join('\n'),
  );
}

function find(lines: readonly Line[], text: string): Line {
  const line = lines.find((candidate) => JSON.stringify(candidate).includes(text));
  if (line === undefined) throw new Error(`No line holds ${text}.`);
  return line;
}

const prompt = turn[0] as Line;
const promptWith = (content: unknown, more: Line = {}) => ({ ...saying(content, prompt), ...more });

describe('what counts as typed', () => {
  it('is what stands in history.jsonl: prompts, commands and shell lines, whatever their wrapping', () => {
    const old =
      '<command-name>/mychore</command-name>\n            <command-message>mychore</command-message>\n            <command-args>with args</command-args>';
    const recent =
      '<command-message>mychore</command-message>\n<command-name>/mychore</command-name>\n<command-args>with args</command-args>';
    for (const wrapping of [old, recent])
      expect(typed(of([promptWith(wrapping)]).session)).toEqual(['/mychore with args']);
    expect(typed(of(titles).session)).toEqual([
      'Tidy up the repository [#x1]',
      '/rename Spring cleaning',
      '! echo from the shell',
      '/mychore with args',
    ]);
  });

  it('is not what the client says in the same place', () => {
    const notices = [
      promptWith('filler', { isMeta: true }),
      promptWith('filler', { isCompactSummary: true, isVisibleInTranscriptOnly: true }),
      promptWith('filler', { origin: { kind: 'task-notification' } }),
      promptWith([{ type: 'text', text: '[Request interrupted by user for tool use]' }]),
      promptWith('<local-command-stdout>Compacted</local-command-stdout>'),
      promptWith('<bash-stdout>from the shell</bash-stdout><bash-stderr></bash-stderr>'),
      promptWith('<bash-stderr>not found</bash-stderr>'),
    ].map((line, index) => ({ ...line, uuid: `0000000${index}-0000-4000-8000-000000000000` }));
    const { row, session } = of([...notices, ...turn]);
    expect(typed(session)).toEqual(['Second chore [#r2]']);
    expect(row.messages).toEqual({ user: 1, assistant: 2, tool: 0, system: 6 });
    expect(row.title).toBe('Second chore [#r2]');
  });

  it('keeps a prompt behind reminders that the client put before it', () => {
    const text = `<system-reminder>filler</system-reminder>\n${'Second chore [#r2]'}`;
    expect(typed(of([promptWith(text)]).session)).toEqual(['Second chore [#r2]']);
    expect(
      of([promptWith('<system-reminder>filler</system-reminder>'), ...turn.slice(1)]).row.messages.user,
    ).toBe(0);
  });

  it.each([
    ['a text', 'And a second message', ['And a second message']],
    [
      'blocks',
      (find(pictures, '"type":"image"').message as Line).content,
      ['What is in the image? [#image]\n<file>'],
    ],
  ])('includes what was typed while the model was busy: %s', (_kind, content, expected) => {
    const attachment = find(titles, '"type":"attachment"');
    const queued = (commandMode: string | undefined, tag: string) =>
      another(tag, [{ ...attachment, attachment: { type: 'queued_command', prompt: content, commandMode } }]);
    const lines = [
      ...turn,
      ...queued('prompt', 'a1'),
      ...queued('task-notification', 'a2'),
      ...queued(undefined, 'a3'),
    ];
    const { row, session } = of(lines);
    expect(typed(session)).toEqual(['Second chore [#r2]', ...expected]);
    expect(row.messages.user).toBe(2);
  });

  it('is not counted twice where a printing client logs its input queue', () => {
    const { row } = of(printed);
    expect(row.messages.user).toBe(2);
  });

  it('is counted once when an automatic compaction writes the waiting line twice', () => {
    const boundary = compacted.findIndex(({ subtype }) => subtype === 'compact_boundary');
    const waiting = another('77', turn.slice(0, 1));
    const lines = [
      ...compacted.slice(0, boundary),
      ...waiting,
      ...compacted.slice(boundary, boundary + 2),
      ...waiting,
    ];
    expect(typed(of(lines).session)).toEqual([
      'Before the compaction [#c1]',
      'Still before it [#c2]',
      'Second chore [#r2]',
    ]);
  });
});

describe('what a model said', () => {
  it('does not include what 2.1.197 keeps of an interrupted answer in its name', () => {
    const partial = interrupted.flatMap((line): Line[] => {
      if (line.isAbortedMidStream !== true) return (line.message as Line)?.stop_reason === null ? [] : [line];
      const usage = {
        input_tokens: 0,
        output_tokens: 0,
        cache_read_input_tokens: 0,
        cache_creation_input_tokens: 0,
      };
      return [
        {
          ...withMessage(line, (message) => ({ ...message, id: line.uuid, model: '<synthetic>', usage })),
          isApiErrorMessage: false,
        },
      ];
    });
    const { row, session } = of(partial);
    expect(row.messages).toMatchObject({ user: 2, assistant: 2 });
    expect(row.models).toEqual(['claude-opus-5-5']);
    expect(bucketsOf(row.usage)).toEqual(billed(partial));
    const kept = session.messages.find(({ parts }) =>
      JSON.stringify(parts).includes('This is a line of a long answer'),
    );
    expect(kept).toMatchObject({ role: 'assistant', injected: true });
  });

  it('is unknown in tokens and cost, not free, when a message has no usage', () => {
    const last = (turn.at(-1)?.message as Line | undefined)?.id;
    const without = plain.map((line) => {
      const isLast = (line.message as Line | undefined)?.id === last;
      return isLast ? withMessage(line, ({ usage: _, ...message }) => message) : line;
    });
    const { row, session } = of(without);
    expect(row).toMatchObject({ usage: null, cost: null, promptTokens: null, messages: { assistant: 9 } });
    expect(session.calls.find(({ id }) => id === last)).not.toHaveProperty('usage');
    expect(of(plain).row.usage).not.toBeNull();
  });

  it('has its cache writes at the 5-minute price when nothing tells them apart', () => {
    const unsplit = plain.map((line) =>
      line.type === 'assistant'
        ? withMessage(line, (message) => ({
            ...message,
            usage: { ...(message.usage as Line), cache_creation: undefined },
          }))
        : line,
    );
    expect(bucketsOf(of(unsplit).row.usage)).toEqual(billed(plain));
  });

  it.each([
    [{ speed: 'fast', service_tier: 'standard' }, 'fast'],
    [{ speed: 'standard', service_tier: 'priority' }, 'priority'],
    [{ speed: 'standard', service_tier: 'batch' }, 'batch'],
    [{ speed: 'standard', service_tier: 'standard' }, undefined],
  ])('knows the speed and tier that it was billed at: %j', (billing, tier) => {
    const lines = turn.map((line) =>
      line.type === 'assistant'
        ? withMessage(line, (message) => ({ ...message, usage: { ...(message.usage as Line), ...billing } }))
        : line,
    );
    expect(of(lines).session.calls.map((call) => call.tier)).toEqual([tier, tier]);
  });

  it('has its web searches counted once for each message', () => {
    const lines = turn.map((line) =>
      line.type === 'assistant'
        ? withMessage(line, (message) => ({
            ...message,
            usage: { ...(message.usage as Line), server_tool_use: { web_search_requests: 3 } },
          }))
        : line,
    );
    const { session, row } = of(lines);
    expect(session.calls.map(({ webSearches }) => webSearches)).toEqual([3, 3]);
    expect((row.cost ?? 0) - (of(turn).row.cost ?? 0)).toBeCloseTo(6 * 0.01, 10);
  });

  it('is in the order of the file when two processes resumed the session at once', () => {
    const other = another('ab', later(5, turn));
    const mixed = turn.flatMap((line, index) => [line, other[index] as Line]);
    const { row, session } = of([...plain, ...mixed.filter((line) => !plain.includes(line))]);
    expect(bucketsOf(row.usage)).toEqual(billed([...plain, ...other]));
    expect(row.messages).toMatchObject({ user: 3, assistant: 11 });
    expect(resultsBehindCalls(session)).toBe(row.toolCalls);
  });

  it('keeps a call that was killed before its result, for ever', () => {
    const call = plain.findLastIndex((line) => JSON.stringify(line).includes('"tool_use"'));
    const { row, session } = of([...plain.slice(0, call + 1), ...another('ac', later(60_000, turn))]);
    expect(row.toolCalls).toBe(10);
    expect(resultsBehindCalls(session)).toBe(9);
  });

  it('keeps a result without a call as a message of its own', () => {
    const result = turn.find((line) => JSON.stringify(line).includes('"tool_result"')) as Line;
    const both = saying(
      [...((result.message as Line).content as unknown[]), { type: 'text', text: 'And this' }],
      result,
    );
    const { session, row } = of([both]);
    expect(session.messages.map(({ role }) => role)).toEqual(['tool', 'user']);
    expect(new Set(session.messages.map(({ id }) => id)).size).toBe(2);
    expect(row.messages).toMatchObject({ tool: 1, user: 1 });
    expect(of([result]).row.messages).toMatchObject({ tool: 1, user: 0 });
    // Behind its call, what stands beside it is still a prompt.
    const answered = turn.map((line) => (line === result ? both : line));
    expect(of(answered).row.messages).toMatchObject({ tool: 0, user: 2 });
  });
});

function resultsBehindCalls({ messages }: Session): number {
  return messages.flatMap(({ parts }) =>
    parts.filter((part, index) => {
      const next = parts[index + 1];
      return part.type === 'tool-call' && next?.type === 'tool-result' && next.id === part.id;
    }),
  ).length;
}

describe('subagents', () => {
  const session = 'cccc0002-0000-4000-8000-000000002174';
  const folder = '-home-dev-work-2174';
  const agentPaths = ['agent-a7c05878adffe74a4', 'agent-a8b809dc360d0385c'].map(
    (name) => `${folder}/${session}/subagents/${name}`,
  );
  const main = linesOf('2.0.37-2.1.74', `${folder}/${session}.jsonl`);
  const agents = agentPaths.map((path) => linesOf('2.0.37-2.1.74', `${path}.jsonl`));
  const truth = expectedOf('2.0.37-2.1.74').get(session);

  it('of 1.0 clients are found inside the transcript of their session', () => {
    const inside = agents
      .flat()
      .filter(isConversation)
      .map(({ agentId: _, ...line }) => ({ ...line, isSidechain: true }));
    const begin = main.findLastIndex((line) => JSON.stringify(line).includes('"tool_use"')) + 1;
    const home = homeOf({
      [PATH]: textOf(under(ID, [...main.slice(0, begin), ...inside, ...main.slice(begin)])),
    });
    const [parent, ...children] = rowsOf(home);
    const total = truth?.tokensReadable;
    expect(bucketsOf(parent?.usage)).toEqual(bucketsOf(truth?.tokens.main));
    expect(bucketsOf(parent?.usageWithChildren)).toEqual(bucketsOf(total));
    expect(children.map(({ title }) => title).sort()).toEqual([
      'Explore: Find readme',
      'general-purpose: Count files',
    ]);
    expect(children.every(({ parentId, id }) => parentId === ID && id.startsWith(`${ID}/agent-`))).toBe(true);
  });

  it('that other subagents started are counted in the total of the session, once', () => {
    const [outer, inner] = agentPaths as [string, string];
    const meta = {
      agentType: 'Explore',
      description: 'Find readme',
      parentAgentId: outer.replace(/^.*agent-/, ''),
      spawnDepth: 2,
    };
    const home = homeOf({
      [`${folder}/${session}.jsonl`]: textOf(main),
      [`${outer}.jsonl`]: textOf(agents[0] ?? []),
      [`${inner}.jsonl`]: textOf(agents[1] ?? []),
      [`${inner}.meta.json`]: JSON.stringify(meta),
    });
    const row = rowOf(home, session);
    expect(bucketsOf(row.usageWithChildren)).toEqual(bucketsOf(truth?.tokensReadable));
    expect(rowOf(home, `${session}/${inner.replace(/^.*\//, '')}`).title).toBe('Explore: Find readme');
  });

  it('that run in the background bring no prompt of a person with them', () => {
    const answer = promptWith('filler', {
      origin: { kind: 'task-notification' },
      uuid: 'b0000000-0000-4000-8000-000000000000',
    });
    const { row } = of([...main.filter(isConversation), answer]);
    expect(row.messages).toMatchObject({ user: 1, assistant: 2, system: 1 });
  });

  it('stay with their id when the transcript of their session is gone', () => {
    const home = homeOf(
      Object.fromEntries(agentPaths.map((path, index) => [`${path}.jsonl`, textOf(agents[index] ?? [])])),
    );
    const rows = rowsOf(home);
    expect(rows.map(({ parentId }) => parentId)).toEqual([session, session]);
    expect(rows.map(({ title }) => title).sort()).toEqual([
      'Count the files here. [#sub-count]',
      'Find the readme. [#sub-find]',
    ]);
  });

  it('that begin with a copy of what their session said do not bill it again', () => {
    const copied = main.filter(isConversation).map((line) => ({ ...line, isSidechain: true, agentId: 'a1' }));
    const home = homeOf({
      [`${folder}/${session}.jsonl`]: textOf(main),
      [`${folder}/${session}/subagents/agent-a1.jsonl`]: textOf([...copied, ...(agents[1] ?? [])]),
    });
    expect(bucketsOf(rowOf(home, `${session}/agent-a1`).usage)).toEqual(billed(agents[1] ?? []));
  });
});

describe('where the files are', () => {
  it('is one session in two project folders, whichever was written last', () => {
    const [first, second] = ['-home-dev-work', '-home-dev-work-worktree'];
    const name = (customTitle: string) => ({ type: 'custom-title', customTitle });
    for (const [older, newer] of [
      [first, second],
      [second, first],
    ]) {
      const home = homeOf({
        [`${older}/${ID}.jsonl`]: textOf(under(ID, [...plain.slice(0, -4), name('Old')])),
        [`${newer}/${ID}.jsonl`]: textOf(under(ID, [...plain, name('Old'), name('New')])),
      });
      expect(rowOf(home, ID).title).toBe('New');
      utimesSync(join(home, 'projects', `${newer}/${ID}.jsonl`), 1, 1);
      expect(rowsOf(home)).toHaveLength(1);
      expect(bucketsOf(rowOf(home, ID).usage)).toEqual(billed(plain));
      expect(sessionOf(home, ID).messages).toEqual(of(plain).session.messages);
    }
  });

  it('may be a folder whose name has the characters of a pattern', () => {
    const home = join(temporaryDirectory(), 'a [b] {c,d} (e) *?!');
    mkdirSync(home);
    homeOf({ [PATH]: textOf(under(ID, plain)) }, home);
    expect(rowsOf(home).map(({ id }) => id)).toEqual([ID]);
  });

  it('is ~/.claude without CLAUDE_CONFIG_DIR', () => {
    const home = temporaryDirectory();
    renameSync(copyOfFixture('2.1.330'), join(home, '.claude'));
    const env = { ...envOf(''), home, vars: {} };
    expect(findSessions(source, env).length).toBe(expectedOf('2.1.330').size);
    expect(findSessions(source, { ...env, vars: { CLAUDE_CONFIG_DIR: '' } }).length).toBe(
      expectedOf('2.1.330').size,
    );
    expect(findSessions(source, envOf(fixture('2.1.330'))).every(({ id }) => !id.includes('/'))).toBe(true);
  });

  it.each([
    ['empty', ''],
    [
      'of metadata alone',
      textOf(
        under(
          ID,
          titles.filter(({ type }) => type === 'ai-title'),
        ),
      ),
    ],
  ])('may hold a transcript that is %s: a session of its own only when it has subagents', (_kind, text) => {
    const agent = { [`${PATH.replace('.jsonl', '')}/subagents/agent-a1.jsonl`]: textOf(under(ID, turn)) };
    // An empty file is shown, since somebody may look for it; one without a conversation is none.
    const alone = rowsOf(homeOf({ [PATH]: text })).flatMap(({ problems }) => problems);
    expect(alone).toEqual(text === '' ? [expect.stringContaining('is empty')] : []);
    const row = rowOf(homeOf({ [PATH]: text, ...agent }), ID);
    expect(row).toMatchObject({ cost: 0, createdAt: null, messages: { user: 0 } });
    expect(bucketsOf(row.usageWithChildren)).toEqual(billed(turn));
  });
});

describe('titles', () => {
  const named = (type: string, field: string, title: unknown) => ({ type, [field]: title, sessionId: ID });

  it('are the last one of the best kind', () => {
    const ai = ['One', 'Two'].map((title) => named('ai-title', 'aiTitle', title));
    const custom = ['Three', 'Four'].map((title) => named('custom-title', 'customTitle', title));
    expect(of(plain).row.title).toBe('Show me around [#tour]');
    expect(of([...ai, ...plain]).row.title).toBe('Two');
    expect(of([...custom, ...plain, ...ai]).row.title).toBe('Four');
    expect(of([...ai, ...plain, named('custom-title', 'customTitle', '')]).row.title).toBe('Two');
    expect(of([...ai, ...plain, named('custom-title', 'customTitle', 7)]).row.title).toBe('Two');
  });

  it('come from custom-title.json when no line has one', () => {
    const file = { [`${PATH.replace('.jsonl', '')}/custom-title.json`]: '{"customTitle":"Spring cleaning"}' };
    expect(rowOf(homeOf({ [PATH]: textOf(under(ID, plain)), ...file }), ID).title).toBe('Spring cleaning');
    expect(rowsOf(homeOf(file))).toEqual([]);
  });

  it('are not the command that cleared the session before', () => {
    const clear = promptWith(
      '<command-name>/clear</command-name>\n<command-message>clear</command-message>',
      { uuid: 'c0000000-0000-4000-8000-000000000000' },
    );
    expect(of([clear, ...turn]).row.title).toBe('Second chore [#r2]');
  });

  it('are not those of another session that a 1.0 client left in the file', () => {
    expect(of([{ type: 'summary', summary: 'Another session', leafUuid: 'x' }, ...plain]).row.title).toBe(
      'Show me around [#tour]',
    );
  });
});

describe('bytes', () => {
  it('may end their lines as on Windows and begin with a mark', () => {
    const text = `\ufeff${textOf(under(ID, plain), '\r\n')}`;
    const home = homeOf({ [PATH]: text });
    expect(sessionOf(home, ID).messages).toEqual(of(plain).session.messages);
    expect(rowOf(home, ID)).toEqual({ ...of(plain).row, files: rowOf(home, ID).files });
  });

  it('of a huge tool result come out shortened on the wire, the rest as it was', () => {
    const huge = 'y'.repeat(30_000_000);
    const lines = turn.map((line) => {
      const blocks = (line.message as Line | undefined)?.content as Line[];
      return JSON.stringify(line).includes('"tool_result"')
        ? saying([{ ...blocks[0], content: huge }], line)
        : line;
    });
    const { session, row } = of(lines);
    const wire = JSON.stringify(toWire(session, { source: 'claude-code', cost: null, thinking: false }));
    expect(wire.length).toBeLessThan(300_000);
    expect(wire).toContain('[truncated ');
    expect(bucketsOf(row.usage)).toEqual(billed(turn));
  });

  it('of images and documents are named by type and size alone', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
    const document = {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'AAAAAAAA' },
    };
    const result = turn.find((line) => JSON.stringify(line).includes('"tool_result"')) as Line;
    const [block] = (result.message as Line).content as Line[];
    const contents = [[image, document], image, [{ source: image.source }], { nested: 'text' }];
    const results = contents.map((content) => {
      const { session } = of([
        ...turn.slice(0, turn.indexOf(result)),
        saying([{ ...block, content }, image], result),
      ]);
      expect(JSON.stringify(session)).not.toContain('AAAA');
      return session.messages.flatMap(({ parts }) =>
        parts.flatMap((part) => (part.type === 'tool-result' ? [part.result] : [])),
      );
    });
    expect(results).toEqual([
      ['[image/png, 3 bytes]\n[application/pdf, 6 bytes]'],
      ['[image/png, 3 bytes]'],
      ['[file]'],
      ['{"nested":"text"}'],
    ]);
  });
});
