import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { findSessions } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { source } from '../src/source.js';
import {
  beforeTurn,
  copiesOf,
  filesOf,
  fromTurn,
  idOf,
  type Line,
  lastTotal,
  linesOf,
  metaOf,
  pathOf,
  plus,
  replaced,
  textOf,
  withCounts,
} from './histories.js';
import {
  copyOfFixture,
  envOf,
  homeOf,
  only,
  preparedOf,
  rolloutsBelow,
  rowOf,
  rowsOf,
  sessionOf,
  tokensOf,
} from './home.js';

/** Of the sample threads of all older clients: four responses, the last of them in a second turn. */
const WHOLE = { input: 11000, cachedInput: 38000, cacheWriteInput: 0, output: 560, reasoning: 115 };
const SECOND_TURN = { input: 1000, cachedInput: 13000, cacheWriteInput: 0, output: 60, reasoning: 5 };
const TWICE_SECOND = {
  input: WHOLE.input + SECOND_TURN.input,
  cachedInput: WHOLE.cachedInput + SECOND_TURN.cachedInput,
  cacheWriteInput: 0,
  output: WHOLE.output + SECOND_TURN.output,
  reasoning: WHOLE.reasoning + SECOND_TURN.reasoning,
};

/** Ids of threads, turns and segments that are younger than all samples. */
const FORK = '01a20300-0000-7000-8000-00000000000f';
const TURN = '01a20300-0001-7000-8000-00000000000a';
const LATER = '2026-11-22T11:24:39.808Z';

function tokensIn(home: string, id: string) {
  return tokensOf([rowOf(home, id).usage]);
}

describe('a fork with a copy of its parent, of clients from 0.110 to 0.147', () => {
  const parent = linesOf('0.142.5', 'b3c5');
  const meta = metaOf(parent, { id: FORK, session_id: FORK, forked_from_id: idOf(parent), timestamp: LATER });
  const turn = String(fromTurn(parent, 1)[0]?.payload.turn_id);
  const own = withCounts(replaced(fromTurn(parent, 1), { [turn]: TURN }), (_, last) => ({
    total: plus(lastTotal(parent), last),
    last,
  }));
  const fork = [meta, ...copiesOf(parent, LATER), ...copiesOf(own, '2026-11-22T11:24:41.000Z')];

  it.each([
    ['with', filesOf(parent, fork)],
    ['without', filesOf(fork)],
  ])('is billed for its own turn alone, %s its parent there', (_, files) => {
    const home = homeOf(files);
    expect(tokensIn(home, FORK)).toEqual(SECOND_TURN);
    expect(rowOf(home, FORK)).toMatchObject({
      forkedFrom: idOf(parent),
      parentId: null,
      title: 'legacy: follow up',
      messages: { user: 1, assistant: 1 },
      toolCalls: 0,
      problems: [],
    });
  });

  it('has nothing of its own to show as long as nobody goes on with it', () => {
    const row = rowOf(homeOf(filesOf(parent, fork.slice(0, parent.length + 1))), FORK);
    expect(row).toMatchObject({ createdAt: null, title: null, forkedFrom: idOf(parent) });
    expect(tokensOf([row.usage]).output).toBe(0);
  });

  it('shows the copy, marked as one, and says of each count in it who made it', () => {
    const { messages, uncounted } = sessionOf(homeOf(filesOf(parent, fork)), FORK);
    expect(messages.filter(({ copied }) => copied === true)).toHaveLength(6);
    expect(messages.slice(6).every(({ copied }) => copied === undefined)).toBe(true);
    const copied = uncounted.filter(({ reason }) => reason === `made by ${idOf(parent)} and copied here`);
    expect(copied.length).toBeGreaterThanOrEqual(4);
  });
});

