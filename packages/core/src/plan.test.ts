import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acknowledged, acknowledge, type PlanOptions, plan, UPDATE_WINDOW_MS } from './plan.js';
import type { Sent } from './send.js';
import type { SyncMessageData } from './types.js';
import type { WireSession } from './wire.js';

const NOW = Date.UTC(2026, 0, 15, 12);
const HOUR = 3_600_000;
const HOSTED: PlanOptions = { now: NOW, immediate: false };
const IMMEDIATE: PlanOptions = { now: NOW, immediate: true };

const message = (id: string, createdAt?: number, text = id): SyncMessageData => ({
  sessionExternalId: 's1',
  externalId: id,
  role: 'user',
  source: 'tiny-tool',
  parts: [{ type: 'text', content: text }],
  textContent: text,
  ...(createdAt !== undefined && { createdAt }),
});
const wire = (
  messages: SyncMessageData[] = [],
  header: Partial<WireSession['session']> = {},
): WireSession => ({
  session: { externalId: 's1', source: 'tiny-tool', title: 'T', createdAt: NOW - HOUR, cost: 1, ...header },
  messages,
});
const sent = (fields: Partial<Sent> = {}): Sent => ({ session: false, messages: [], refused: [], ...fields });
const refusal = (externalId: string) => ({ externalId, error: 'no' });
/** After the server took all of it. */
const taken = (all: WireSession) =>
  acknowledge(
    undefined,
    sent({ session: true, messages: all.messages.map(({ externalId }) => externalId) }),
    all,
  );
const idsOf = (messages: readonly SyncMessageData[]) => messages.map(({ externalId }) => externalId);

describe('plan', () => {
  it('sends everything the first time, in order, with source and title', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - HOUR + 1), message('c')]);
    expect(plan(all, undefined, HOSTED)).toEqual({
      isNew: true,
      session: all.session,
      messages: all.messages,
      waitMs: 0,
    });
  });

  it('sends nothing that the server has', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - 1)]);
    expect(plan(all, taken(all), HOSTED)).toEqual({ isNew: false, messages: [], waitMs: 0 });
  });

  it('sends what changed and what is new, and no other message', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - HOUR + 1)]);
    const later = wire([
      message('a', NOW - HOUR),
      message('b', NOW - HOUR + 1, 'more'),
      message('c', NOW - HOUR + 2),
    ]);
    const next = plan(later, taken(all), HOSTED);
    expect(idsOf(next.messages)).toEqual(['b', 'c']);
    expect(next).not.toHaveProperty('session');
  });

  it('does not count a date as a change, since the server never changes one', () => {
    const all = wire([message('a', NOW - HOUR)]);
    const moved = wire([message('a', NOW - HOUR + 5)], { createdAt: NOW - HOUR - 5 });
    expect(plan(moved, taken(all), HOSTED)).toEqual({ isNew: false, messages: [], waitMs: 0 });
  });

  it('leaves source and an unchanged title out of an update, which the server would else drop or undo', () => {
    const all = wire();
    const update = plan(wire([], { cost: 2 }), taken(all), HOSTED).session;
    expect(update).toEqual({ externalId: 's1', cost: 2, createdAt: NOW - HOUR });
    const renamed = plan(wire([], { title: 'U' }), taken(all), HOSTED).session;
    expect(renamed).toEqual({ externalId: 's1', cost: 1, title: 'U', createdAt: NOW - HOUR });
  });

  it('never dates a session after now', () => {
    expect(plan(wire([], { createdAt: NOW + 5 }), undefined, HOSTED).session?.createdAt).toBe(NOW);
  });

  it('is pure: the same for the same, and nothing it is given changes', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - 100), message('c', NOW + HOUR)]);
    const known = taken(wire([message('a', NOW - HOUR, 'before')], { title: 'before' }));
    const before = structuredClone([all, known]);
    expect(plan(all, known, HOSTED)).toEqual(plan(structuredClone(all), structuredClone(known), HOSTED));
    expect([all, known]).toEqual(before);
  });
});

