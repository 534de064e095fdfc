import { describe, expect, it, onTestFinished } from 'vitest';
import { API_KEY, faults, type HostedOptions, startHostedServer } from '../test/hosted-server.js';
import { createClient } from './client.js';
import type { Plan } from './plan.js';
import { type Sent, send } from './send.js';
import type { SyncMessageData } from './types.js';

const AT = Date.UTC(2026, 0, 15, 12);
const SESSION = { externalId: 's1', source: 'tiny-tool', title: 'T', createdAt: AT };

const message = (id: string, content: unknown = id): SyncMessageData => ({
  sessionExternalId: 's1',
  externalId: id,
  role: 'user',
  createdAt: AT,
  parts: [{ type: 'text', content }],
});
const poison = (id: string) => message(id, { $ref: 1 });
const planOf = (fields: Partial<Plan>): Plan => ({ isNew: true, messages: [], waitMs: 0, ...fields });

async function start(capabilities: HostedOptions['capabilities'] = []) {
  const hosted = await startHostedServer({ capabilities });
  onTestFinished(() => hosted.close());
  const client = createClient({ url: hosted.url, apiKey: API_KEY, retries: 1, sleep: async () => undefined });
  const batch = capabilities.includes('batch');
  const server = { client, skewMs: 0, batch, immediate: batch, unlimited: batch };
  const notes: Sent[] = [];
  return {
    hosted,
    notes,
    paths: () => hosted.requests.map(({ path }) => path),
    send: (plan: Partial<Plan>) => send(server, planOf(plan), (sent) => notes.push(sent)),
    /** Everything that was noted, together. */
    noted: () => ({
      session: notes.some(({ session }) => session),
      messages: notes.flatMap(({ messages }) => messages),
      refused: notes.flatMap(({ refused }) => refused.map(({ externalId }) => externalId)),
    }),
  };
}

describe('one by one', () => {
  it('sends the session before its messages and notes what was taken', async () => {
    const { send, paths, noted } = await start();
    await send({ session: SESSION, messages: [message('a'), message('b')] });
    expect(paths()).toEqual(['/sync/session', '/sync/session', '/sync/message', '/sync/message']);
    expect(noted()).toEqual({ session: true, messages: ['a', 'b'], refused: [] });
  });

  it('brings a new duration to a session whose first call was taken and never acknowledged', async () => {
    const { send, hosted } = await start();
    hosted.fault = ({ number }) => (number < 3 ? faults.lostAnswer : undefined);
    await expect(send({ session: { ...SESSION, durationMs: 0 } })).rejects.toMatchObject({ kind: 'network' });
    await send({ session: { ...SESSION, durationMs: 139 } });
    expect(hosted.store.snapshot()).toMatchObject([{ title: 'T', durationMs: 139 }]);
  });

  it('notes often, so that an interruption repeats little', async () => {
    const { send, notes } = await start();
    await send({ session: SESSION, messages: Array.from({ length: 60 }, (_, n) => message(`m${n}`)) });
    expect(notes.map(({ messages }) => messages.length)).toEqual([25, 25, 10]);
  });

  it('sets aside what the server refuses and goes on', async () => {
    const { send, notes, noted } = await start();
    await send({ session: SESSION, messages: [message('a'), poison('b'), message('c')] });
    expect(noted()).toEqual({ session: true, messages: ['a', 'c'], refused: ['b'] });
    expect(notes[0]?.refused[0]?.error).toMatch(/HTTP 500: Error: Field name starts with/);
  });

  it('sends no message of a new session that is refused: the server would create it anew', async () => {
    const { send, paths, noted, hosted } = await start();
    await send({ session: { ...SESSION, title: 'half \ud800' }, messages: [message('a')] });
    expect(paths()).toEqual(['/sync/session']);
    expect(noted()).toEqual({ session: false, messages: [], refused: ['s1'] });
    expect(hosted.store.snapshot()).toEqual([]);
  });

  it('sends the messages of a session that the server has, even when it refuses an update of it', async () => {
    const { send, noted } = await start();
    await send({ session: SESSION });
    await send({ isNew: false, session: { ...SESSION, title: 'half \ud800' }, messages: [message('a')] });
    expect(noted()).toEqual({ session: true, messages: ['a'], refused: ['s1'] });
  });

  it('shifts a text by one character when the server cuts an emoji in half', async () => {
    const { send, noted, hosted } = await start();
    const text = `${'x'.repeat(9_997)}😀`;
    await send({ session: SESSION, messages: [message('a', text)] });
    expect(noted()).toEqual({ session: true, messages: ['a'], refused: [] });
    expect(hosted.store.messages.get('a')?.parts[0]?.content).toBe(`\n${text}`);
  });

  it('stops at a failure that may pass, with what was taken noted', async () => {
    const { send, noted, hosted } = await start();
    hosted.fault = ({ number }) => (number > 3 ? faults.overloaded : undefined);
    const sending = send({ session: SESSION, messages: [message('a'), message('b')] });
    await expect(sending).rejects.toMatchObject({ kind: 'network', status: 503 });
    expect(noted()).toEqual({ session: true, messages: ['a'], refused: [] });
  });
});

