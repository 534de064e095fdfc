import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Session } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import {
  copyOf,
  type Database,
  databaseOf,
  edit,
  rawsOf,
  rowsOf,
  rowsOfEverything,
  sessionOf,
} from './home.js';

/*
 * What the notes on the client describe and the recorded histories do not hold, made from them by doing
 * to the database what the client does (docs/formats/opencode.md).
 */

/** One prompt, one answer: 1201 tokens in, 41 out, $0.00038225. */
const HELLO = 'ses_dfdb0da0fffeQopKN3CZfq2pwg';
const PROMPT = 'msg_2024f262c0012GNSYp2L7kM6cZ';
const ANSWER = 'msg_2024f28a900165WAo0s3F2amWv';
const PARALLEL = 'ses_dfdb06df8ffeqpBt0mFwZR31e4';
const MULTI = 'ses_dfdb0ce88ffeFw0f8LVGVSUga3';
const LATER = 1795335072800;

type Json = Record<string, unknown>;

/** The history of 1.18.33 after a change; what a list reads of it is what everything comes to. */
function changed(work: (db: Database) => void): string {
  const home = copyOf('1.18.33');
  edit(databaseOf(home), work);
  expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  return home;
}

const rowOf = (home: string, id = HELLO) => rowsOf(home).find((row) => row.id === id);
const textsOf = ({ messages }: Session) =>
  messages.map(({ id, role, injected, parts }) => {
    const text = parts.map((part) => (part.type === 'text' ? part.text : `<${part.type}>`)).join('|');
    return [id, injected === true ? `${role}, injected` : role, text];
  });

function addMessage(db: Database, id: string, at: number, data: Json, session = HELLO): void {
  const text = JSON.stringify({ time: { created: at }, ...data });
  db.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?)').run(id, session, at, at, text);
}

function addPart(db: Database, message: string, id: string, data: Json, session = HELLO): void {
  db.prepare('INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)').run(
    id,
    message,
    session,
    LATER,
    LATER,
    JSON.stringify(data),
  );
}

function patch(db: Database, table: 'message' | 'part', where: string, data: Json): void {
  db.prepare(`UPDATE ${table} SET data = json_patch(data, ?) WHERE ${where}`).run(JSON.stringify(data));
}

const NO_TOKENS = { input: 0, output: 0, reasoning: 0, cache: { read: 0, write: 0 } };

/** An answer that broke off: no step of it has ended, and its tokens are still the first zeros. */
function breakOff(db: Database, data: Json): void {
  const steps = "json_extract(data, '$.type') = 'step-finish'";
  db.exec(`DELETE FROM part WHERE message_id = '${ANSWER}' AND ${steps}`);
  patch(db, 'message', `id = '${ANSWER}'`, {
    tokens: { ...NO_TOKENS, total: null },
    cost: 0,
    finish: null,
    ...data,
  });
}

function copySession(db: Database, from: string, to: string, at: number): void {
  db.exec(`CREATE TEMP TABLE s AS SELECT * FROM session WHERE id = '${from}';
    UPDATE s SET id = '${to}', title = title || ' (fork #1)', time_created = ${at}, time_updated = ${at};
    INSERT INTO session SELECT * FROM s; DROP TABLE s;
    INSERT INTO message SELECT id || '${to}', '${to}', time_created, time_updated, data FROM message WHERE session_id = '${from}';
    INSERT INTO part SELECT id || '${to}', message_id || '${to}', '${to}', time_created, time_updated, data FROM part WHERE session_id = '${from}'`);
}

function addTurn(db: Database, session: string, at: number): void {
  addMessage(db, `msg_z1${session}`, at, { role: 'user' }, session);
  addPart(db, `msg_z1${session}`, `prt_z1${session}`, { type: 'text', text: 'and now?' }, session);
  const tokens = { total: 30, input: 20, output: 10, reasoning: 0, cache: { read: 0, write: 0 } };
  const answer = { role: 'assistant', modelID: 'mock-mini', providerID: 'mockoai', tokens, cost: 0 };
  addMessage(db, `msg_z2${session}`, at + 1, answer, session);
  addPart(db, `msg_z2${session}`, `prt_z2${session}`, { type: 'step-start' }, session);
  addPart(db, `msg_z2${session}`, `prt_z3${session}`, { type: 'text', text: 'Now.' }, session);
  addPart(db, `msg_z2${session}`, `prt_z4${session}`, { type: 'step-finish', tokens, cost: 0 }, session);
}