describe('the window in which the server drops updates', () => {
  it('is waited for before a message is sent at all', () => {
    const all = wire([message('old', NOW - UPDATE_WINDOW_MS), message('young', NOW - 1_200)]);
    const next = plan(all, undefined, HOSTED);
    expect(idsOf(next.messages)).toEqual(['old']);
    expect(next.waitMs).toBe(4_000);
    const later = plan(all, undefined, { ...HOSTED, now: NOW + next.waitMs });
    expect(idsOf(later.messages)).toEqual(['old', 'young']);
    expect(later.waitMs).toBe(0);
  });

  it('does not hold up the session itself nor what the server has', () => {
    const all = wire([message('young', NOW - 1)]);
    expect(plan(all, undefined, HOSTED).session).toEqual(all.session);
    expect(plan(all, taken(all), HOSTED).waitMs).toBe(0);
  });

  it('is none for a server that applies updates at once', () => {
    const all = wire([message('young', NOW - 1)]);
    expect(plan(all, undefined, IMMEDIATE)).toMatchObject({ messages: all.messages, waitMs: 0 });
  });

  it('is over for a message from the future, which is sent with a date that lies behind it', () => {
    const all = wire([message('a', NOW + HOUR), message('b', NOW + HOUR + 1)]);
    const next = plan(all, undefined, HOSTED);
    expect(next.waitMs).toBe(0);
    expect(next.messages.map(({ createdAt }) => createdAt)).toEqual([
      NOW - UPDATE_WINDOW_MS,
      NOW - UPDATE_WINDOW_MS,
    ]);
    const atOnce = plan(all, undefined, IMMEDIATE);
    expect(atOnce.messages.map(({ createdAt }) => createdAt)).toEqual([NOW, NOW]);
  });

  it('is not over for one that is a little ahead of what is known of the clock: it keeps its date', () => {
    const all = wire([message('a', NOW + 2_000)]);
    const next = plan(all, undefined, HOSTED);
    expect(next).toMatchObject({ messages: [], waitMs: 2_000 + UPDATE_WINDOW_MS });
    const later = { ...HOSTED, now: NOW + next.waitMs };
    expect(plan(all, undefined, later).messages).toEqual(all.messages);
    expect(plan(all, undefined, IMMEDIATE).messages).toEqual(all.messages);
  });

  it('keeps a message from the future behind the one before it that waits', () => {
    const all = wire([message('a', NOW - 1_000), message('b', NOW + 60_000)]);
    expect(plan(all, undefined, HOSTED)).toMatchObject({ messages: [], waitMs: 4_200 });
  });

  it('never lets the server see messages out of order, whatever their dates and the moments of the runs', () => {
    const gaps = fc.array(fc.constantFrom(1, 40, 900, 3_000, 6_000, 60_000), { minLength: 1, maxLength: 8 });
    const steps = fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(gaps, steps, fc.integer({ min: -20_000, max: 90_000 }), (gaps, steps, start) => {
        const times = gaps.map((_, index) =>
          gaps.slice(0, index).reduce((sum, gap) => sum + gap, NOW + start),
        );
        const all = wire(times.map((at, index) => message(`m${index}`, at)));
        const shown: { id: string; createdAt: number }[] = [];
        let known: Acknowledged | undefined;
        let now = NOW;
        // The last step leaves time enough for everything.
        for (const step of [...steps, 10 * 60_000]) {
          now += step;
          const next = plan(all, known, { now, immediate: false });
          for (const { externalId, createdAt = 0 } of next.messages) {
            expect(createdAt).toBeLessThanOrEqual(now - UPDATE_WINDOW_MS);
            shown.push({ id: externalId, createdAt });
          }
          known = acknowledge(known, sent({ session: true, messages: idsOf(next.messages) }), all);
        }
        const asShown = [...shown].sort((a, b) => a.createdAt - b.createdAt).map(({ id }) => id);
        expect(asShown).toEqual(idsOf(all.messages));
      }),
    );
  });
});

