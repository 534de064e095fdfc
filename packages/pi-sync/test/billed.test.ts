import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiCall, Session } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { type Billed, copyOf, expectedOf, fixture, preparedOf, sessionsOf, VERSIONS } from './home.js';

/** Before 0.81 the client does not write down what compactions and summaries of a branch cost. */
const hasSummaries = (version: string) => version !== '0.74.2';
/** Before 0.87, `cacheWrite1h` is not told apart. */
const hasHours = (version: string) => version !== '0.74.2';

function tokens(responses: readonly Billed[], version: string) {
  return responses.map(({ model, input, cacheRead, cacheWrite5m, cacheWrite1h, output }) => ({
    model,
    input,
    cacheRead,
    cacheWrite5m: hasHours(version) ? cacheWrite5m : cacheWrite5m + cacheWrite1h,
    cacheWrite1h: hasHours(version) ? cacheWrite1h : 0,
    output,
  }));
}

function read(calls: readonly ApiCall[]) {
  return calls.map(({ model, usage }) => {
    if (usage === undefined) throw new Error('Its tokens are not known.');
    const { reasoning: _, ...buckets } = usage;
    return { model, ...buckets };
  });
}

function add<T extends { input: number; output: number; cacheRead: number }>(all: readonly T[]) {
  const total = (pick: (one: T) => number) => all.reduce((sum, one) => sum + pick(one), 0);
  return {
    input: total((o) => o.input),
    output: total((o) => o.output),
    cacheRead: total((o) => o.cacheRead),
  };
}

const typed = (session: Session) =>
  session.messages
    .filter(({ role, copied, injected }) => role === 'user' && copied !== true && injected !== true)
    .flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));

describe.each(VERSIONS)('a history of Pi %s', (version) => {
  const expected = expectedOf(version);
  const sessions = sessionsOf(fixture(version));
  const of = (id: string) => sessions.find((session) => session.id === id) as Session;
  const ids = Object.entries(expected.sessions);

  const sessionWith = (kind: Billed['kind']) => {
    const [id, { responses }] = ids.find(([, one]) => one.responses.some((r) => r.kind === kind)) ?? [
      '',
      { responses: [] },
    ];
    return { id, responses };
  };

  it('has every session once, and knows which is a fork of which', () => {
    expect(sessions.map(({ id }) => id).sort()).toEqual(Object.keys(expected.sessions).sort());
    for (const [id, { forkedFrom }] of ids) expect(of(id).forkedFrom ?? null).toBe(forkedFrom);
  });

  it.each(ids)(
    'has each answer of %s with the tokens and the model it was billed at',
    (id, { responses }) => {
      const answers = of(id).calls.filter(({ summed }) => summed !== true);
      const billed = responses.filter(({ kind }) => kind !== 'summary');
      const whole = billed.filter(({ kind }) => kind !== 'stopped');
      expect(read(answers).slice(0, whole.length)).toEqual(tokens(whole, version));
      expect(answers).toHaveLength(billed.length);
    },
  );

  it('counts compactions and summaries of a branch as they were billed, or says that it cannot', () => {
    const { id, responses } = sessionWith('summary');
    const summaries = of(id).calls.filter(({ summed }) => summed === true);
    if (!hasSummaries(version)) {
      expect(summaries.map(({ usage }) => usage)).toEqual([undefined, undefined]);
      return;
    }
    const billed = tokens(
      responses.filter(({ kind }) => kind === 'summary'),
      version,
    );
    expect(add(read(summaries))).toEqual(add(billed));
    expect(new Set(summaries.map(({ model }) => model))).toEqual(new Set(billed.map(({ model }) => model)));
  });

  it('says of an answer that was stopped that more was billed than is known', () => {
    const { id, responses } = sessionWith('stopped');
    const stopped = responses.find(({ kind }) => kind === 'stopped');
    expect(of(id).calls.at(-1)?.usage).toMatchObject({
      input: stopped?.input,
      cacheRead: stopped?.cacheRead,
    });
    expect(of(id).problems.map(({ message }) => message)).toEqual([expect.stringContaining('Of 1 answer')]);
  });

  it('bills no copy and no failed request', () => {
    const calls = sessions.flatMap((session) => session.calls);
    expect(calls).toHaveLength(
      ids.flatMap(([, one]) => one.responses).length - (hasSummaries(version) ? 1 : 0),
    );
    const failed = sessions.flatMap(({ uncounted }) =>
      uncounted.filter(({ reason }) => /failed/.test(reason)),
    );
    expect(failed).toHaveLength(hasHours(version) ? expected.failedRequests : 0);
    for (const { uncounted, forkedFrom } of sessions) {
      const copies = uncounted.filter(({ reason }) => reason.includes('copied'));
      expect(copies.length > 0).toBe(forkedFrom !== undefined);
      expect(copies.every(({ reason }) => reason.includes(String(forkedFrom)))).toBe(true);
    }
  });

  it.each(ids)('shows what was typed in %s', (id, { prompts }) => {
    expect(typed(of(id))).toEqual(prompts);
  });

  it('counts a fork the same when what it was forked from is gone', () => {
    const home = copyOf(version);
    const fork = sessions.find(({ id, forkedFrom }) => expected.sessions[id] && forkedFrom !== undefined);
    rmSync(join(home, expected.sessions[String(fork?.forkedFrom)]?.file ?? ''));
    expect(sessionsOf(home)).toHaveLength(sessions.length - 1);
    const bill = (session?: Session) => session?.calls.map(({ id, usage }) => ({ id, usage }));
    expect(bill(sessionsOf(home).find(({ id }) => id === fork?.id))).toEqual(bill(fork));
  });

  it('comes to the cost that Pi reckoned itself', () => {
    for (const { session, priced } of preparedOf(fixture(version))) {
      if (session.calls.some(({ usage }) => usage === undefined)) expect(priced.cost).toBeNull();
      else
        expect(priced.cost).toBeCloseTo(
          session.calls.reduce((sum, { toolCost = 0 }) => sum + toolCost, 0),
          9,
        );
    }
  });

  it('sends nothing of the system prompt', () => {
    expect(JSON.stringify(sessions.map(({ messages }) => messages))).not.toContain('filler filler filler');
  });
});
