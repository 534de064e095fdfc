import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, type Tokens } from './home.js';

/*
 * Histories that the samples lack, made from the samples' own lines by rules alone: each helper does
 * to real lines what a row of docs/formats/claude-code.md says that some client does. No text and no
 * number in them is invented.
 */

export type Line = Record<string, unknown>;

/** Lines of a sample, by its path below `projects`. */
export function linesOf(version: string, path: string): Line[] {
  const text = readFileSync(join(fixture(version), 'projects', path), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

export function textOf(lines: readonly Line[], end = '\n'): string {
  return lines.map((line) => JSON.stringify(line) + end).join('');
}

export function isConversation({ uuid }: Line): boolean {
  return uuid !== undefined;
}

/** As a terminal writes it: only printing clients log their input queue. */
export function terminal(lines: readonly Line[]): Line[] {
  return lines.filter(({ type }) => type !== 'queue-operation');
}

/** Lines under another session's id. */
export function under(sessionId: string, lines: readonly Line[]): Line[] {
  return lines.map((line) => (line.sessionId === undefined ? line : { ...line, sessionId }));
}

export function later(milliseconds: number, lines: readonly Line[]): Line[] {
  return lines.map((line) => {
    if (typeof line.timestamp !== 'string') return line;
    return { ...line, timestamp: new Date(Date.parse(line.timestamp) + milliseconds).toISOString() };
  });
}

/** The same turn once more, as another one: new ids, consistent among the lines. */
export function another(tag: string, lines: readonly Line[]): Line[] {
  const ids =
    /\b(msg_01|req_01|toolu_01)|\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)/g;
  return lines.map((line) => {
    const { sessionId, ...rest } = line;
    const text = JSON.stringify(rest).replace(ids, (id) =>
      id.endsWith('_01') ? `${id}${tag}` : tag.padStart(8, '0'),
    );
    return { ...(JSON.parse(text) as Line), ...(sessionId === undefined ? {} : { sessionId }) };
  });
}

/** Forks until 2.1.197: the lines as they are, under the new id, and no mark. */
export function unmarkedCopies(sessionId: string, lines: readonly Line[]): Line[] {
  return under(
    sessionId,
    lines.map(({ requestSessionId: _, ...line }) => line),
  );
}

/** 2.1.330 forks: assistant lines name the session that was billed. */
export function markedCopies(sessionId: string, lines: readonly Line[]): Line[] {
  return lines.map((line) => {
    const requestSessionId = line.requestSessionId ?? line.sessionId;
    return { ...line, sessionId, ...(line.type === 'assistant' && { requestSessionId }) };
  });
}

/** /branch: every line names its session and line. */
export function branchCopies(sessionId: string, lines: readonly Line[]): Line[] {
  return lines.map((line) => ({
    ...line,
    sessionId,
    forkedFrom: { sessionId: line.sessionId, messageUuid: line.uuid },
  }));
}

/** 1.0.77 --resume: a new file in which every copied line has a new uuid, one time, and no request id. */
export function resumeCopies(sessionId: string, timestamp: string, lines: readonly Line[]): Line[] {
  const renamed = new Map(
    lines.map(({ uuid }, index) => [uuid, `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`]),
  );
  return lines.map(({ requestId: _, ...line }) => {
    const parentUuid = renamed.get(line.parentUuid) ?? null;
    return { ...line, uuid: renamed.get(line.uuid), parentUuid, timestamp, sessionId };
  });
}

/** A fork of a compacted session: what the compaction preserved has no usage, but keeps its split. */
export function emptied(line: Line): Line {
  const message = line.message as Line;
  const zeros = {
    input_tokens: 0,
    output_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  };
  return { ...line, message: { ...message, usage: { ...(message.usage as Line), ...zeros } } };
}

/** Changes the message of a line. */
export function withMessage(line: Line, change: (message: Line) => Line): Line {
  return { ...line, message: change(line.message as Line) };
}

/** A user line that says something else. */
export function saying(content: unknown, line: Line): Line {
  return withMessage(line, (message) => ({ ...message, content }));
}

/** What was billed for these lines: of each API message the largest count of each field. */
export function billed(lines: readonly Line[]): Omit<Tokens, 'requests'> {
  const calls = new Map<string, Omit<Tokens, 'requests'>>();
  for (const line of lines) {
    const { id, model, usage } = (line.message ?? {}) as {
      id?: string;
      model?: string;
      usage?: Record<string, unknown>;
    };
    if (line.type !== 'assistant' || model === '<synthetic>' || id === undefined || usage === undefined)
      continue;
    const split = (usage.cache_creation ?? {}) as Record<string, number>;
    const before = calls.get(id);
    const most = (field: keyof NonNullable<typeof before>, count: unknown) =>
      Math.max(before?.[field] ?? 0, Number(count ?? 0));
    calls.set(id, {
      input: most('input', usage.input_tokens),
      output: most('output', usage.output_tokens),
      cacheRead: most('cacheRead', usage.cache_read_input_tokens),
      cacheWrite5m: most('cacheWrite5m', split.ephemeral_5m_input_tokens),
      cacheWrite1h: most('cacheWrite1h', split.ephemeral_1h_input_tokens),
    });
  }
  const sum = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
  for (const call of calls.values()) {
    for (const field of Object.keys(sum) as (keyof typeof sum)[]) sum[field] += call[field];
  }
  return sum;
}
