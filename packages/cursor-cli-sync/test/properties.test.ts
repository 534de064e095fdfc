import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { findSessions, isOpenSyncError, type Problem } from '@opensync/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../core/src/wire.js';
import { fieldsOf } from '../src/protobuf.js';
import type { CursorRecord } from '../src/records.js';
import { source } from '../src/source.js';
import { transform } from '../src/transform.js';
import {
  chat,
  copyOfFixture,
  EXPECTED,
  envOf,
  FIXTURE,
  folderOf,
  homeOf,
  rowsOf,
  rowsOfEverything,
  sessionOf,
  sessionsOf,
} from './home.js';
import { encode, StoreEditor } from './store-editor.js';

/** Records of every chat, as the transform gets them. */
function recordsOf(home: string): Map<string, CursorRecord[]> {
  const problems: Problem[] = [];
  return new Map(
    findSessions(source, envOf(home)).map((raw) => [
      raw.id,
      [...raw.load('all', (problem) => problems.push(problem))],
    ]),
  );
}

const storeOf = (home: string, number: string) => new StoreEditor(join(home, folderOf(number), 'store.db'));

describe('the history', () => {
  it('comes to the same rows from what a list needs as from everything', () => {
    const home = copyOfFixture();
    expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  });

  it('leaves the output of tools unread for a list', () => {
    const home = copyOfFixture();
    for (const [id, session] of sessionsOf(home, 'summary')) {
      if (EXPECTED.get(id)?.source !== 'store') continue;
      expect(
        session.messages.flatMap(({ parts }) => parts).filter(({ type }) => type === 'tool-result'),
      ).toEqual([]);
    }
  });

  it('gives the same sessions every time, and its records stay as they are', () => {
    for (const [id, records] of recordsOf(copyOfFixture())) {
      const before = JSON.stringify(records);
      expect(transform(records, { id })).toEqual(transform(records, { id }));
      expect(JSON.stringify(records)).toBe(before);
    }
  });

  it('has unique ids, and each tool result directly behind its call', () => {
    for (const { messages, calls } of sessionsOf(copyOfFixture()).values()) {
      for (const ids of [messages.map(({ id }) => id), calls.map(({ id }) => id)])
        expect(new Set(ids).size).toBe(ids.length);
      for (const { parts } of messages) {
        parts.forEach((part, index) => {
          if (part.type !== 'tool-result') return;
          expect(parts[index - 1]).toMatchObject({ type: 'tool-call', id: part.id, name: part.name });
        });
      }
    }
  });

  it('has messages that go forward in time on the wire', () => {
    for (const session of sessionsOf(copyOfFixture()).values()) {
      const { messages } = toWire(session, { source: 'cursor', cost: null, thinking: true });
      const times = messages.flatMap(({ createdAt }) => createdAt ?? []);
      if (session.createdAt !== undefined) expect(times).toHaveLength(messages.length);
      times.reduce((before, at) => {
        expect(at).toBeGreaterThan(before);
        return at;
      }, 0);
    }
  });
});

