import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acknowledged, acknowledge, plan } from '../src/plan.js';
import { calculateCost, priceCalls } from '../src/pricing.js';
import { redactSession } from '../src/redact.js';
import type { ApiCall, Message, Part, Session, SyncMessageData } from '../src/types.js';
import { splitWire, toWire } from '../src/wire.js';
import { HostedStore } from './hosted-store.js';

const NOW = Date.UTC(2026, 11, 1);
const MIB = 1 << 20;

const long = fc
  .tuple(fc.constantFrom('x', 'é', '\u{1f600}', '\0'), fc.integer({ min: 60_000, max: 250_000 }))
  .map(([one, times]) => one.repeat(times));
const text = fc.oneof(
  { weight: 30, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 10,
    arbitrary: fc.constantFrom('', '\ud83d', '\0', 'API_KEY=abc123def456ghi789', '__proto__', '/home/me/x'),
  },
  { weight: 1, arbitrary: long },
);
/** Ids and the names of tools and models stay as they are. */
const label = text.filter((one) => !one.includes('abc123'));
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(8.64e15, 8.64e15 + 1, Number.MAX_VALUE, -1),
);
const args = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, maxDepth: 5 }),
  fc.dictionary(text, fc.jsonValue(), { maxKeys: 5 }),
);
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ type: fc.constantFrom('text' as const, 'thinking' as const), text }),
  fc.record({ type: fc.constant('tool-call' as const), id: label, name: label, args }),
  fc.record({
    type: fc.constant('tool-result' as const),
    id: label,
    name: label,
    result: text,
    isError: fc.boolean(),
  }),
  fc.record({ type: fc.constant('file' as const), mediaType: label, bytes: fc.nat() }),
);
const usage = fc.record({
  input: number,
  cacheRead: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  output: number,
  reasoning: fc.option(number),
});
const message = fc.record(
  {
    role: fc.constantFrom(
      'user' as const,
      'assistant' as const,
      'system' as const,
      'tool' as const,
      'unknown' as const,
    ),
    parts: fc.array(part, { maxLength: 5 }),
    createdAt: number,
    model: label,
    usage,
  },
  { requiredKeys: ['role', 'parts'] },
);
const call = fc.record(
  { model: label, provider: label, createdAt: number, usage, tier: text },
  { requiredKeys: [] },
);

const session: fc.Arbitrary<Session> = fc
  .record(
    { title: text, projectPath: text, projectName: text, createdAt: number, updatedAt: number },
    { requiredKeys: [] },
  )
  .chain((header) =>
    fc
      .tuple(fc.array(message, { maxLength: 6 }), fc.array(call, { maxLength: 4 }))
      .map(([messages, calls]) => ({
        id: 's1',
        ...header,
        messages: messages.map((one, n): Message => ({ id: `m${n}`, ...one })),
        calls: calls.map((one, n): ApiCall => ({ id: `c${n}`, ...one })),
        uncounted: [],
        problems: [],
      })),
  );

function wireOf(one: Session) {
  const { cost } = priceCalls(one.calls, {});
  const redacted = redactSession(one, { homes: ['/home/me'], secrets: ['a secret of mine'] });
  return toWire(redacted, { source: 'tiny-tool', cost, thinking: true });
}

/** The server's own cut of its search text may split an emoji; the client then puts a line break in front. */
function save(store: HostedStore, body: SyncMessageData): void {
  try {
    store.saveMessage('user', body);
  } catch (error) {
    if (!/lone leading surrogate/.test(String(error))) throw error;
    const first = body.parts?.findIndex(({ type }) => type === 'text');
    const parts = body.parts?.map((one, n) => (n === first ? { ...one, content: `\n${one.content}` } : one));
    store.saveMessage('user', { ...body, parts });
  }
}

describe('a session of anything at all, from redaction and prices to the server', () => {
  it('is taken, within the limits, and the same each time', () => {
    fc.assert(
      fc.property(session, (one) => {
        const wire = wireOf(one);
        expect(wireOf(one)).toEqual(wire);
        const store = new HostedStore({ now: () => NOW, immediate: true });
        for (const { session: header, messages } of splitWire(wire)) {
          store.saveSession('user', header);
          for (const body of messages) {
            save(store, body);
            const bytes = Buffer.byteLength(JSON.stringify(body));
            // All parts, and the text beside them: far below the 16 MiB of a request.
            expect(bytes).toBeLessThan(5 * MIB);
          }
        }
        const sent = JSON.stringify(wire.messages);
        expect(sent).not.toContain('abc123def456ghi789');
      }),
      { numRuns: 60, seed: 20261124 },
    );
  });

  it('is sent once, however it grows and in whatever pieces the server takes it', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 8 })), { maxLength: 5 });
    fc.assert(
      fc.property(session, steps, (one, grown) => {
        const store = new HostedStore({ now: () => NOW, immediate: true });
        let known: Acknowledged | undefined;
        // The last step brings everything and the server takes all of it.
        for (const [length, takes] of [...grown.sort(([a], [b]) => a - b), [8, 8] as const]) {
          const wire = wireOf({ ...one, messages: one.messages.slice(0, length) });
          const next = plan(wire, known, { now: NOW, immediate: true });
          const taken = next.messages.slice(0, takes);
          if (next.session !== undefined) store.saveSession('user', next.session);
          for (const body of taken) save(store, body);
          const ids = taken.map(({ externalId }) => externalId);
          known = acknowledge(
            known,
            { session: next.session !== undefined, messages: ids, refused: [] },
            wire,
          );
        }
        const whole = wireOf(one);
        const again = plan(whole, known, { now: NOW, immediate: true });
        expect([again.session, again.messages]).toEqual([undefined, []]);
        expect(new Set(store.messages.keys())).toEqual(
          new Set(whole.messages.map(({ externalId }) => externalId)),
        );
      }),
      { numRuns: 25, seed: 20261124 },
    );
  });
});

describe('the cost of anything at all', () => {
  it('is a number that is not negative, or unknown', () => {
    fc.assert(
      fc.property(text, usage, fc.option(number, { nil: undefined }), (model, tokens, at) => {
        for (const name of [model, 'claude-opus-4-8', 'gpt-5.2-codex']) {
          const cost = calculateCost(name, tokens, at);
          if (cost.known) expect(Number.isFinite(cost.usd) && cost.usd >= 0).toBe(true);
          else expect(cost.reason).not.toBe('');
        }
      }),
      { numRuns: 500, seed: 20261124 },
    );
  });
});
