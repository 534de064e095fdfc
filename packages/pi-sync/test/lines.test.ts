import { findSessions } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { sessionsToSend } from '../../core/src/session.js';
import { source } from '../src/source.js';
import { envOf, homeOf, preparedOf, sessionsOf } from './home.js';

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

  it('is an entry of usage even where nothing was said', () => {
    const { session } = only([
      header,
      entry('w1', 2, { type: 'usage', kind: 'title', model: 'small', usage }),
    ]);
    expect(session).toMatchObject({
      calls: [{ id: 'w1', model: 'small' }],
      messages: [],
      projectPath: header.cwd,
    });
  });

  it('is a compaction, at the model that is on, whatever model a side task had', () => {
    const side = { type: 'usage', kind: 'title', provider: 'other', model: 'small', usage };
    const sum = { type: 'compaction', summary: 'So far', usage };
    const change = { type: 'model_change', provider: 'anthropic', modelId: 'claude-opus-4-5' };
    const { session } = only([
      header,
      answer('a1', 1),
      entry('w1', 2, side),
      entry('c1', 3, sum),
      entry('m1', 4, change),
      entry('w2', 5, side),
      entry('c2', 6, sum),
    ]);
    expect(session.calls.map(({ id, model, provider }) => [id, model, provider])).toEqual([
      ['a1', 'claude-sonnet-4-5', 'anthropic'],
      ['w1', 'small', 'other'],
      ['c1', 'claude-sonnet-4-5', 'anthropic'],
      ['w2', 'small', 'other'],
      ['c2', 'claude-opus-4-5', 'anthropic'],
    ]);
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
  const folder = '.pi/agent/sessions/';
  const made = '01a20f54-6477-7169-adad-017d83e164d7';
  const madeName = `2026-11-24T20-51-58-712Z_${made}`;
  const madeHeader = { ...header, id: made, timestamp: '2026-11-24T20:51:58.712Z' };
  const found = (files: Record<string, unknown[]>) =>
    sessionsOf(homeOf(files))
      .map(({ id, projectPath, calls }) => ({ id, projectPath, calls: calls.map((call) => call.id) }))
      .sort((a, b) => `${a.projectPath}`.localeCompare(`${b.projectPath}`));

  it('of a session that was imported into another folder are one session, its lines counted once', () => {
    const copy = FILE.replace('--home-dev-app--', '--home-dev-other--');
    const lines = [header, user('u1', 1, 'Hi'), answer('a1', 2)];
    const sessions = found({ [FILE]: lines, [copy]: [...lines, answer('a2', 3)] });
    expect(sessions).toMatchObject([{ projectPath: '/home/dev/app', calls: ['a1', 'a2'] }]);
    expect(sessions).toHaveLength(1);
  });

  it('of an import that found its name taken belong to the session that their header names', () => {
    const lines = [madeHeader, answer('a1', 2)];
    const sessions = found({
      [`${folder}--x--/${madeName}.jsonl`]: lines,
      [`${folder}--x--/${madeName}-1.jsonl`]: [...lines, answer('a2', 3)],
    });
    expect(sessions).toMatchObject([{ id: made, calls: ['a1', 'a2'] }]);
  });

  it('of an id that was chosen in two projects are a session of each, whatever files come and go', () => {
    const nightly = (project: string, second: number) => ({
      [`${folder}--home-dev-${project}--/2026-11-20T10-00-0${second}-000Z_nightly.jsonl`]: [
        { ...header, id: 'nightly', cwd: `/home/dev/${project}`, timestamp: at(second) },
        answer(`a-${project}`, 9),
      ],
    });
    const one = nightly('one', 2);
    const two = nightly('two', 1);
    const both = found({ ...one, ...two });
    expect(both).toMatchObject([
      { projectPath: '/home/dev/one', calls: ['a-one'] },
      { projectPath: '/home/dev/two', calls: ['a-two'] },
    ]);
    expect(both[0]?.id).toMatch(/^nightly@[0-9a-f]{12}$/);
    expect([...found(one), ...found(two)]).toEqual(both);
  });

  it('of a project that is off stay here, whatever other project has a session of the same id', () => {
    const of = (project: string) => [
      { ...header, id: 'nightly', cwd: `/home/dev/${project}` },
      user(`u-${project}`, 1, `Secret of ${project}`),
    ];
    for (const off of ['one', 'two']) {
      const home = homeOf({
        [`${folder}--home-dev-one--/2026-11-20T10-00-00-000Z_nightly.jsonl`]: of('one'),
        [`${folder}--home-dev-two--/2026-11-20T10-00-00-000Z_nightly.jsonl`]: of('two'),
      });
      const env = envOf(home);
      const config = { privacy: { projects: [{ path: `/home/dev/${off}`, level: 'off' as const }] } };
      const sent = findSessions(source, env).flatMap(
        (raw) => sessionsToSend(source, raw, 'all', { config, env }).prepared,
      );
      expect(sent).toHaveLength(1);
      expect(JSON.stringify(sent)).not.toContain(`Secret of ${off}`);
    }
  });

  it('of a UUID that was chosen are told apart as well, even when they began in the same millisecond', () => {
    const uuid = '3f1a315b-5801-47a3-87bd-c58cc587914b';
    const of = (project: string) => [
      { ...header, id: uuid, cwd: `/home/dev/${project}` },
      answer(`a-${project}`, 9),
    ];
    const name = `2026-11-20T10-00-00-000Z_${uuid}.jsonl`;
    const both = found({ [`${folder}--one--/${name}`]: of('one'), [`${folder}--two--/${name}`]: of('two') });
    expect(both.map(({ calls }) => calls)).toEqual([['a-one'], ['a-two']]);
    expect(new Set(both.map(({ id }) => id)).size).toBe(2);
  });

  it('of an id that Pi made are one session, even when somebody gave a copy another directory', () => {
    const own = found({
      [`${folder}--one--/${madeName}.jsonl`]: [{ ...madeHeader, cwd: '/home/dev/one' }, answer('a1', 2)],
      [`${folder}--two--/${madeName}.jsonl`]: [
        { ...madeHeader, cwd: '/home/dev/two' },
        answer('a1', 2),
        answer('a2', 2),
      ],
    });
    expect(own.map(({ projectPath, calls }) => [projectPath, calls])).toEqual([
      ['/home/dev/one', ['a1', 'a2']],
    ]);
  });

  it('of the first format have entries without ids, and forks that say branchedFrom', () => {
    const old = {
      ...header,
      version: undefined,
      timestamp: at(5),
      branchedFrom: `/x/${madeName}.jsonl`,
    };
    const { session } = only([old, answer('', 1), answer('', 6)]);
    expect(session.forkedFrom).toBe(made);
    expect(session.messages.map(({ id, copied }) => [id, copied])).toEqual([
      ['line-2', true],
      ['line-3', false],
    ]);
    expect(session.calls.map(({ id }) => id)).toEqual(['line-3']);
  });

  it('of a fork name as its origin no id that was chosen, since other projects may have it as well', () => {
    const fork = { ...header, timestamp: at(5), parentSession: '/x/2026-11-20T09-00-00-000Z_nightly.jsonl' };
    const { session } = only([fork, answer('a1', 1), answer('a2', 6)]);
    expect(session.forkedFrom).toBeUndefined();
    expect(session.uncounted).toMatchObject([{ id: 'a1', reason: 'made by nightly and copied here' }]);
    expect(session.calls.map(({ id }) => id)).toEqual(['a2']);
  });

  it('are found in folders of one’s own', () => {
    const lines = [header, user('u1', 1, 'Hi')];
    const home = homeOf({
      'own/2026-11-20T10-00-00-000Z_s1.jsonl': lines,
      'agent/sessions/--x--/t_s2.jsonl': [{ ...header, id: 's2' }, user('u2', 1, 'Hi')],
    });
    const ids = (vars: Record<string, string>) => sessionsOf(home, vars).map(({ id }) => id.split('@')[0]);
    expect(ids({ PI_CODING_AGENT_SESSION_DIR: `${home}/own` })).toEqual(['s1']);
    expect(ids({ PI_CODING_AGENT_DIR: `${home}/agent` })).toEqual(['s2']);
  });
});