describe.each([
  ['a fork', { forked_from_id: '01a20238-98bc-7570-a01e-a6ff28dd8780' }],
  [
    'a subagent',
    {
      source: {
        subagent: { thread_spawn: { parent_thread_id: '01a20238-98bc-7570-a01e-a6ff28dd8780', depth: 1 } },
      },
    },
  ],
])('%s with an unmarked copy of its parent, of client 0.98', (kind, changes) => {
  const parent = linesOf('0.98.0', '98bc');
  const meta = metaOf(parent, { id: FORK, timestamp: LATER, ...changes });
  const second = parent.slice(30);
  const own = replaced(
    // The first one repeats the total with which the turn begins.
    withCounts(second, (_, last, index) => ({
      total: index === 0 ? lastTotal(parent) : plus(lastTotal(parent), last),
      last,
    })),
    { 'legacy: follow up': 'something else', 'Second answer': 'Another answer' },
  );
  const copies = copiesOf(parent, LATER);
  const fork = [{ ...meta, timestamp: LATER }, ...copies, ...copiesOf(own, '2026-11-22T11:24:41.000Z')];

  it.each([
    ['with', filesOf(parent, fork)],
    ['without', filesOf(fork)],
  ])('is billed for its own turn alone, %s its parent there', (_, files) => {
    const home = homeOf(files);
    expect(tokensIn(home, FORK)).toEqual(SECOND_TURN);
    const isFork = kind === 'a fork';
    expect(rowOf(home, FORK)).toMatchObject({
      forkedFrom: isFork ? idOf(parent) : null,
      parentId: isFork ? null : idOf(parent),
      title: isFork ? 'something else' : null,
      messages: { user: isFork ? 1 : 0, assistant: 1 },
    });
  });
});

describe('a fork without a copy', () => {
  const parent = linesOf('0.150.1', 'badb');
  const kept = beforeTurn(parent, 1);
  const base = { thread_id: idOf(parent), end_ordinal_exclusive: kept.length };
  const meta = metaOf(parent, {
    id: FORK,
    session_id: FORK,
    forked_from_id: idOf(parent),
    history_base: base,
  });
  const own = replaced(fromTurn(parent, 1), { [idOf(parent)]: FORK });

  it('goes on from the running total at which it left its parent, not from where that is now', () => {
    const home = homeOf(filesOf(parent, [meta, ...own]));
    expect(tokensIn(home, FORK)).toEqual(SECOND_TURN);
    expect(tokensIn(home, idOf(parent))).toEqual(WHOLE);
    expect(rowOf(home, FORK)).toMatchObject({ forkedFrom: idOf(parent), title: 'legacy: follow up' });
  });

  it('is billed the same when its parent is lost', () => {
    expect(tokensIn(homeOf(filesOf([meta, ...own])), FORK)).toEqual(SECOND_TURN);
  });

  it('takes the model from its parent for what comes before its first turn_context', () => {
    const unnamed = own.filter(({ type }) => type !== 'turn_context');
    expect(rowOf(homeOf(filesOf(parent, [meta, ...unnamed])), FORK).models).toEqual(['gpt-5.5']);
    expect(rowOf(homeOf(filesOf([meta, ...unnamed])), FORK).models).toEqual([]);
  });

  it('of a client with records is not billed for the running total of its parent', () => {
    const version = '0.169.0';
    const fork = linesOf(version, '4dcf');
    const total = lastTotal(beforeTurn(linesOf(version, '4b6b'), 1));
    const repeats = withCounts(fork, (_, last, index) =>
      index === 0 ? { total, last: total } : { total, last },
    );
    const first = repeats.findIndex(({ payload }) => payload.type === 'token_count');
    const before = fork.findIndex(({ payload }) => payload.type === 'task_started');
    const lines = [...fork.slice(0, before), repeats[first] as Line, ...fork.slice(before)];
    const home = homeOf(filesOf(linesOf(version, '4b6b'), lines));
    expect(tokensIn(home, idOf(fork))).toEqual(tokensIn(homeOf(filesOf(fork)), idOf(fork)));
  });
});