describe('a fork', () => {
  const home = changed((db) => {
    copySession(db, MULTI, 'ses_fork', 1795335090000);
    addTurn(db, 'ses_fork', 1795335090010);
    copySession(db, 'ses_fork', 'ses_forkoffork', 1795335095000);
    db.exec("DELETE FROM event_sequence WHERE aggregate_id = 'ses_fork'");
  });

  it('shows what it copied and owns what came after', () => {
    const session = sessionOf(home, 'ses_fork');
    expect(session.messages.map(({ copied }) => copied === true)).toEqual([
      ...Array(6).fill(true),
      false,
      false,
    ]);
    expect(session.calls.map(({ usage }) => usage?.input)).toEqual([20]);
    expect(
      session.uncounted.filter(({ reason }) => reason === `made by ${MULTI} and copied here`),
    ).toHaveLength(3);
    expect(session.createdAt).toBe(1795335090010);
    expect(rowOf(home, 'ses_fork')).toMatchObject({
      forkedFrom: MULTI,
      parentId: null,
      messages: { user: 1, assistant: 1 },
      usage: { input: 20, output: 10, cacheRead: 0 },
    });
  });

  it('of a fork came from the session that made the last of it', () => {
    expect(rowOf(home, 'ses_forkoffork')).toMatchObject({
      forkedFrom: 'ses_fork',
      createdAt: null,
      messages: { user: 0, assistant: 0 },
      usage: { input: 0 },
    });
  });

  it('takes nothing from the session that it was copied from', () => {
    expect(rowOf(home, MULTI)).toEqual({ ...rowOf(copyOf('1.18.33'), MULTI), files: [databaseOf(home)] });
  });

  it('names no origin when the original is gone, as after an import', () => {
    const imported = changed((db) => {
      copySession(db, MULTI, 'ses_import', 1795335090000);
      db.exec(`DELETE FROM session WHERE id = '${MULTI}'; DELETE FROM message WHERE session_id = '${MULTI}'`);
    });
    expect(rowOf(imported, 'ses_import')).toMatchObject({ forkedFrom: null, messages: { assistant: 0 } });
    expect(sessionOf(imported, 'ses_import').uncounted[1]?.reason).toBe(
      'made by another session and copied here',
    );
  });
});