describe('copies in a fork', () => {
  const parent = '01a20f54-6477-7169-adad-017d83e164d7';
  const fork = {
    ...header,
    timestamp: at(5),
    parentSession: `/x/2026-11-24T20-51-58-712Z_${parent}.jsonl`,
  };
  const undated = (line: object) => ({ ...line, timestamp: undefined });
  const billed = (...lines: object[]) => only([fork, user('u1', 1, 'Hi'), ...lines]).session;

  it('may be as old as its header, to the millisecond', () => {
    const session = billed(answer('a1', 5), answer('a2', 6));
    expect(session.calls.map(({ id }) => id)).toEqual(['a2']);
    expect(session.messages.map(({ copied }) => copied)).toEqual([true, true, false]);
  });

  it('have no time where they stand before the first line of its own', () => {
    const session = billed(
      undated(answer('a1', 0)),
      answer('a2', 2),
      answer('a3', 6),
      undated(answer('a4', 0)),
    );
    expect(session.calls.map(({ id }) => id)).toEqual(['a3', 'a4']);
  });

  it('are told by their times even behind a line that seems to be younger', () => {
    expect(billed(answer('a1', 9), answer('a2', 2)).calls.map(({ id }) => id)).toEqual(['a1']);
  });

  it('are none in a session that only names the one before it', () => {
    const change = { type: 'model_change', provider: 'anthropic', modelId: 'claude-opus-4-5' };
    const { session } = only([fork, entry('m1', 5, change), user('u1', 6, 'Hi'), answer('a1', 7)]);
    expect(session.forkedFrom).toBeUndefined();
    expect(session.calls.map(({ id }) => id)).toEqual(['a1']);
    expect(billed(answer('a1', 6)).forkedFrom).toBe(parent);
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