describe('a thread that was reverted', () => {
  it.each(['0.150.1', '0.160.1'])('is billed for what was taken back as well, by client %s', (version) => {
    const first = linesOf(version, version === '0.150.1' ? 'badb' : 'c17a');
    const id = idOf(first);
    const kept = beforeTurn(first, 1);
    const meta = metaOf(first, { history_base: { thread_id: id, end_ordinal_exclusive: kept.length } });
    const again = replaced(fromTurn(first, 1), {
      'legacy: follow up': 'tried again',
      'Second answer': 'Better answer',
      msg_: 'msg_again_',
      resp_: 'resp_again_',
    });
    const home = homeOf({ [pathOf(id)]: textOf(first), [pathOf(id, FORK)]: textOf([meta, ...again]) });
    const row = rowOf(home, id);
    expect(tokensOf([row.usage])).toEqual(TWICE_SECOND);
    expect(row.messages.user).toBe(3);
    expect(row.files).toEqual([join(home, pathOf(id)), join(home, pathOf(id, FORK))]);
    const texts = sessionOf(home, id).messages.flatMap(({ parts }) => parts);
    expect(texts).toContainEqual({ type: 'text', text: 'Second answer' });
    expect(texts.at(-1)).toEqual({ type: 'text', text: 'Better answer' });
  });

  it('gives a fork of its first segment the total of that segment', () => {
    const first = linesOf('0.150.1', 'badb');
    const id = idOf(first);
    const kept = beforeTurn(first, 1);
    const base = { thread_id: id, end_ordinal_exclusive: kept.length };
    const segment = [metaOf(first, { history_base: base }), ...fromTurn(first, 1)];
    const fork = [
      metaOf(first, { id: FORK, session_id: FORK, forked_from_id: id, history_base: base }),
      ...fromTurn(first, 1),
    ];
    const youngest = '01a20300-ffff-7000-8000-00000000000f';
    const home = homeOf({ ...filesOf(first, fork), [pathOf(id, youngest)]: textOf(segment) });
    expect(tokensIn(home, FORK)).toEqual(SECOND_TURN);
  });

  it('counts a record once that is in both of its segments', () => {
    const lines = linesOf('0.169.0', '4385');
    const id = idOf(lines);
    const whole = tokensIn(homeOf(filesOf(lines)), id);
    const home = homeOf({ [pathOf(id)]: textOf(lines), [pathOf(id, FORK)]: textOf(lines) });
    expect(tokensIn(home, id)).toEqual(whole);
    const { uncounted, messages } = sessionOf(home, id);
    expect(uncounted.filter(({ reason }) => reason.startsWith('repeats the usage of resp_'))).toHaveLength(6);
    expect(new Set(messages.map((message) => message.id)).size).toBe(messages.length);
  });
});

describe('the records of a client', () => {
  const legacy = linesOf('0.142.5', 'b3c5');
  const modern = linesOf('0.169.0', '4385');

  it('are added to the running totals of an older one that began the thread', () => {
    const id = idOf(legacy);
    const turn = replaced(fromTurn(modern, 2), { [idOf(modern)]: id }).map(({ ordinal: _, ...line }) => line);
    const resumed = withCounts(turn, (_, last) => ({ total: plus(lastTotal(legacy), last), last })).map(
      asLegacy,
    );
    const row = rowOf(homeOf(filesOf([...legacy, ...resumed])), id);
    expect(tokensOf([row.usage])).toEqual({
      ...WHOLE,
      input: WHOLE.input + 100,
      cachedInput: WHOLE.cachedInput + 13500,
      output: WHOLE.output + 5,
    });
    expect(row.messages).toMatchObject({ user: 3, assistant: 5 });
  });

  it('are there when the client was killed while a tool ran', () => {
    const record = modern.findIndex(({ type }) => type === 'token_usage_record');
    const torn = `${textOf(modern.slice(0, record + 1))}{"timestamp":"2026-11-22T07:46:11.582Z","ord`;
    const home = homeOf({ [pathOf(idOf(modern))]: torn });
    expect(rowOf(home, idOf(modern))).toMatchObject({
      usage: { input: 7952, cacheRead: 2048, output: 320, reasoning: 128 },
      messages: { user: 1, assistant: 1 },
      toolCalls: 2,
      problems: [],
    });
  });

  it('are missing for a response that was cut off, and the thread says so', () => {
    const records = modern.flatMap(({ type }, index) => (type === 'token_usage_record' ? [index] : []));
    const row = rowOf(homeOf(filesOf(modern.filter((_, index) => index !== records[0]))), idOf(modern));
    expect(row.usage?.output).toBe(819 - 320);
    expect(row.messages.assistant).toBe(6);
    expect(row.problems).toEqual([expect.stringContaining('1 response ended before')]);
  });

  it('leave the tokens unknown when a provider tells none', () => {
    const silent = modern.filter(({ type }) => type !== 'token_usage_record');
    const without = silent.map((line) =>
      line.payload.type === 'token_count' ? { ...line, payload: { ...line.payload, info: null } } : line,
    );
    const row = rowOf(homeOf(filesOf(without)), idOf(modern));
    expect(row).toMatchObject({ usage: null, cost: null, messages: { user: 3, assistant: 6 }, problems: [] });
  });
});