describe('in batches', () => {
  it('sends everything in one request', async () => {
    const { send, paths, noted } = await start(['batch']);
    await send({ session: SESSION, messages: [message('a'), message('b')] });
    expect(paths()).toEqual(['/sync/batch']);
    expect(noted()).toEqual({ session: true, messages: ['a', 'b'], refused: [] });
  });

  it('sends a session without messages as well', async () => {
    const { send, paths, noted } = await start(['batch']);
    await send({ session: SESSION });
    expect(paths()).toEqual(['/sync/batch']);
    expect(noted()).toEqual({ session: true, messages: [], refused: [] });
  });

  it('begins a new one after 500 messages or 4 MiB, the session in the first alone', async () => {
    const { send, hosted, noted } = await start(['batch']);
    const small = Array.from({ length: 501 }, (_, n) => message(`m${n}`));
    const large = Array.from({ length: 9 }, (_, n) => message(`l${n}`, 'x'.repeat(900_000)));
    await send({ session: SESSION, messages: [...small, ...large] });
    const sizes = hosted.requests.map(({ body }) => [body.sessions.length, body.messages.length]);
    expect(sizes).toEqual([
      [1, 500],
      [0, 5],
      [0, 4],
      [0, 1],
    ]);
    expect(noted().messages).toEqual([...small, ...large].map(({ externalId }) => externalId));
  });

  it('sets aside what the server names and notes the rest', async () => {
    const { send, noted } = await start(['batch']);
    await send({ session: SESSION, messages: [poison('a'), message('b'), poison('c'), message('d')] });
    expect(noted()).toEqual({ session: true, messages: ['b', 'd'], refused: ['a', 'c'] });
  });

  it('goes on after an update of the session was refused', async () => {
    const { send, noted } = await start(['batch']);
    const messages = Array.from({ length: 501 }, (_, n) => message(`m${n}`));
    await send({ isNew: false, session: { ...SESSION, title: 'half \ud800' }, messages });
    expect(noted()).toMatchObject({ session: false, refused: ['s1'] });
    expect(noted().messages).toHaveLength(501);
  });

  it('sends one by one what is refused as a whole, so that each item has an answer of its own', async () => {
    const { send, noted, hosted, paths } = await start(['batch']);
    const tooLarge = { when: 'before', answer: { status: 413, body: '' } } as const;
    hosted.fault = ({ path }) => (path === '/sync/batch' ? tooLarge : undefined);
    await send({ session: SESSION, messages: [message('a'), poison('b'), message('c')] });
    expect(paths()).toEqual(['/sync/batch', '/sync/session', ...Array(3).fill('/sync/message')]);
    expect(noted()).toEqual({ session: true, messages: ['a', 'c'], refused: ['b'] });
  });

  it.each([
    ['counts fewer than it was sent', { ok: true, sessions: 1, messages: 1, errors: [] }],
    [
      'names fewer than are missing',
      {
        ok: true,
        sessions: 1,
        messages: 0,
        errors: [],
        failed: [{ kind: 'message', index: 0, error: 'no' }],
      },
    ],
  ])('notes nothing when the server %s', async (_name, body) => {
    const { send, notes, hosted } = await start(['batch']);
    hosted.fault = () => ({ when: 'before', answer: { status: 200, body: JSON.stringify(body) } });
    const sending = send({ session: SESSION, messages: [message('a'), message('b')] });
    await expect(sending).rejects.toMatchObject({ kind: expect.stringMatching(/network|poison/) });
    expect(notes).toEqual([]);
  });

  it('stops at a failure that may pass, with the batches before it noted', async () => {
    const { send, hosted, noted } = await start(['batch']);
    hosted.fault = ({ number }) => (number > 1 ? faults.unreachable : undefined);
    const messages = Array.from({ length: 501 }, (_, n) => message(`m${n}`));
    await expect(send({ session: SESSION, messages })).rejects.toMatchObject({ kind: 'network' });
    expect(noted().messages).toHaveLength(500);
  });
});