describe('an answer that broke off', () => {
  const error = { name: 'MessageAbortedError', data: { message: 'The operation was aborted.' } };

  it.each([
    ['when it was aborted', { error }],
    ['when the client was killed', { time: { completed: null } }],
  ])('makes the sum unknown %s, since it was billed', (_, data) => {
    const home = changed((db) => breakOff(db, data));
    const session = sessionOf(home, HELLO);
    expect(session.calls).toMatchObject([{ id: ANSWER, model: 'mock-mini' }]);
    expect(session.calls[0]).not.toHaveProperty('usage');
    expect(session.calls[0]).not.toHaveProperty('toolCost');
    expect(rowOf(home)).toMatchObject({
      usage: null,
      promptTokens: null,
      cost: null,
      messages: { assistant: 1 },
    });
    expect(session.problems).toEqual([{ message: expect.stringContaining('1 answer ended before') }]);
  });

  it('keeps the call of a tool that was running, without a result', () => {
    const home = changed((db) => {
      const last = `id = (SELECT max(id) FROM part WHERE session_id = '${PARALLEL}' AND json_extract(data, '$.tool') = 'bash')`;
      patch(db, 'part', last, { state: { status: 'running', output: null } });
      patch(db, 'part', `session_id = '${PARALLEL}' AND json_extract(data, '$.reason') = 'tool-calls'`, {
        type: 'step-unfinished',
      });
      patch(db, 'message', `session_id = '${PARALLEL}' AND json_extract(data, '$.finish') = 'tool-calls'`, {
        tokens: { ...NO_TOKENS, total: null },
      });
    });
    const parts = sessionOf(home, PARALLEL).messages[1]?.parts.map((part) =>
      'id' in part ? [part.type, part.id] : part.type,
    );
    expect(parts).toEqual([
      'text',
      ['tool-call', 'call_19_0'],
      ['tool-result', 'call_19_0'],
      ['tool-call', 'call_19_1'],
      ['tool-call', 'call_19_2'],
      ['tool-result', 'call_19_2'],
    ]);
    expect(rowOf(home, PARALLEL)).toMatchObject({ usage: null, toolCalls: 3 });
  });

  it('costs nothing when the request was refused', () => {
    const home = changed((db) => {
      addMessage(db, 'msg_z', LATER, {
        role: 'assistant',
        modelID: 'mock-mini',
        providerID: 'mockoai',
        tokens: NO_TOKENS,
        cost: 0,
        error: { name: 'APIError', data: { message: 'Bad Request' } },
      });
    });
    expect(rowOf(home)).toMatchObject({ usage: { input: 1201, output: 41 }, messages: { assistant: 1 } });
    const { messages, uncounted } = sessionOf(home, HELLO);
    expect(messages.at(-1)).toMatchObject({ role: 'system', parts: [{ text: 'APIError: Bad Request' }] });
    expect(uncounted.at(-1)).toMatchObject({
      id: 'msg_z',
      reason: 'ended by APIError before an answer began',
    });
  });

  it('and was asked for again shows the good attempt alone', () => {
    const home = changed((db) => {
      addPart(db, ANSWER, 'prt_0001', { type: 'step-start' });
      addPart(db, ANSWER, 'prt_0002', { type: 'text', text: 'Hello fr' });
    });
    const session = sessionOf(home, HELLO);
    expect(textsOf(session)[1]).toEqual([ANSWER, 'assistant', 'Hello from the mock.']);
    expect(session.uncounted).toContainEqual(
      expect.objectContaining({ id: 'prt_0001', reason: 'a broken attempt, tried again' }),
    );
    expect(rowOf(home)).toMatchObject({ usage: { input: 1201, output: 41 } });
  });
});

describe('what a person did not type', () => {
  it('is apart from the prompt when the client attached a file', () => {
    const home = copyOf('1.18.33');
    const session = sessionOf(home, 'ses_dfdb0103effe5U4myTja69r4QO');
    expect(session.messages.map(({ id, role, injected }) => [id, role, injected])).toEqual([
      ['msg_2024ff003001XDLEPvI9gLoGAM', 'user', undefined],
      ['msg_2024ff003001XDLEPvI9gLoGAM:context', 'system', true],
      ['msg_2024ff2f5001JLX1237McEJwWt', 'assistant', undefined],
    ]);
    expect(session.messages[0]?.parts).toEqual([
      { type: 'file', mediaType: 'text/plain' },
      { type: 'text', text: '"[[scn:hello a11]] see file"' },
    ]);
  });

  it('is no prompt in a compaction, whose answer was billed', () => {
    const home = changed((db) => {
      addMessage(db, 'msg_y1', LATER, { role: 'user' });
      addPart(db, 'msg_y1', 'prt_y1', { type: 'compaction', auto: true });
      addTurn(db, HELLO, LATER + 1);
      patch(db, 'message', `id = 'msg_z2${HELLO}'`, {
        summary: true,
        mode: 'compaction',
        agent: 'compaction',
      });
      db.exec(
        `DELETE FROM part WHERE message_id = 'msg_z1${HELLO}'; DELETE FROM message WHERE id = 'msg_z1${HELLO}'`,
      );
      addMessage(db, 'msg_y2', LATER + 9, { role: 'user' });
      addPart(db, 'msg_y2', 'prt_y2', {
        type: 'text',
        synthetic: true,
        text: 'Continue if you have next steps',
      });
    });
    expect(rowOf(home)).toMatchObject({
      messages: { user: 1, assistant: 2, system: 1 },
      usage: { input: 1221, output: 51 },
    });
  });

  it('is no answer either when a person ran a command', () => {
    const home = changed((db) => {
      addMessage(db, 'msg_y1', LATER, { role: 'user' });
      addPart(db, 'msg_y1', 'prt_y1', {
        type: 'text',
        synthetic: true,
        text: 'The following tool was executed by the user',
      });
      addMessage(db, 'msg_y2', LATER + 1, {
        role: 'assistant',
        modelID: 'mock-mini',
        tokens: NO_TOKENS,
        cost: 0,
      });
      const state = { status: 'completed', input: { command: 'ls' }, output: 'README.md' };
      addPart(db, 'msg_y2', 'prt_y2', { type: 'tool', tool: 'bash', callID: 'call_shell', state });
    });
    expect(rowOf(home)).toMatchObject({
      messages: { user: 1, assistant: 1 },
      usage: { input: 1201 },
      cost: null,
    });
    expect(textsOf(sessionOf(home, HELLO)).slice(2)).toEqual([
      ['msg_y1:context', 'system, injected', 'The following tool was executed by the user'],
      ['msg_y2', 'assistant, injected', '<tool-call>|<tool-result>'],
    ]);
  });
});