/** A resumed legacy file stays one: events instead of completed items. */
function asLegacy(line: Line): Line {
  const item = line.payload.item as { type: string; content?: { text?: string }[] } | undefined;
  const text = item?.content?.[0]?.text;
  if (item?.type === 'UserMessage') return { ...line, payload: { type: 'user_message', message: text } };
  if (item?.type === 'AgentMessage') return { ...line, payload: { type: 'agent_message', message: text } };
  return line;
}

describe('running totals', () => {
  const lines = linesOf('0.142.5', 'b3c5');
  const id = idOf(lines);

  it('tell a response that was cut off by their difference', () => {
    const zero = (counts: Record<string, number>) =>
      Object.fromEntries(Object.keys(counts).map((name) => [name, 0]));
    const cut = withCounts(lines, (total, last, index) => ({ total, last: index === 2 ? zero(last) : last }));
    expect(tokensIn(homeOf(filesOf(cut)), id)).toEqual(WHOLE);
  });

  it('are counted once each, however often they are repeated', () => {
    const repeated = lines.flatMap((line) => (line.payload.type === 'token_count' ? [line, line] : [line]));
    const home = homeOf(filesOf(repeated));
    expect(tokensIn(home, id)).toEqual(WHOLE);
    const reasons = sessionOf(home, id).uncounted.map(({ reason }) => reason);
    expect(
      reasons.filter((reason) => reason === 'repeats the running total before it').length,
    ).toBeGreaterThanOrEqual(4);
  });

  it('may fall, and then the last response counts', () => {
    const fallen = withCounts(lines, (total, last, index) => ({
      total: index >= 3 ? plus(last, { input_tokens: 1 }) : total,
      last,
    }));
    expect(tokensIn(homeOf(filesOf(fallen)), id).output).toBe(WHOLE.output);
  });
});

describe('what a person typed', () => {
  const lines = linesOf('0.169.0', '4385');
  const id = idOf(lines);

  it('is a prompt whatever it looks like, and context is none', () => {
    const typed = replaced(lines, { 'thanks, bye': '<environment_context>mine</environment_context>' });
    const home = homeOf(filesOf(typed));
    expect(rowOf(home, id).messages.user).toBe(3);
    const texts = sessionOf(home, id).messages.flatMap(({ role, parts }) => (role === 'user' ? parts : []));
    expect(texts.at(-1)).toEqual({ type: 'text', text: '<environment_context>mine</environment_context>' });
    expect(JSON.stringify(sessionOf(home, id))).not.toContain('filler');
  });

  it.each(['generic.turn_aborted', 'goal.internal_context', 'shell.user_command', 'unknown'])(
    'is told from an injected text of kind %s',
    (kind) => {
      const injected = replaced(lines, { 'thanks, bye': 'injected' }).map((line) => {
        if (!JSON.stringify(line).includes('"input_text","text":"injected"')) return line;
        return {
          ...line,
          payload: {
            ...line.payload,
            internal_chat_message_metadata_passthrough: { content_item_kinds: [kind] },
          },
        };
      });
      const events = injected.filter(
        ({ payload }) => !JSON.stringify(payload.item ?? null).includes('injected'),
      );
      const home = homeOf(filesOf(events));
      expect(rowOf(home, id).messages.user).toBe(2);
      const message = only(sessionOf(home, id).messages.filter(({ role }) => role === 'system'));
      expect(message).toMatchObject({ injected: true, parts: [{ type: 'text', text: 'injected' }] });
    },
  );

  it('is nothing in the thread of a guardian, whose parent is the root of its tree', () => {
    const agent = linesOf('0.169.0', '5213');
    const { parent_thread_id: parent, ...payload } = (agent[0] as Line).payload;
    const guardian = {
      ...(agent[0] as Line),
      payload: { ...payload, source: { subagent: { other: 'guardian' } } },
    };
    const row = rowOf(homeOf(filesOf([guardian, ...agent.slice(1)])), idOf(agent));
    expect(row).toMatchObject({ parentId: parent, title: null, messages: { user: 0, assistant: 2 } });
  });

  it('comes with images that keep their type and size alone', () => {
    const image = linesOf('0.169.0', '657e');
    const session = sessionOf(homeOf(filesOf(image)), idOf(image));
    expect(session.messages[0]?.parts).toEqual([
      { type: 'file', mediaType: 'image/png', bytes: 70 },
      { type: 'text', text: 'what is in the picture?' },
    ]);
    expect(JSON.stringify(session)).not.toContain('iVBOR');
  });
});

