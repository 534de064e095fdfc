import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOfFixture, EXPECTED, FIXTURE, homeOf, preparedOf } from './home.js';

const sessions = preparedOf(FIXTURE).map(({ session }) => session);
const ids = Object.entries(EXPECTED.sessions);
const only = <T>([one]: readonly T[]): T => {
  if (one === undefined) throw new Error('There is none.');
  return one;
};
const of = (id: string) => only(sessions.filter((session) => session.id === id));

describe('a history of Factory Droid 0.215.0', () => {
  it('has every session once, and knows which is a fork of which', () => {
    expect(sessions.map(({ id }) => id).sort()).toEqual(Object.keys(EXPECTED.sessions).sort());
    for (const [id, { forkedFrom }] of ids) expect(of(id).forkedFrom ?? null).toBe(forkedFrom);
  });

  it.each(ids.filter(([, { goesOnAfter }]) => goesOnAfter === null))(
    'has the total of %s as it was billed: through retries, a fork, a compaction',
    (id, { billed }) => {
      const { calls } = of(id);
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ summed: true, model: 'custom:Scripted-0' });
      expect(calls[0]?.usage).toEqual({
        input: billed.input,
        cacheRead: billed.cacheRead,
        cacheWrite5m: billed.cacheWrite5m + billed.cacheWrite1h,
        cacheWrite1h: 0,
        output: billed.output,
        reasoning: null,
      });
    },
  );

  it('says of a session that goes on after a compaction that its own tokens are unknown', () => {
    const [id] = only(ids.filter(([, { goesOnAfter }]) => goesOnAfter !== null));
    expect(of(id).calls.map(({ usage }) => usage)).toEqual([undefined]);
    expect(of(id).problems).toHaveLength(1);
    expect(of(id).messages[0]).toMatchObject({ role: 'system', injected: true });
  });

  it.each(ids)(
    'shows what was typed in %s, and gives no message tokens that nobody recorded',
    (id, { prompts }) => {
      const { messages } = of(id);
      const own = messages.filter(({ role, copied, injected }) => role === 'user' && !copied && !injected);
      expect(own.flatMap(({ parts }) => parts)).toEqual(prompts.map((text) => ({ type: 'text', text })));
      expect(messages.every(({ usage }) => usage === undefined)).toBe(true);
    },
  );

  it('sends nothing of what the client tells the model on the side', () => {
    const sent = JSON.stringify(sessions.map(({ messages }) => messages));
    expect(sent).not.toMatch(/system-reminder|filler/);
  });

  it('knows a session without its settings, and that its tokens are not known', () => {
    const home = copyOfFixture();
    const folder = join(home, '.factory/sessions/-home-dev-app');
    for (const name of readdirSync(folder)) if (name.endsWith('.settings.json')) rmSync(join(folder, name));
    const found = preparedOf(home);
    expect(found).toHaveLength(sessions.length);
    for (const { session, priced } of found) {
      expect(session.calls.map(({ usage }) => usage)).toEqual([undefined]);
      expect(priced.cost).toBeNull();
    }
  });
});

