import { describe, expect, it } from 'vitest';
import { homeOf, preparedOf, sessionsOf } from './home.js';

/*
 * What the client could not be brought to write here, by the lines that its docs/session-format.md and
 * docs/message-types.md describe.
 */

const FILE = '.pi/agent/sessions/--home-dev-app--/2026-11-20T10-00-00-000Z_s1.jsonl';
const header = {
  type: 'session',
  version: 3,
  id: 's1',
  timestamp: '2026-11-20T10:00:00.000Z',
  cwd: '/home/dev/app',
};
const at = (second: number) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.000Z`;
const usage = { input: 10, output: 4, cacheRead: 3, cacheWrite: 2, totalTokens: 19, cost: { total: 0 } };
const zeros = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { total: 0 } };

const entry = (id: string, second: number, fields: object) => ({
  type: 'message',
  id,
  timestamp: at(second),
  ...fields,
});
const user = (id: string, second: number, text: string) =>
  entry(id, second, { message: { role: 'user', content: text } });
const answer = (id: string, second: number, fields: object = {}) =>
  entry(id, second, {
    message: {
      role: 'assistant',
      content: [{ type: 'text', text: `Answer ${id}` }],
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      usage,
      stopReason: 'stop',
      ...fields,
    },
  });

function only(lines: unknown[]) {
  const [prepared] = preparedOf(homeOf({ [FILE]: lines }));
  if (prepared === undefined) throw new Error('There is no session.');
  return prepared;
}

describe('what Pi bills besides answers', () => {
  it('is nested work of a tool, of a model that nobody names', () => {
    const call = { content: [{ type: 'toolCall', id: 't1', name: 'task', arguments: {} }] };
    const result = {
      role: 'toolResult',
      toolCallId: 't1',
      toolName: 'task',
      content: [],
      isError: false,
      usage,
    };
    const { session, priced } = only([header, answer('a1', 1, call), entry('r1', 2, { message: result })]);
    expect(session.calls[1]).toMatchObject({ summed: true, usage: { input: 10, output: 4 } });
    expect(session.calls[1]?.model).toBeUndefined();
    expect(priced.cost).toBeNull();
  });

  it('is an entry of usage, at the model it names', () => {
    const warm = {
      type: 'usage',
      kind: 'cache_warm',
      provider: 'anthropic',
      model: 'claude-opus-4-5',
      usage,
    };
    const { session } = only([header, answer('a1', 1), entry('w1', 2, warm)]);
    expect(session.calls[1]).toMatchObject({ model: 'claude-opus-4-5', usage: { cacheRead: 3 } });
    expect(session.messages).toHaveLength(1);
  });

  it('is no summary that an extension wrote without a model', () => {
    const summary = { type: 'compaction', summary: 'So far', fromHook: true };
    const { session } = only([header, answer('a1', 1), entry('c1', 2, summary)]);
    expect(session.calls.map(({ id }) => id)).toEqual(['a1']);
    expect(session.messages[1]).toMatchObject({ role: 'system', injected: true });
  });
});

describe('a record of a later Pi', () => {
  it('is left out and named, since it may be a bill', () => {
    const { session } = only([header, answer('a1', 1), entry('x1', 2, { type: 'deferred_usage', usage })]);
    expect(session.calls).toHaveLength(1);
    expect(session.problems).toMatchObject([{ message: expect.stringContaining('"deferred_usage"') }]);
  });
});

describe('tokens that Pi does not know', () => {
  it('are unknown, never 0: an API that named none leaves zeros behind', () => {
    const { session, priced } = only([header, user('u1', 1, 'Hi'), answer('a1', 2, { usage: zeros })]);
    expect(session.calls).toMatchObject([{ id: 'a1', model: 'claude-sonnet-4-5' }]);
    expect(session.calls[0]?.usage).toBeUndefined();
    expect(priced.cost).toBeNull();
  });

  it('are none of a request that was refused, and unknown of an answer that broke off', () => {
    const failed = { usage: zeros, stopReason: 'error', content: [] };
    const broken = { usage: zeros, stopReason: 'aborted' };
    const { session } = only([header, answer('a1', 1, failed), answer('a2', 2, broken)]);
    expect(session.calls.map(({ id }) => id)).toEqual(['a2']);
    expect(session.uncounted).toMatchObject([{ id: 'a1', reason: 'a failed request' }]);
    expect(session.problems).toHaveLength(1);
  });
});

describe('files of Pi', () => {
  it('of a session that was imported into another folder are one session, its lines counted once', () => {
    const copy = FILE.replace('--home-dev-app--', '--home-dev-other--');
    const lines = [header, user('u1', 1, 'Hi'), answer('a1', 2)];
    const sessions = sessionsOf(homeOf({ [FILE]: lines, [copy]: [...lines, answer('a2', 3)] }));
    expect(sessions.map(({ id, calls }) => [id, calls.length])).toEqual([['s1', 2]]);
  });

  it('of the first format have entries without ids, and forks that say branchedFrom', () => {
    const old = {
      ...header,
      version: undefined,
      timestamp: at(5),
      branchedFrom: '/x/2026-11-20T09-00-00-000Z_s0.jsonl',
    };
    const { session } = only([old, answer('', 1), answer('', 6)]);
    expect(session.forkedFrom).toBe('s0');
    expect(session.messages.map(({ id, copied }) => [id, copied])).toEqual([
      ['line-2', true],
      ['line-3', false],
    ]);
    expect(session.calls.map(({ id }) => id)).toEqual(['line-3']);
  });

  it('are found in folders of one’s own', () => {
    const lines = [header, user('u1', 1, 'Hi')];
    const home = homeOf({
      'own/2026-11-20T10-00-00-000Z_s1.jsonl': lines,
      'agent/sessions/--x--/t_s2.jsonl': lines,
    });
    const ids = (vars: Record<string, string>) => sessionsOf(home, vars).map(({ id }) => id);
    expect(ids({ PI_CODING_AGENT_SESSION_DIR: `${home}/own` })).toEqual(['s1']);
    expect(ids({ PI_CODING_AGENT_DIR: `${home}/agent` })).toEqual(['s2']);
  });
});

describe('messages of Pi', () => {
  it('of an extension are shown when the person sees them, and not as if typed', () => {
    const custom = { type: 'custom_message', content: 'Shown', display: true };
    const { session } = only([
      header,
      entry('m1', 1, custom),
      entry('m2', 2, { ...custom, content: 'Hidden', display: false }),
      entry('m3', 3, { message: { role: 'custom', content: 'Hidden too', display: false } }),
      entry('m4', 4, { message: { role: 'system', content: 'You are', sections: { tools: 'x' } } }),
    ]);
    expect(session.messages).toMatchObject([{ id: 'm1', role: 'system', injected: true }]);
    expect(session.messages).toHaveLength(1);
  });

  it('of a command are what it was and said, but for one that was kept from the model', () => {
    const bash = { role: 'bashExecution', command: 'ls', output: 'notes.txt', exitCode: 0 };
    const { session } = only([
      header,
      entry('b1', 1, { message: bash }),
      entry('b2', 2, { message: { ...bash, excludeFromContext: true } }),
    ]);
    expect(session.messages).toMatchObject([
      { id: 'b1', injected: true, parts: [{ type: 'text', text: '$ ls\nnotes.txt' }] },
    ]);
    expect(session.messages).toHaveLength(1);
  });

  it('give the session its name, and before it has one the first prompt', () => {
    const named = entry('n1', 3, { type: 'session_info', name: 'Named' });
    expect(only([header, user('u1', 1, 'Mend it')]).session.title).toBe('Mend it');
    expect(only([header, user('u1', 1, 'Mend it'), named]).session.title).toBe('Named');
  });
});