describe('the content of a message', () => {
  it('names pictures with their size, and never holds them', () => {
    const picture = `data:image/png;base64,${Buffer.alloc(1000, 7).toString('base64')}`;
    const home = changed((db) => {
      addPart(db, PROMPT, 'prt_z', { type: 'file', mime: 'image/png', filename: 'a.png', url: picture });
    });
    const session = sessionOf(home, HELLO);
    expect(session.messages[0]?.parts[1]).toEqual({ type: 'file', mediaType: 'image/png', bytes: 1000 });
    expect(JSON.stringify(session)).not.toContain('base64');
  });

  it('gives a tool that does not exist the name that the model used, and what a tool attached its place', () => {
    const home = changed((db) => {
      const bad = {
        status: 'completed',
        input: { tool: 'frobnicate', error: 'none such' },
        output: 'No such tool.',
      };
      addPart(db, ANSWER, 'prt_z1', { type: 'tool', tool: 'invalid', callID: 'call_1', state: bad });
      const attachments = [{ type: 'file', mime: 'image/png', url: 'data:image/png;base64,AAAA' }];
      const good = { status: 'completed', input: { filePath: 'a.png' }, output: 'Image read', attachments };
      addPart(db, ANSWER, 'prt_z2', { type: 'tool', tool: 'read', callID: 'call_2', state: good });
    });
    expect(sessionOf(home, HELLO).messages[1]?.parts.slice(1)).toEqual([
      {
        type: 'tool-call',
        id: 'call_1',
        name: 'frobnicate',
        args: { tool: 'frobnicate', error: 'none such' },
      },
      { type: 'tool-result', id: 'call_1', name: 'frobnicate', result: 'No such tool.', isError: true },
      { type: 'tool-call', id: 'call_2', name: 'read', args: { filePath: 'a.png' } },
      { type: 'tool-result', id: 'call_2', name: 'read', result: 'Image read' },
      { type: 'file', mediaType: 'image/png', bytes: 3 },
    ]);
  });

  it('says of a failed tool that it failed', () => {
    const parts = sessionOf(copyOf('1.18.33'), PARALLEL).messages[1]?.parts;
    expect(parts?.at(-1)).toMatchObject({ name: 'glob', result: 'ripgrep execution failed', isError: true });
  });

  it('that is damaged is reported, and the rest is read', () => {
    const home = changed((db) => {
      db.exec(`UPDATE part SET data = '{"type":"te' WHERE message_id = '${PROMPT}'`);
      db.exec(
        `UPDATE message SET data = '[]' WHERE session_id = '${PARALLEL}' AND json_extract(data, '$.role') = 'user'`,
      );
    });
    expect(rowOf(home)).toMatchObject({ messages: { user: 0, assistant: 1 }, usage: { input: 1201 } });
    expect(rowOf(home)?.problems).toEqual([
      expect.stringContaining('opencode.db:1: A record that is not JSON was left out.'),
    ]);
    expect(rowOf(home, PARALLEL)?.problems).toEqual([
      expect.stringContaining('A message that is no record was left out.'),
    ]);
  });
});

