import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import { textMessages } from '../src/text-transcript.js';
import { chat, copyOfFixture, EXPECTED, rowsOf, sessionsOf, write } from './home.js';

const ID = '22222222-aaaa-4000-8000-000000000001';

/** A history with one transcript. */
function sessionFrom(text: string, path = `home-dev-x/agent-transcripts/${ID}/${ID}.jsonl`) {
  const home = temporaryDirectory();
  write(home, `.cursor/projects/${path}`, text);
  const session = sessionsOf(home).get(ID);
  if (session === undefined) throw new Error('The transcript is no session.');
  return session;
}

const line = (role: string, ...content: object[]) => `${JSON.stringify({ role, message: { content } })}\n`;
const text = (value: string) => ({ type: 'text', text: value });

describe('a history of transcripts alone', () => {
  it('has the same prompts, answers, calls and parents as one of stores', () => {
    const home = copyOfFixture();
    for (const folder of ['.cursor/chats', '.config/cursor']) rmSync(join(home, folder), { recursive: true });
    const rows = rowsOf(home);
    const expected = [...EXPECTED].filter(([, { source }]) => source !== 'none');
    expect(rows.map(({ id }) => id).sort()).toEqual(expected.map(([id]) => id).sort());
    for (const row of rows) {
      const { messages, isSubagent, parentId } = EXPECTED.get(row.id) ?? { messages: [] };
      const count = (role: string) => messages.filter((message) => message.role === role).length;
      expect({ id: row.id, ...row.messages }).toMatchObject({
        id: row.id,
        user: isSubagent ? 0 : count('user'),
        assistant: count('assistant'),
      });
      expect(row.toolCalls).toBe(messages.flatMap(({ toolCalls = [] }) => toolCalls).length);
      expect(row).toMatchObject({ parentId, usage: null, cost: null, problems: [] });
      expect(row.model).toBe(row.id === chat('2') ? 'claude-4.5-sonnet-thinking' : null);
    }
  });

  it('reads one transcript of a chat, in the order in which the client looks for them', () => {
    const home = temporaryDirectory();
    const folder = '.cursor/projects/home-dev-x/agent-transcripts';
    const kinds = [`${ID}.txt`, `${ID}/${ID}.txt`, `${ID}.jsonl`, `${ID}/${ID}.jsonl`];
    for (const path of kinds) {
      const prompt = `From ${path}`;
      write(
        home,
        `${folder}/${path}`,
        path.endsWith('txt') ? `user:\n${prompt}\n` : line('user', text(prompt)),
      );
      expect(rowsOf(home)).toMatchObject([{ id: ID, title: prompt, messages: { user: 1 } }]);
    }
  });

  it('does not take files of other names for chats', () => {
    const home = temporaryDirectory();
    const folder = '.cursor/projects/home-dev-x/agent-transcripts';
    for (const path of [`${ID}/other.jsonl`, `${ID}/notes/${ID}.jsonl`, `${ID}.json`])
      write(home, `${folder}/${path}`, line('user', text('Hi')));
    expect(rowsOf(home)).toEqual([]);
  });

  it('has no name for a project that the client named by the time', () => {
    const session = sessionFrom(line('user', text('Hi')), `1771021702762/agent-transcripts/${ID}.jsonl`);
    expect(session.projectName).toBeUndefined();
  });
});