describe('a conversation', () => {
  it('keeps ids and tool calls of every shorter state', () => {
    const home = homeOf('2');
    const whole = sessionOf(home, '2').messages;
    const { list } = storeOf(home, '2');
    for (let length = 0; length <= list.length; length++) {
      const store = storeOf(home, '2');
      store.list = list.slice(0, length);
      store.save();
      const { messages, problems } = sessionOf(home, '2');
      expect(problems).toEqual([]);
      expect(messages.map(({ id }) => id)).toEqual(whole.slice(0, messages.length).map(({ id }) => id));
      expect(rowsOf(home)).toEqual(rowsOfEverything(home));
    }
  });

  it('is never more than a problem, whatever byte of whatever blob is another', () => {
    const home = homeOf('2');
    const original = storeOf(home, '2').blobs;
    const ids = [...original.keys()];
    const named = new Set(storeOf(home, '2').list.map((id) => id.toString('hex').slice(0, 16)));
    fc.assert(
      fc.property(fc.constantFrom(...ids), fc.nat(), fc.integer({ min: 1, max: 255 }), (id, at, flip) => {
        const store = storeOf(home, '2');
        for (const [key, data] of original) store.blobs.set(key, data);
        const data = Uint8Array.from(store.blob(id));
        data[at % data.length] = (data[at % data.length] ?? 0) ^ flip;
        store.blobs.set(id, data);
        store.save();
        const { messages } = sessionOf(home, '2');
        const found = messages.map((message) => message.id);
        expect(new Set(found).size).toBe(found.length);
        // A damaged state may name one message less or put it elsewhere, but it invents none.
        for (const one of found) expect(named.has(one.replace(/-\d+$/, ''))).toBe(true);
        rowsOf(home);
      }),
      { numRuns: 150, seed: 20261124 },
    );
  });

  it('is never an error of ours when the file is cut off', () => {
    const home = homeOf('2');
    const file = join(home, folderOf('2'), 'store.db');
    const size = readFileSync(file).length;
    for (let length = size - 1; length >= 0; length -= 1111) {
      truncateSync(file, length);
      try {
        sessionOf(home, '2');
      } catch (error) {
        expect(isOpenSyncError(error)).toBe(true);
      }
    }
  });
});

describe('a transcript', () => {
  const path = `.cursor/projects/home-dev-acme-api/agent-transcripts/${chat('2')}/${chat('2')}.jsonl`;

  it('can be cut off anywhere', () => {
    const bytes = readFileSync(join(FIXTURE, path));
    const records = (text: string) =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line, index) => ({
          kind: 'line' as const,
          value: JSON.parse(line) as unknown,
          file: path,
          line: index + 1,
        }));
    const [whole] = transform(records(bytes.toString()), { id: 'x' });
    for (let length = 0; length <= bytes.length; length += 7) {
      const [cut] = transform(records(bytes.toString('utf8', 0, length)), { id: 'x' });
      expect(cut?.messages).toEqual(whole?.messages.slice(0, cut?.messages.length));
    }
  });

  it('may hold any JSON at all', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const value = fc.record({
      role: fc.constantFrom('user', 'assistant', 'tool', 'x'),
      message: fc.record({ content: json }),
    });
    const content = fc.record({
      role: fc.constantFrom('user', 'assistant', 'tool'),
      content: fc.array(
        fc.record({
          type: fc.constantFrom('text', 'reasoning', 'tool-call', 'tool-result', 'image', 'file'),
          text: json,
          toolCallId: json,
          toolName: json,
          args: json,
          result: json,
          image: json,
          mimeType: json,
        }),
      ),
      providerOptions: json,
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(json, value)), fc.array(content), (lines, messages) => {
        const records: CursorRecord[] = [
          ...lines.map((line, index) => ({ kind: 'line' as const, value: line, file: 'x', line: index })),
          ...messages.map((message, index) => ({
            kind: 'message' as const,
            id: `${index}`,
            value: message,
            location: { file: 'x', line: index },
          })),
        ];
        const [session] = transform(records, { id: 'x' });
        expect(session).toBeDefined();
        if (session) toWire(session, { source: 'cursor', cost: null, thinking: true });
      }),
      { numRuns: 300, seed: 20261124 },
    );
  });
});

describe('the fields of a protobuf message', () => {
  it('are those that were written', () => {
    const field = fc.record({
      number: fc.integer({ min: 1, max: 1000 }),
      value: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 53 - 1 }), fc.uint8Array({ maxLength: 300 })),
    });
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const read = fieldsOf(encode(fields)).map(({ number, value }) => ({
          number,
          value: typeof value === 'number' ? value : Uint8Array.from(value),
        }));
        expect(read).toEqual(fields);
      }),
    );
  });

  it('are a RangeError for bytes that are none, and never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          fieldsOf(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