describe('tokens', () => {
  const usageWith = (tokens: Json, version = '1.18.33', provider = 'mockoai') => {
    const home = changed((db) => {
      db.exec(`UPDATE session SET version = '${version}' WHERE id = '${HELLO}'`);
      patch(db, 'message', `id = '${ANSWER}'`, { providerID: provider });
      const where = `message_id = '${ANSWER}' AND json_extract(data, '$.type') = 'step-finish'`;
      patch(db, 'part', where, { tokens: { total: null, ...tokens } });
    });
    return sessionOf(home, HELLO).calls[0]?.usage;
  };
  const think = { input: 900, output: 200, reasoning: 128, cache: { read: 256, write: 0 } };

  it('are decided by the total of each message, whatever client began the session', () => {
    expect(usageWith({ ...think, total: 1356 }, '1.18.33')).toMatchObject({ output: 200, reasoning: 128 });
    expect(usageWith({ ...think, total: 1484 }, '1.1.65')).toMatchObject({ output: 328, reasoning: 128 });
  });

  it('are decided by the version where there is no total', () => {
    expect(usageWith(think, '1.3.2')).toMatchObject({ output: 200 });
    expect(usageWith(think, '1.14.34')).toMatchObject({ output: 328 });
    expect(usageWith(think, 'local')).toMatchObject({ output: 328 });
  });

  it('of the input hold the cached ones in 0.x, but not with a vendor that tells them apart', () => {
    expect(usageWith(think, '0.5.29')).toMatchObject({ input: 644, cacheRead: 256 });
    expect(usageWith(think, '0.5.29', 'anthropic')).toMatchObject({ input: 900 });
    expect(usageWith({ ...think, input: 17 }, '0.5.29')).toMatchObject({ input: 17 });
    expect(usageWith(think, '1.0.98')).toMatchObject({ input: 900 });
  });

  it('that are missing or nonsense are unknown', () => {
    expect(usageWith({ input: null })).toBeUndefined();
    expect(usageWith({ output: -1 })).toBeUndefined();
    expect(usageWith({ output: 'many' })).toBeUndefined();
  });

  it('stay as they are while a revert is pending, and go with what it deletes', () => {
    const before = rowOf(copyOf('1.18.33'), MULTI);
    const last = `(SELECT max(id) FROM message WHERE session_id = '${MULTI}')`;
    const pending = changed((db) =>
      db.exec(`UPDATE session SET revert = json_object('messageID', ${last}) WHERE id = '${MULTI}'`),
    );
    expect(rowOf(pending, MULTI)).toEqual({ ...before, files: [databaseOf(pending)] });
    const gone = changed((db) => db.exec(`DELETE FROM message WHERE id = ${last}`));
    expect(rowOf(gone, MULTI)).toMatchObject({ messages: { user: 3, assistant: 2 }, usage: { output: 94 } });
  });
});