describe('what the server refuses', () => {
  it('is not offered again until it changes', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - HOUR + 1)]);
    const known = acknowledge(
      undefined,
      sent({ session: true, messages: ['a'], refused: [refusal('b')] }),
      all,
    );
    expect(plan(all, known, HOSTED).messages).toEqual([]);
    const changed = wire([message('a', NOW - HOUR), message('b', NOW - HOUR + 1, 'other')]);
    expect(idsOf(plan(changed, known, HOSTED).messages)).toEqual(['b']);
  });

  it('takes its messages along when it is the session itself and new', () => {
    const all = wire([message('a', NOW - HOUR), message('young', NOW - 1)]);
    const known = acknowledge(undefined, sent({ refused: [refusal('s1')] }), all);
    expect(plan(all, known, HOSTED)).toEqual({ isNew: true, messages: [], waitMs: 0 });
    const changed = wire(all.messages, { title: 'other' });
    expect(plan(changed, known, HOSTED)).toMatchObject({
      isNew: true,
      session: { title: 'other', source: 'tiny-tool' },
    });
    expect(idsOf(plan(changed, known, HOSTED).messages)).toEqual(['a']);
  });

  it('holds no message back when it is an update of a session that the server has', () => {
    const first = wire([]);
    const second = wire([message('a', NOW - HOUR)], { title: 'refused' });
    const known = acknowledge(taken(first), sent({ refused: [refusal('s1')] }), second);
    expect(plan(second, known, HOSTED)).toMatchObject({ isNew: false, messages: second.messages });
    expect(plan(second, known, HOSTED)).not.toHaveProperty('session');
  });

  it('leaves what the server has as it was: back in that state, nothing is sent', () => {
    const good = wire([message('a', NOW - HOUR, 'good')]);
    const bad = wire([message('a', NOW - HOUR, 'bad')]);
    const known = acknowledge(taken(good), sent({ refused: [refusal('a')] }), bad);
    expect(plan(good, known, HOSTED).messages).toEqual([]);
    expect(plan(bad, known, HOSTED).messages).toEqual([]);
  });

  it('is forgotten once the server took something else in its place', () => {
    const bad = wire([message('a', NOW - HOUR, 'bad')], { title: 'bad' });
    const good = wire([message('a', NOW - HOUR, 'good')], { title: 'good' });
    const refused = acknowledge(undefined, sent({ refused: [refusal('a'), refusal('s1')] }), bad);
    const known = acknowledge(refused, sent({ session: true, messages: ['a'] }), good);
    expect(known).not.toHaveProperty('refused');
    expect(plan(bad, known, HOSTED)).toMatchObject({ session: { title: 'bad' }, messages: bad.messages });
  });
});

describe('acknowledge', () => {
  it('notes nothing that was neither taken nor refused', () => {
    const all = wire([message('a', NOW - HOUR), message('b', NOW - HOUR + 1)]);
    const known = acknowledge(undefined, sent({ messages: ['a'] }), all);
    expect(known).not.toHaveProperty('header');
    expect(Object.keys(known.messages)).toEqual(['a']);
    expect(plan(all, known, HOSTED)).toMatchObject({ isNew: true, session: all.session });
    expect(idsOf(plan(all, known, HOSTED).messages)).toEqual(['b']);
  });

  it('leaves what it is given alone', () => {
    const all = wire([message('a', NOW - HOUR)]);
    const known = acknowledge(undefined, sent({ session: true, refused: [refusal('a')] }), all);
    const before = structuredClone(known);
    acknowledge(known, sent({ messages: ['a'] }), all);
    expect(known).toEqual(before);
  });

  it('in any order of partial answers, ends where one full answer ends', () => {
    const all = wire(['a', 'b', 'c', 'd'].map((id) => message(id, NOW - HOUR)));
    const answers = fc.shuffledSubarray(['a', 'b', 'c', 'd', 'session'], { minLength: 5 });
    fc.assert(
      fc.property(answers, (order) => {
        let known: Acknowledged | undefined;
        for (const id of order) {
          known = acknowledge(
            known,
            id === 'session' ? sent({ session: true }) : sent({ messages: [id] }),
            all,
          );
        }
        expect(known).toEqual(taken(all));
      }),
    );
  });
});
