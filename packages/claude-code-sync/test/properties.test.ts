import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '@opensync/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../core/src/wire.js';
import { type ClaudeRecord, transform } from '../src/transform.js';
import {
  copyOfFixture,
  filesBelow,
  fixture,
  homeOf,
  preparedOf,
  rowsOf,
  rowsOfEverything,
  VERSIONS,
} from './home.js';

type Json = Record<string, unknown>;

interface Transcript {
  version: string;
  path: string;
  id: string;
  lines: Json[];
}

const transcripts: Transcript[] = VERSIONS.flatMap((version) => {
  const folder = join(fixture(version), 'projects');
  const paths = filesBelow(folder).filter((path) => path.endsWith('.jsonl'));
  return paths.map((path) => {
    const text = readFileSync(join(folder, path), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    const id = path.replace(/^.*\/(?:agent-)?|\.jsonl$/g, '');
    return { version, path, id, lines: lines.map((line) => JSON.parse(line) as Json) };
  });
});
const named = transcripts.map((one) => [`${one.version} ${one.path}`, one] as const);

function read({ id, path }: Transcript, lines: readonly Json[]): Session {
  const agent = path.includes('agent-') ? { agentId: id } : {};
  const records = lines.map((value, index) => ({
    kind: 'line' as const,
    value,
    file: path,
    line: index + 1,
    ...agent,
  }));
  const [session] = transform(records as ClaudeRecord[], { id });
  return session ?? { id, messages: [], calls: [], uncounted: [], problems: [] };
}

/** Without line numbers, and without the lists that name lines. */
function content({ calls, uncounted: _, ...session }: Session): unknown {
  return { ...session, calls: calls.map(({ location, ...call }) => call) };
}

function tokensOf(session: Session): number[] {
  const fields = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const;
  return fields.map((field) => session.calls.reduce((sum, { usage }) => sum + (usage?.[field] ?? 0), 0));
}

describe.each(named)('the transcript %s', (_name, transcript) => {
  const { lines } = transcript;
  const whole = read(transcript, lines);

  it('gives the same session every time, and its records stay as they are', () => {
    const before = JSON.stringify(lines);
    expect(read(transcript, lines)).toEqual(whole);
    expect(JSON.stringify(lines)).toBe(before);
  });

  it('keeps ids, times and tokens of every shorter state', () => {
    const ids = whole.messages.map(({ id, createdAt }) => ({ id, createdAt }));
    let before = [0, 0, 0, 0, 0];
    for (let length = 0; length <= lines.length; length++) {
      const session = read(transcript, lines.slice(0, length));
      expect(session.messages.map(({ id, createdAt }) => ({ id, createdAt }))).toEqual(
        ids.slice(0, session.messages.length),
      );
      const tokens = tokensOf(session);
      expect(tokens.every((count, index) => count >= (before[index] ?? 0))).toBe(true);
      before = tokens;
    }
    expect(before).toEqual(tokensOf(whole));
  });

  it('has unique ids, and each tool result directly behind its call', () => {
    expect(new Set(whole.messages.map(({ id }) => id)).size).toBe(whole.messages.length);
    for (const { parts } of whole.messages) {
      parts.forEach((part, index) => {
        if (part.type !== 'tool-result') return;
        expect(parts[index - 1]).toMatchObject({ type: 'tool-call', id: part.id, name: part.name });
      });
    }
  });

  it('reads the same when every line is there twice', () => {
    expect(
      content(
        read(
          transcript,
          lines.flatMap((line) => [line, line]),
        ),
      ),
    ).toEqual(content(whole));
    expect(content(read(transcript, [...lines, ...lines]))).toEqual(content(whole));
  });

  it('reads the same with line types and blocks that nobody knows yet', () => {
    const unknown = {
      type: 'of-the-future',
      uuid: 'f',
      timestamp: '2026-01-01T00:00:00.000Z',
      message: { usage: 1 },
    };
    expect(
      content(
        read(
          transcript,
          lines.flatMap((line) => [unknown, line, unknown]),
        ),
      ),
    ).toEqual(content(whole));
    expect(content(read(transcript, lines.map(withUnknownBlocks)))).toEqual(content(whole));
  });

  it('reads the same wherever its metadata stands', () => {
    const conversation = ['user', 'assistant', 'system', 'attachment', 'queue-operation'];
    const isMetadata = ({ type }: Json) => !conversation.includes(String(type));
    const metadata = lines.filter(isMetadata);
    const others = lines.filter((line) => !isMetadata(line));
    for (const order of [
      [...metadata, ...others],
      [...others, ...metadata],
    ]) {
      expect(content(read(transcript, order))).toEqual(content(whole));
    }
  });

  it('carries no bytes of an image', () => {
    const bytes = [...JSON.stringify(lines).matchAll(/"(?:data|base64)":"([A-Za-z0-9+/=]{40,})"/g)].map(
      ([, data]) => data,
    );
    const output = JSON.stringify([
      whole,
      toWire(whole, { source: 'claude-code', cost: null, thinking: true }),
    ]);
    for (const data of bytes) expect(output).not.toContain(data?.slice(0, 40));
    expect(output).not.toMatch(/"(?:data|base64)":/);
  });

  it('has messages that go forward in time on the wire', () => {
    const wire = toWire(whole, { source: 'claude-code', cost: null, thinking: true });
    wire.messages.reduce((before, { createdAt = 0 }) => {
      expect(createdAt).toBeGreaterThan(before);
      return createdAt;
    }, 0);
  });
});

function withUnknownBlocks(line: Json): Json {
  const message = line.message as { content?: unknown } | undefined;
  if (!Array.isArray(message?.content)) return line;
  const unknown = [{ type: 'of_the_future', id: 'x', data: 'y' }, null, 7, { no: 'type' }];
  return {
    ...line,
    message: { ...message, content: [...unknown, ...(message.content as unknown[]), ...unknown] },
  };
}

describe.each(VERSIONS)('the history of %s', (version) => {
  const home = fixture(version);

  it('comes to the same rows from what a list needs as from everything', () => {
    expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  });

  it('can be cut off anywhere', () => {
    const whole = new Map(preparedOf(home).map(({ session }) => [session.id, session]));
    const own = transcripts.filter((one) => one.version === version && one.lines.length > 0);
    fc.assert(
      fc.property(
        fc.constantFrom(...own),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (transcript, share) => {
          const cut = copyOfFixture(version);
          const file = join(cut, 'projects', transcript.path);
          const bytes = readFileSync(file);
          const offset = Math.floor(share * bytes.length);
          truncateSync(file, offset);
          const sessions = sessionsOf(cut);
          for (const { id, messages, problems } of sessions) {
            const longer = whole.get(id)?.messages.map((message) => [message.id, message.createdAt]);
            expect(longer).toEqual(
              expect.arrayContaining(messages.map((message) => [message.id, message.createdAt])),
            );
            expect(problems.filter(({ message }) => message.includes('not JSON'))).toEqual([]);
          }
          expect(rowsOf(cut)).toEqual(rowsOfEverything(cut));
          // A torn last line is one that is not there yet.
          const end = isWhole(bytes, offset) ? offset : bytes.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
          truncateSync(file, offset === 0 ? 0 : end);
          expect(sessionsOf(cut)).toEqual(sessions);
        },
      ),
      { numRuns: 25, seed: 20261122 },
    );
  });
});

function sessionsOf(home: string): Session[] {
  const sessions = preparedOf(home).map(({ session }) => session);
  return sessions.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function isWhole(bytes: Buffer, offset: number): boolean {
  return bytes[offset] === 0x0a || bytes[offset - 1] === 0x0a;
}

describe('a field of another type than expected', () => {
  /** One line of each kind that a client writes, with the transcript it stands in. */
  const kinds = new Map<string, { transcript: Transcript; index: number }>();
  for (const transcript of transcripts) {
    transcript.lines.forEach((line, index) => {
      const message = line.message as { content?: unknown } | undefined;
      const blocks = Array.isArray(message?.content)
        ? (message.content as Json[]).map(({ type }) => String(type))
        : [];
      const { type, subtype = '' } = line;
      const attachment = (line.attachment as Json | undefined)?.type ?? '';
      const name = [transcript.version, type, subtype, attachment, ...blocks].join(' ').trim();
      if (!kinds.has(name)) kinds.set(name, { transcript, index });
    });
  }

  it.each([...kinds])('takes nothing else along: %s', (_name, { transcript, index }) => {
    const { lines } = transcript;
    const line = lines[index] as Json;
    const whole = read(transcript, lines);
    const touched = idsIn(line);
    const others = whole.messages.filter((message) => ![...idsIn(message)].some((id) => touched.has(id)));
    for (const path of pathsIn(line)) {
      for (const value of [null, 7, {}, []]) {
        const mutated = lines.with(index, replaced(line, path, value) as Json);
        const session = read(transcript, mutated);
        const found = new Map(session.messages.map((message) => [message.id, message]));
        for (const { id, role, parts, usage } of others) {
          expect({ path, ...pick(found.get(id)) }).toEqual({
            path,
            ...pick({ id, role, parts, ...(usage && { usage }) }),
          });
        }
      }
    }
  });
});

function pick(message: Partial<Session['messages'][number]> | undefined): object {
  return { id: message?.id, role: message?.role, parts: message?.parts, usage: message?.usage };
}

/** Everything in a value that may link it to something else. */
function idsIn(value: unknown): Set<string> {
  return new Set(JSON.stringify(value).match(/(?:msg|toolu|req)_\w+|[0-9a-f]{8}-[0-9a-f-]{27}/g));
}

/** Paths to each field, not into what tools wrote. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null || path.length > 4) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const next = [...path, Array.isArray(value) ? Number(key) : key];
    return [next, ...(key === 'input' || key === 'toolUseResult' ? [] : pathsIn(item, next))];
  });
}

function replaced(container: unknown, [key, ...rest]: (string | number)[], value: unknown): unknown {
  const copy = structuredClone(container) as Json;
  copy[String(key)] = rest.length === 0 ? value : replaced(copy[String(key)], rest, value);
  return copy;
}

describe('a transcript of nothing but noise', () => {
  it.each([
    ['empty lines', '\n\n\r\n'],
    ['values that are no records', '1\n"text"\nnull\n[]\n{}\n'],
    ['half a line', '{"type":"us'],
    ['what is not JSON', 'not json\n{"type":\n'],
  ])('is no session: %s', (_name, text) => {
    expect(rowsOf(homeOf({ '-home/aaaa0099-0000-4000-8000-000000000000.jsonl': text }))).toEqual([]);
  });
});

describe('lines that hold any JSON at all', () => {
  it('are read without an error, the same each time, and what is sent is well-formed', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const id = fc.constantFrom('a', 'b', 'c', 'toolu_1', '__proto__', 'constructor');
    const block = fc.record(
      {
        type: fc.constantFrom('text', 'thinking', 'tool_use', 'tool_result', 'image', 'server_tool_use'),
        text: json,
        thinking: json,
        id: fc.oneof(id, json),
        tool_use_id: fc.oneof(id, json),
        name: json,
        input: json,
        content: json,
        source: json,
      },
      { requiredKeys: ['type'] },
    );
    const message = fc.record(
      {
        id: fc.oneof(id, json),
        model: json,
        content: fc.oneof(json, fc.array(block)),
        usage: json,
        stop_reason: json,
      },
      { requiredKeys: [] },
    );
    const line = fc.record(
      {
        type: fc.constantFrom('user', 'assistant', 'system', 'attachment', 'ai-title', 'queue-operation'),
        subtype: fc.oneof(fc.constantFrom('local_command', 'api_error'), json),
        uuid: fc.oneof(id, json),
        parentUuid: fc.oneof(id, json),
        timestamp: fc.oneof(fc.constantFrom('2026-01-01T00:00:00Z', '9999-12-31', 'x'), json),
        isSidechain: fc.oneof(fc.boolean(), json),
        content: json,
        attachment: json,
        aiTitle: json,
        cwd: json,
        message: fc.oneof(message, json),
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(line, json)), (values) => {
        const records: ClaudeRecord[] = values.map((value, index) => ({
          kind: 'line',
          value,
          file: 'x',
          line: index + 1,
        }));
        const sessions = transform(records, { id: 'x' });
        expect(transform(records, { id: 'x' })).toEqual(sessions);
        for (const session of sessions) {
          expect(new Set(session.messages.map((one) => one.id)).size).toBe(session.messages.length);
          const sent = JSON.stringify(toWire(session, { source: 'claude-code', cost: null, thinking: true }));
          expect(sent.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 500, seed: 20261124 },
    );
  });
});