describe('a session', () => {
  it('has no title while the client has none', () => {
    const untitled = (title: string) =>
      changed((db) => db.exec(`UPDATE session SET title = '${title}' WHERE id = '${HELLO}'`));
    expect(rowOf(untitled('New session - 2026-11-22T08:16:48.039Z'))?.title).toBeNull();
    expect(rowOf(untitled('Child session - 2026-11-22T08:16:48.039Z (fork #2)'))?.title).toBeNull();
    expect(rowOf(untitled('New session - how to'))?.title).toBe('New session - how to');
  });

  it('that was deleted is gone', () => {
    const home = changed((db) => db.exec(`DELETE FROM session WHERE id = '${HELLO}'`));
    expect(rowsOf(home)).toHaveLength(14);
  });

  it('that a migration left behind as JSON is counted once, as the database has it', () => {
    const home = copyOf('1.18.33', '1.1.65');
    expect(rowsOf(home)).toHaveLength(25);
    const left = join(home, 'opencode', 'storage', 'session', 'global', `${HELLO}.json`);
    mkdirSync(dirname(left), { recursive: true });
    writeFileSync(
      left,
      JSON.stringify({ id: HELLO, title: 'left behind', version: '1.1.65', time: { created: 1 } }),
    );
    expect(rowsOf(home)).toHaveLength(25);
    expect(rowOf(home)).toMatchObject({ title: 'Mock title: hello', files: [databaseOf(home)] });
  });

  it('reads the same from a database of a client that had fewer columns and tables', () => {
    const older = changed((db) => {
      for (const table of ['event', 'event_sequence', 'session_message']) db.exec(`DROP TABLE ${table}`);
      const columns = [
        'workspace_id',
        'path',
        'metadata',
        'cost',
        'agent',
        'model',
        'tokens_input',
        'tokens_output',
      ];
      db.exec('DROP INDEX session_workspace_idx');
      for (const column of [...columns, 'tokens_cache_read'])
        db.exec(`ALTER TABLE session DROP COLUMN ${column}`);
    });
    const files = [databaseOf(older)];
    expect(rowsOf(older)).toEqual(rowsOf(copyOf('1.18.33')).map((row) => ({ ...row, files })));
  });

  it('of the second API is read from the table of its own', () => {
    const home = changed((db) => {
      for (const table of ['message', 'part']) db.exec(`DELETE FROM ${table} WHERE session_id = '${HELLO}'`);
      const add = db.prepare('INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)');
      const row = (id: string, type: string, seq: number, data: Json) =>
        add.run(
          id,
          HELLO,
          type,
          seq,
          LATER + seq,
          LATER + seq,
          JSON.stringify({ time: { created: LATER + seq }, ...data }),
        );
      row('msg_1', 'user', 1, {
        text: 'list the files',
        files: [{ uri: 'data:image/png;base64,AAAA', mime: 'image/png' }],
      });
      row('msg_2', 'synthetic', 2, { text: 'a notice' });
      const state = {
        status: 'completed',
        input: { command: 'ls' },
        content: [{ type: 'text', text: 'README.md' }],
      };
      row('msg_3', 'assistant', 3, {
        agent: 'build',
        model: { id: 'mock-mini', providerID: 'mockoai' },
        content: [
          { type: 'reasoning', id: 'r', text: 'hm' },
          { type: 'text', id: 't', text: 'One.' },
          { type: 'tool', id: 'call_1', name: 'bash', state },
        ],
        tokens: { input: 100, output: 20, reasoning: 5, cache: { read: 50, write: 0 } },
        cost: 0,
      });
      row('msg_4', 'shell', 4, { callID: 'call_2', command: 'pwd', output: '/' });
      row('msg_5', 'agent-switched', 5, { agent: 'plan' });
    });
    expect(rowOf(home)).toMatchObject({
      usage: { input: 100, output: 25, reasoning: 5, cacheRead: 50 },
      messages: { user: 1, assistant: 1, system: 1 },
      toolCalls: 2,
      provider: 'mockoai',
      models: ['mock-mini'],
    });
    const session = sessionOf(home, HELLO);
    expect(textsOf(session)).toEqual([
      ['msg_1', 'user', 'list the files|<file>'],
      ['msg_2:context', 'system, injected', 'a notice'],
      ['msg_3', 'assistant', '<thinking>|One.|<tool-call>|<tool-result>'],
      ['msg_4', 'assistant, injected', '<tool-call>|<tool-result>'],
    ]);
    expect(session.messages[2]?.parts[3]).toEqual({
      type: 'tool-result',
      id: 'call_1',
      name: 'bash',
      result: 'README.md',
    });
  });

  it('keeps its subagents as sessions of their own', () => {
    const children = rawsOf(copyOf('1.18.33')).filter(({ id }) => id === 'ses_dfdb05a50ffeg6ChuxmXZa08yh');
    expect(children).toHaveLength(1);
    const session = sessionOf(copyOf('1.18.33'), 'ses_dfdb05a50ffeg6ChuxmXZa08yh');
    expect(session).toMatchObject({
      parentId: 'ses_dfdb05ffeffeM99Nqz51pn0awu',
      title: 'child work (@general subagent)',
    });
    expect(session.messages[0]).toMatchObject({ role: 'user', injected: true });
  });
});