/* By the fields that this version declares, for what needs an account to be run. */
describe('sessions by their lines', () => {
  const start = { type: 'session_start', id: 's1', title: 'New Session', cwd: '/home/dev/app' };
  const message = (id: string, role: string, text: string, fields = {}) => ({
    type: 'message',
    id,
    timestamp: '2026-11-20T10:00:00.000Z',
    message: { role, content: [{ type: 'text', text }], ...fields },
  });
  const tokenUsage = {
    inputTokens: 10,
    outputTokens: 4,
    cacheReadTokens: 3,
    cacheCreationTokens: 2,
    thinkingTokens: 99,
  };
  const read = (lines: unknown[], settings: object = { model: 'claude-sonnet-4-5', tokenUsage }) =>
    preparedOf(homeOf({ '-home-dev-app/s1.jsonl': lines, '-home-dev-app/s1.settings.json': settings }));

  it('take the only model that answers name, else that of the settings, and none where there are several', () => {
    const models = (...names: (string | undefined)[]) =>
      only(read([start, ...names.map((modelId, at) => message(`a${at}`, 'assistant', 'Hi', { modelId }))]))
        .session;
    expect(models('claude-opus-4-5', 'claude-opus-4-5').calls[0]?.model).toBe('claude-opus-4-5');
    expect(models(undefined).calls[0]?.model).toBe('claude-sonnet-4-5');
    expect(models(undefined, undefined).calls[0]?.model).toBe('claude-sonnet-4-5');
    expect(models('claude-opus-4-5', 'claude-haiku-4-5').calls[0]?.model).toBeUndefined();
  });

  it('are of an unknown model when some answers name none, or one of which nothing is shown', () => {
    const haiku = message('a1', 'assistant', 'Hi', { modelId: 'claude-haiku-4-5' });
    const hidden = message('a2', 'assistant', '', {
      modelId: 'claude-opus-4-5',
      content: [{ type: 'redacted_thinking', data: 'x' }],
    });
    for (const other of [message('a2', 'assistant', 'Ho'), hidden]) {
      const { session, priced } = only(read([start, haiku, other]));
      expect(session.calls).toMatchObject([{ usage: { input: 10, output: 4 } }]);
      expect(session.calls[0]?.model).toBeUndefined();
      expect(priced.cost).toBeNull();
    }
    expect(only(read([start, hidden])).session).toMatchObject({
      messages: [],
      calls: [{ model: 'claude-opus-4-5' }],
    });
  });

  it('in both layouts are one, and nothing in it is there twice', () => {
    const lines = [start, message('u1', 'user', 'Mend it'), message('a1', 'assistant', 'Done')];
    const old = [
      { ...start, title: 'Old', cwd: undefined },
      ...lines.slice(1),
      message('u2', 'user', 'And on'),
    ];
    const home = homeOf({
      '-w/s1.jsonl': lines,
      '-w/s1.settings.json': { model: 'claude-sonnet-4-5', tokenUsage },
      's1.jsonl': old,
      's1.settings.json': { tokenUsage: { ...tokenUsage, inputTokens: 1 } },
    });
    const { session } = only(preparedOf(home));
    expect(session.messages.map(({ id }) => id)).toEqual(['u1', 'a1', 'u2']);
    expect(session.projectPath).toBe('/home/dev/app');
    expect(session.calls).toMatchObject([{ model: 'claude-sonnet-4-5', usage: { input: 10 } }]);
  });

  it('that were forked in both layouts keep what is a copy and what is not', () => {
    const fork = [
      { ...start, parent: 's0', forkedAtMessageId: 'a1' },
      message('a1', 'assistant', 'Copied'),
      message('a2', 'assistant', 'Own'),
    ];
    const later = message('a3', 'assistant', 'Later');
    const home = homeOf({ '-w/s1.jsonl': fork, 's1.jsonl': [fork[0], later] });
    const { session } = only(preparedOf(home));
    expect(session.messages.map(({ id, copied }) => [id, copied])).toEqual([
      ['a1', true],
      ['a2', false],
      ['a3', false],
    ]);
    expect(session.problems).toEqual([]);
  });

  it('of a fork without the message it was forked at are its own, and a problem', () => {
    const fork = { ...start, parent: 's0', forkedAtMessageId: 'gone' };
    const lines = [
      message('u1', 'user', 'Mend it'),
      message('a1', 'assistant', 'Done', { modelId: 'claude-opus-4-5' }),
    ];
    const { session } = only(read([fork, ...lines]));
    expect(session).toMatchObject({ forkedFrom: 's0', calls: [{ model: 'claude-opus-4-5' }] });
    expect(session.messages.map(({ copied }) => copied)).toEqual([false, false]);
    expect(session.problems).toMatchObject([{ message: expect.stringContaining('forked') }]);
  });

  it('have a cost at the price of their model, in which thinking is not counted twice', () => {
    const { priced, session } = only(read([start, message('a1', 'assistant', 'Hi')]));
    expect(session.calls[0]?.usage).toMatchObject({ output: 4, reasoning: null });
    expect(priced.cost).toBeCloseTo((10 * 3 + 4 * 15 + 3 * 0.3 + 2 * 3.75) / 1e6, 12);
  });

  it('with zeros for an answer have unknown tokens', () => {
    const zeros = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheCreationTokens: 0 };
    const { session } = only(read([start, message('a1', 'assistant', 'Hi')], { tokenUsage: zeros }));
    expect(session.calls).toMatchObject([{ id: 'total' }]);
    expect(session.calls[0]?.usage).toBeUndefined();
  });

  it('in which nothing was said yet are none, and bill nothing when only a prompt was', () => {
    expect(read([start], { tokenUsage: {} })).toEqual([]);
    expect(read([start], { tokenUsage })).toEqual([]);
    expect(read([], { tokenUsage })).toEqual([]);
    const { session } = only(read([start, message('u1', 'user', 'Mend it')], { tokenUsage: {} }));
    expect(session).toMatchObject({ title: 'Mend it', calls: [] });
  });

  it('of a subagent name the session that called it', () => {
    const { session } = only(read([{ ...start, callingSessionId: 's0' }, message('u1', 'user', 'Task')]));
    expect(session.parentId).toBe('s0');
  });

  it('show a notice of the client as one, and a prompt without the reminder before it', () => {
    const { session } = only(
      read([
        start,
        message('n1', 'user', 'No connection.', { visibility: 'user_only' }),
        {
          ...message('u1', 'user', ''),
          message: {
            role: 'user',
            content: [
              { type: 'text', text: '<system-reminder>Today is Friday.</system-reminder>' },
              { type: 'text', text: 'What is <system-reminder>?' },
            ],
          },
        },
      ]),
    );
    expect(session.messages).toMatchObject([
      { id: 'n1', role: 'system', injected: true },
      { id: 'u1', role: 'user', parts: [{ type: 'text', text: 'What is <system-reminder>?' }] },
    ]);
  });
});