describe('a line of a transcript', () => {
  it('keeps its id when more lines follow', () => {
    const lines = [line('user', text('One')), line('assistant', text('Two')), line('user', text('Three'))];
    const ids = (count: number) => sessionFrom(lines.slice(0, count).join('')).messages.map(({ id }) => id);
    for (let count = 0; count <= lines.length; count++) expect(ids(count)).toEqual(ids(3).slice(0, count));
  });

  it('loses the word for thinking that the vendor encrypted, and no other', () => {
    const { messages } = sessionFrom(
      [
        line('assistant', text('Done.\n\n[REDACTED]')),
        line('assistant', text('[REDACTED]\n[REDACTED]')),
        line('assistant', text('The log says [REDACTED]')),
      ].join(''),
    );
    expect(messages.map(({ parts }) => parts)).toEqual([
      [{ type: 'text', text: 'Done.' }],
      [],
      [{ type: 'text', text: 'The log says [REDACTED]' }],
    ]);
  });

  it('without a role, or of no kind that is known, is no message', () => {
    const notes = [
      { type: 'turn_ended', status: 'error', error: 'x' },
      { type: 'metadata', metadata: { overview: 'x' } },
      { type: 'error', error: 'x' },
      { role: 'assistant' },
      7,
      null,
    ];
    const session = sessionFrom(
      `${line('user', text('Hi'))}${notes.map((note) => `${JSON.stringify(note)}\n`).join('')}not JSON\n{"role":"us`,
    );
    expect(session.messages).toHaveLength(1);
    expect(session.problems).toMatchObject([
      { message: 'A line that is not JSON was left out.', location: { line: 8 } },
    ]);
  });

  it('tells when it was typed, and where, if the client wrote that into it', () => {
    const info = '<user_info>\r\nWorkspace Path: C:\\dev\\acme api\r\nShell: x\r\n</user_info>';
    const typed =
      '<timestamp>Sunday, Apr 26, 2026, 9:53 PM (UTC-4)</timestamp>\n<user_query>\nHi\n</user_query>';
    const session = sessionFrom(line('user', text(info)) + line('user', text(typed)));
    expect(session).toMatchObject({
      projectPath: 'C:\\dev\\acme api',
      projectName: 'acme api',
      createdAt: Date.parse('2026-04-27T01:53:00Z'),
      messages: [{ id: 'line-2', parts: [{ type: 'text', text: 'Hi' }] }],
    });
  });
});

describe('the oldest kind of transcript', () => {
  const parse = (value: string) => [...textMessages(value)];

  it('knows thinking, text, tool calls with arguments of both kinds, and results without content', () => {
    const answer = `assistant:
[Thinking] Hm.
First.

Second.
[Tool call] Shell
  command: printf 'a: b'
    and more
  cwd=/tmp

[Tool result] Shell
of no use

A:
user
constructor

Last.`;
    expect(parse(`user:\nHi\n\nthere\n\n${answer}`)).toEqual([
      { line: 1, value: { role: 'user', message: { content: [text('Hi\n\nthere\n')] } } },
      {
        line: 6,
        value: {
          role: 'assistant',
          message: {
            content: [
              { type: 'reasoning', text: 'Hm.' },
              text('First.\n\nSecond.'),
              {
                type: 'tool_use',
                name: 'Shell',
                input: { command: "printf 'a: b'\n  and more", cwd: '/tmp' },
              },
              text(''),
            ],
          },
        },
      },
      { line: 19, value: { role: 'assistant', message: { content: [text('user\nconstructor\n\nLast.')] } } },
    ]);
  });

  it.each(['', '\n\n', 'no head\nat all', 'user:', '[Tool call] x\n  y: z'])(
    'is never an error: %j',
    (value) => {
      expect(() => sessionFrom(value, `home-dev-x/agent-transcripts/${ID}.txt`)).not.toThrow();
    },
  );
});

describe('a transcript that is copied into another project', () => {
  it('is read once, from the longer file', () => {
    const home = copyOfFixture();
    const from = join(home, '.cursor/projects/home-dev-notes');
    const to = join(home, '.cursor/projects/a-copy');
    cpSync(from, to, { recursive: true });
    const path = `.cursor/projects/a-copy/agent-transcripts/${chat('7')}/${chat('7')}.jsonl`;
    write(home, path, line('user', text('Hi')));
    const rows = rowsOf(home).filter(({ id }) => id === chat('7'));
    expect(rows).toMatchObject([{ title: 'Summarise todo.md', projectName: 'home-dev-notes' }]);
    expect(rows[0]?.files).toHaveLength(2);
    expect(readdirSync(join(home, '.cursor/projects'))).toContain('a-copy');
  });
});
