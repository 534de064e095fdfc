import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hooksOf } from '../test/home.js';
import { keep } from './usage-record.js';

const AT = Date.parse('2025-10-09T09:03:45Z');

/** A payload of the first turn of chat 2, with some fields changed. */
function payload(event: 'stop' | 'afterAgentResponse', change: object = {}): string {
  const text = hooksOf('2').find((one) => one.includes(`"hook_event_name":"${event}"`)) ?? '{}';
  return JSON.stringify({ ...(JSON.parse(text) as object), ...change });
}

function kept(text: string): unknown {
  const line = keep(text, AT);
  return line === undefined ? undefined : JSON.parse(line);
}

const RECORD = {
  time: AT,
  event: 'stop',
  conversation_id: '0b6e1a52-1111-4a6f-9d10-000000000002',
  generation_id: '5f0c2a10-0000-4000-8000-00000000aa01',
  model: 'claude-4.5-sonnet-thinking',
  input_tokens: 5321,
  output_tokens: 410,
  cache_read_tokens: 18200,
  cache_write_tokens: 2200,
};

describe('what is kept of a hook', () => {
  it('is the tokens of the turn, its ids, model and time', () => {
    expect(kept(payload('stop'))).toEqual(RECORD);
    expect(kept(payload('afterAgentResponse'))).toEqual({ ...RECORD, event: 'afterAgentResponse' });
  });

  it('is one line', () => {
    expect(keep(payload('stop', { conversation_id: 'two\nlines' }), AT)).not.toContain('\n');
  });

  it('is the same behind a byte order mark and before a line break', () => {
    expect(kept(`\uFEFF${payload('stop')}\r\n`)).toEqual(RECORD);
  });

  it('is nothing for the hooks that tell no tokens', () => {
    const events = (number: string) =>
      hooksOf(number)
        .flatMap((text) => keep(text, AT) ?? [])
        .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events('2')).toEqual(['afterAgentResponse', 'stop', 'afterAgentResponse', 'stop']);
    expect(events('6')).toEqual(['afterAgentResponse', 'stop']);
    // Without a terminal, Auto in an older client, a subagent.
    for (const number of ['1', '3', 'a6']) expect(events(number)).toEqual([]);
  });

  it.each([
    ['a count is missing', { cache_read_tokens: undefined }],
    ['a count is no whole number', { input_tokens: 1.5 }],
    ['a count is negative', { output_tokens: -1 }],
    ['a count is text', { output_tokens: '410' }],
    ['nobody counted', { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 }],
    ['the chat is not named', { conversation_id: '' }],
    ['the turn is not named', { generation_id: null }],
    [
      'the turn is called after its chat, as in the client’s own hooks',
      { generation_id: RECORD.conversation_id },
    ],
    ['an id is a novel', { generation_id: 'x'.repeat(1000) }],
    ['another hook names the turn', { hook_event_name: 'subagentStop' }],
  ])('is nothing when %s', (_, change) => {
    expect(kept(payload('stop', change))).toBeUndefined();
  });

  it.each([
    '',
    ' ',
    '{',
    'null',
    '[]',
    '"stop"',
    '7',
    'stop',
    '\uFEFF',
    '\u0000',
    '{"hook_event_name":"stop"}',
  ])('is nothing for %j', (text) => {
    expect(keep(text, AT)).toBeUndefined();
  });

  it('is nothing for a payload that is cut off anywhere', () => {
    const whole = payload('stop');
    for (let length = 0; length < whole.length; length++)
      expect(keep(whole.slice(0, length), AT)).toBeUndefined();
  });
});

describe('the model of a turn', () => {
  const modelOf = (change: object) => (kept(payload('stop', change)) as typeof RECORD).model;

  it.each(['default', 'auto', 'auto-smart', 'unknown', '', null, 7])('is not named by %j', (model) => {
    expect(modelOf({ model })).toBeUndefined();
  });

  it.each([
    ['composer-2.5[fast=true]', [{ id: 'fast', value: 'true' }]],
    ['composer-2.5', [{ id: 'fast', value: 'false' }]],
    ['composer-2.5', []],
    [
      'composer-2.5[effort=high,fast=true]',
      [
        { id: 'effort', value: 'high' },
        { id: 'fast', value: 'true' },
      ],
    ],
    // What is not understood may have a price of its own.
    [undefined, [{ id: 'fast' }]],
    [undefined, ['fast']],
    [undefined, 'fast'],
  ])('is %s with its settings', (model, settings) => {
    expect(modelOf({ model: 'composer-2.5', model_id: 'composer-2.5', model_params: settings })).toBe(model);
  });
});

describe('whatever a hook is given', () => {
  const FIELDS = Object.keys(RECORD);

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => void keep(text, AT)));
  });

  it('leaves nothing behind of what was said, where, and by whom', () => {
    const secret = 'SAID-IN-THE-CHAT';
    const said = {
      text: secret,
      user_email: secret,
      workspace_roots: [secret],
      transcript_path: secret,
      prompt: secret,
    };
    expect(keep(payload('afterAgentResponse', said), AT)).not.toContain(secret);
    const names = fc.constantFrom(
      ...FIELDS,
      'hook_event_name',
      'text',
      'model_params',
      '__proto__',
      'toJSON',
    );
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })), (change) => {
        const line = keep(payload('stop', change), AT);
        if (line === undefined) return;
        for (const [name, value] of Object.entries(JSON.parse(line) as object)) {
          expect(FIELDS).toContain(name);
          expect(typeof value).toBe(typeof RECORD[name as keyof typeof RECORD]);
        }
        expect(line.length).toBeLessThan(3000);
      }),
    );
  });

  it('costs the tool that waits no import', () => {
    const code = readFileSync(fileURLToPath(new URL('usage-record.ts', import.meta.url)), 'utf8');
    expect(code).not.toMatch(/^import|\brequire\(|\bimport\(/m);
  });
});