describe('tools', () => {
  it('say when they failed, and take arguments that are no JSON', () => {
    const { messages } = sessionOf(copyOfFixture('0.169.0'), '01a20238-6ac6-7090-b6a9-ffe5a72b9e93');
    const parts = messages.flatMap((message) => message.parts);
    const failed = parts.flatMap((part) =>
      part.type === 'tool-result' && part.isError === true ? [part.name] : [],
    );
    expect(failed).toEqual(['mcp__lab.fail']);
    const broken = parts.flatMap((part) =>
      part.type === 'tool-call' && part.args === '{broken json' ? [part.id] : [],
    );
    expect(broken).toEqual(['call_000089']);
  });

  it('are counted as the model called them, not as a script in code mode ran them', () => {
    const session = sessionOf(copyOfFixture('0.169.0'), '01a20238-47a7-7631-b8c0-35c9260dd7dd');
    const calls = session.messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool-call'));
    expect(calls).toMatchObject([{ name: 'exec', id: 'call_000021' }]);
  });

  it('have web searches that are billed, and pages that are not', () => {
    const { calls } = sessionOf(copyOfFixture('0.169.0'), '01a20238-4385-7740-a3dd-0a2eb65882d8');
    expect(calls.map(({ webSearches }) => webSearches)).toEqual([
      undefined,
      undefined,
      1,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the service tier', () => {
  it('is that of the settings before the response, and the default is none', () => {
    const lines = linesOf('0.169.0', '4385');
    const settings = lines.flatMap(({ payload }, index) =>
      payload.type === 'thread_settings_applied' ? [index] : [],
    );
    const tiers = ['default', 'priority', undefined];
    const set = lines.map((line, index) => {
      const at = settings.indexOf(index);
      if (at === -1) return line;
      const thread_settings = { ...(line.payload.thread_settings as object), service_tier: tiers[at] };
      return { ...line, payload: { ...line.payload, thread_settings } };
    });
    const { calls } = sessionOf(homeOf(filesOf(set)), idOf(lines));
    expect(calls.map(({ tier }) => tier)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'priority',
      undefined,
    ]);
  });
});

describe('names', () => {
  const id = '01a20238-6e0a-7273-b64f-f7994539b8a5';
  const versionsOf = (home: string) =>
    new Map(findSessions(source, envOf(home)).map((raw) => [raw.id, raw.version]));

  it('change the version of the thread they are given to, and of no other', () => {
    const home = copyOfFixture('0.169.0');
    const before = versionsOf(home);
    const index = readFileSync(join(home, 'session_index.jsonl'), 'utf8');
    homeOf(
      { 'session_index.jsonl': `${index}{"id":"${id}","thread_name":"Renamed","updated_at":"x"}\n` },
      home,
    );
    const after = versionsOf(home);
    expect(
      [...after].filter(([thread, version]) => before.get(thread) !== version).map(([thread]) => thread),
    ).toEqual([id]);
    expect(rowOf(home, id).title).toBe('Renamed');
  });

  it('are read around a damaged line, which every thread reports', () => {
    const home = copyOfFixture('0.169.0');
    const index = readFileSync(join(home, 'session_index.jsonl'), 'utf8');
    homeOf({ 'session_index.jsonl': `${index}{"id":\n{"id":7}\n` }, home);
    expect(rowOf(home, id)).toMatchObject({
      title: 'Login bug — näme ✨',
      problems: [expect.stringContaining('not JSON')],
    });
  });
});

describe('files', () => {
  const lines = linesOf('0.169.0', '4245');
  const id = idOf(lines);

  it('are found in ~/.codex when CODEX_HOME is not set or empty', () => {
    for (const vars of [{}, { CODEX_HOME: '' }]) {
      const [pattern] = source.files({ home: '/home/me', vars, now: () => 0 });
      expect(pattern?.folder).toBe('/home/me/.codex');
    }
  });

  it('are not opened to tell whether anything changed', () => {
    const path = join('/nowhere', pathOf(id));
    const raw = only([...source.sessions([{ path, size: 10, mtimeMs: 1 }], envOf('/nowhere'))]);
    expect(raw).toMatchObject({ id, files: [path], changedAt: 1 });
    expect(() => [...raw.load('all', () => undefined)]).toThrow(expect.objectContaining({ kind: 'read' }));
  });

  it('are one thread while they are moved to the archive', () => {
    const archived = pathOf(id).replace(/.*\//, 'archived_sessions/');
    const home = homeOf({ [pathOf(id)]: textOf(lines), [archived]: textOf(lines.slice(0, 5)) });
    const row = only(rowsOf(home));
    expect(row).toMatchObject({ id, files: [join(home, pathOf(id))], messages: { user: 1, assistant: 1 } });
  });

  it('that are compressed are read where Node.js can, and reported where not', () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (data: Buffer) => Buffer };
    const data = zstdCompressSync?.(Buffer.from(textOf(lines))) ?? Buffer.from('cannot be read here');
    const home = homeOf({ [`${pathOf(id)}.zst`]: data, ...filesOf(linesOf('0.169.0', '4385')) });
    const row = rowOf(home, id);
    if (zstdCompressSync === undefined) {
      expect(row).toMatchObject({
        usage: null,
        cost: null,
        problems: [expect.stringContaining('Node.js 22.15')],
      });
    } else {
      const { files: _, ...plain } = rowOf(homeOf(filesOf(lines)), id);
      expect(row).toMatchObject(plain);
    }
    expect(rowsOf(home)).toHaveLength(2);
  });

  it('that are damaged or empty are reported, and nothing is made up for them', () => {
    const noise = {
      [`${pathOf(FORK)}.zst`]: Buffer.from('no zstd'),
      [pathOf(TURN)]: '',
      [pathOf(id)]: 'not json\n{}\n',
    };
    const rows = rowsOf(homeOf(noise));
    expect(rows).toHaveLength(3);
    for (const row of rows) {
      expect(row).toMatchObject({ usage: null, cost: null, title: null, createdAt: null });
      expect(row.problems.length).toBeGreaterThan(0);
    }
  });

  it('that hold a broken line lose that line alone', () => {
    const broken = textOf(lines).split('\n').toSpliced(3, 0, '{"timestamp":"2026', '7').join('\n');
    const { problems, ...row } = rowOf(homeOf({ [pathOf(id)]: broken }), id);
    const { problems: _, files: __, ...whole } = rowOf(homeOf(filesOf(lines)), id);
    expect(row).toMatchObject(whole);
    expect([...problems].sort()).toEqual([expect.stringContaining(':4: '), expect.stringContaining(':5: ')]);
  });

  it('with records that nobody knows yet say so once', () => {
    const future = { timestamp: LATER, type: 'hologram', payload: { type: 'x', usage: 1 } };
    const row = rowOf(homeOf(filesOf([...lines, future, future])), id);
    expect(row.problems).toEqual([expect.stringContaining('type "hologram"')]);
    expect(row.messages).toMatchObject({ user: 1, assistant: 1 });
  });

  it('give every thread of every version together what each gives alone', () => {
    const together = homeOf({});
    let count = 0;
    for (const version of ['0.20.0', '0.34.0', '0.98.0', '0.169.0']) {
      const home = copyOfFixture(version);
      const files = rolloutsBelow(home).map((path) => [path, readFileSync(join(home, path))] as const);
      homeOf(Object.fromEntries(files), together);
      count += files.length;
    }
    expect(preparedOf(together)).toHaveLength(count);
  });
});
