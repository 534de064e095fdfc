import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSessions, type Usage } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { source } from '../src/source.js';
import {
  chat,
  copyOfFixture,
  envOf,
  FIXTURE,
  folderOf,
  homeOf,
  hooksOf,
  JOURNAL,
  RECORDED_AT,
  record,
  rowsOf,
  rowsOfEverything,
  run,
  sessionOf,
  write,
} from './home.js';
import { encode, StoreEditor } from './store-editor.js';

const TURNS = ['5f0c2a10-0000-4000-8000-00000000aa01', '5f0c2a10-0000-4000-8000-00000000aa02'] as const;
const SECOND: Usage = {
  input: 640,
  cacheRead: 25100,
  cacheWrite5m: 600,
  cacheWrite1h: 0,
  output: 95,
  reasoning: null,
};
const BOTH: Usage = {
  input: 5961,
  cacheRead: 43300,
  cacheWrite5m: 2800,
  cacheWrite1h: 0,
  output: 505,
  reasoning: null,
};

/** Payloads of chat 2 that belong to its first or its second turn. */
const turn = (index: 0 | 1) => hooksOf('2').filter((payload) => payload.includes(TURNS[index]));

const changed = (payload: string, change: object) =>
  JSON.stringify({ ...(JSON.parse(payload) as object), ...change });

/** What a hook tells of a turn of chat 2 that its store does not hold. */
const otherTurn = (change: object = {}) =>
  changed(turn(1).at(-2) ?? '', { generation_id: '5f0c2a10-0000-4000-8000-00000000aa99', ...change });

function rowOf(home: string, number: string) {
  expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  return rowsOf(home).find(({ id }) => id === chat(number));
}

function edit(home: string, change: (store: StoreEditor) => void): void {
  const store = new StoreEditor(join(home, folderOf('2'), 'store.db'));
  change(store);
  store.save();
}

/** A home with chat 2 and the hooks of both its turns. */
function recordedHome(change: (store: StoreEditor) => void = () => undefined): string {
  const home = homeOf('2');
  record(home, ...hooksOf('2'));
  edit(home, change);
  return home;
}

const usageOf = (home: string) => rowOf(home, '2')?.usage;
const typed = (text: string) => ({ role: 'user', content: `<user_query>\n${text}\n</user_query>` });
const said = (text: string) => ({ role: 'assistant', content: [{ type: 'text', text }] });

interface Inserted {
  message: { role: string; content: unknown };
  /** As the turn has it; null when it is missing. */
  prompt: string | null;
  requestId: string;
}

/** Puts a turn between the two that chat 2 has. */
function insertTurn(store: StoreEditor, { message, prompt, requestId }: Inserted): void {
  const next = store.list.findIndex((id) => JSON.stringify(store.message(id)).includes('Fix it.'));
  const messages = [store.putMessage(message), store.putMessage(said('Done.'))];
  store.list = [...store.list.slice(0, next), ...messages, ...store.list.slice(next)];
  const messageId = { number: 2, value: Buffer.from('id') };
  // An empty text is no field at all.
  const text = prompt ? [{ number: 1, value: Buffer.from(prompt) }] : [];
  const promptId = prompt === null ? Buffer.alloc(32, 7) : store.put(encode([...text, messageId]));
  const fields = [
    { number: 1, value: promptId },
    { number: 3, value: Buffer.from(requestId) },
  ];
  const value = store.put(encode([{ number: 1, value: encode(fields) }]));
  const second = store.state.findLastIndex(({ number }) => number === 8);
  store.state = [...store.state.slice(0, second), { number: 8, value }, ...store.state.slice(second)];
}

describe('a chat all of whose turns were recorded', () => {
  it('has the exact sums, and a call for each turn', () => {
    const home = recordedHome();
    expect(rowOf(home, '2')).toMatchObject({
      usage: BOTH,
      promptTokens: 5961 + 43300 + 2800,
      completionTokens: 505,
      model: 'claude-4.5-sonnet-thinking',
      problems: [],
    });
    expect(sessionOf(home, '2').calls).toMatchObject([
      { id: TURNS[0], createdAt: RECORDED_AT, location: { file: join(home, JOURNAL), line: 2 } },
      {
        id: TURNS[1],
        createdAt: RECORDED_AT,
        location: { file: join(home, JOURNAL), line: 4 },
        usage: SECOND,
      },
    ]);
  });

  it('has the cost of the model that the hook named', () => {
    const home = homeOf('6');
    record(home, ...hooksOf('6'));
    // 3,000 at $0.50, 1,000 from the cache at $0.20, 200 at $2.50 a million.
    expect(rowOf(home, '6')).toMatchObject({ model: 'composer-2', cost: 0.0022, unpriced: [] });
  });

  it('has no cost where that depends on how its tokens spread over the requests of a turn', async () => {
    const home = homeOf('6');
    record(home, ...hooksOf('6').map((payload) => changed(payload, { model: 'gpt-5.5' })));
    expect(rowOf(home, '6')?.cost).toBeGreaterThan(0);
    record(home, changed(hooksOf('6').at(-2) ?? '', { model: 'gpt-5.5', cache_read_tokens: 400_000 }));
    expect(rowOf(home, '6')).toMatchObject({
      promptTokens: 403_000,
      cost: null,
      unpriced: ['gpt-5.5'],
    });
    const { output } = await run(home, 'explain', chat('6'));
    expect(output).toContain('only the sum of several requests is known');
  });

  it('keeps the model of each turn when it goes on with another one', () => {
    const home = recordedHome((store) => {
      store.meta.lastUsedModel = 'composer-2';
    });
    record(home, changed(turn(1).at(-2) ?? '', { model: 'default' }));
    expect(sessionOf(home, '2').calls.map(({ model }) => model)).toEqual([
      'claude-4.5-sonnet-thinking',
      undefined,
    ]);
  });

  it('has tokens and no cost when nobody says which model answered', () => {
    const home = homeOf('3');
    const counts = { input_tokens: 20152, output_tokens: 15, cache_read_tokens: 8704, cache_write_tokens: 0 };
    record(home, ...hooksOf('3').map((payload) => changed(payload, counts)));
    expect(rowOf(home, '3')).toMatchObject({
      model: 'default',
      promptTokens: 28856,
      completionTokens: 15,
      cost: null,
      unpriced: ['default'],
    });
  });

  it.each([
    [
      'it was compacted',
      (store: StoreEditor) => {
        const [system, ...messages] = store.list as [Buffer, ...Buffer[]];
        const archived = messages.slice(0, 6).map((value) => ({ number: 1, value }));
        store.list = [system, ...messages.slice(6)];
        store.state = [...store.state, { number: 13, value: store.put(encode(archived)) }];
      },
    ],
    [
      'something was typed meanwhile',
      (store: StoreEditor) => {
        store.list = [...store.list.slice(0, 5), store.putMessage(typed('Hurry.')), ...store.list.slice(5)];
      },
    ],
    [
      'a command was run that asks no model',
      (store: StoreEditor) => {
        const command = store.put(
          encode([{ number: 2, value: encode([{ number: 1, value: Buffer.from('ls') }]) }]),
        );
        store.state = [...store.state, { number: 8, value: command }];
      },
    ],
    [
      'nothing says when its turns were',
      (store: StoreEditor) => {
        store.state = store.state.filter(({ number }) => number !== 14);
      },
    ],
  ])('stays known when %s', (_, change) => {
    expect(usageOf(recordedHome(change))).toEqual(BOTH);
  });
});

describe('a chat of which something was not recorded', () => {
  it('has unknown totals, and explains what was recorded', async () => {
    const home = homeOf('2');
    record(home, ...turn(1));
    expect(rowOf(home, '2')).toMatchObject({ usage: null, promptTokens: null, cost: null });
    const { output } = await run(home, 'explain', chat('2'), '--json');
    const { calls } = JSON.parse(output) as { calls: { id: string; usage: unknown }[] };
    expect(calls.map(({ usage }) => usage)).toEqual([null, null, null, SECOND]);
    expect(calls.at(-1)?.id).toBe(TURNS[1]);
  });

  it.each([
    [
      'a turn is under way',
      (store: StoreEditor) => {
        store.list = [
          ...store.list,
          store.putMessage(typed('Thanks.')),
          store.putMessage(said('You are welcome.')),
        ];
      },
    ],
    [
      'a prompt has no answer yet',
      (store: StoreEditor) => {
        store.list = [...store.list, store.putMessage(typed('Thanks.'))];
      },
    ],
    [
      'an answer stands before the first turn',
      (store: StoreEditor) => {
        store.list = [store.putMessage(said('Hello.')), ...store.list];
      },
    ],
    [
      'nothing lists its turns',
      (store: StoreEditor) => {
        store.state = store.state.filter(({ number }) => number !== 8);
      },
    ],
    [
      'a turn is missing',
      (store: StoreEditor) => {
        const [first] = store.state.filter(({ number }) => number === 8);
        store.blobs.delete(Buffer.from(first?.value as Uint8Array).toString('hex'));
      },
    ],
    [
      'a turn cannot be found among the messages',
      (store: StoreEditor) => {
        store.list = store.list.map((id) =>
          JSON.stringify(store.message(id)).includes('Fix it.') ? store.putMessage(typed('Mend it.')) : id,
        );
      },
    ],
    [
      'two turns have the same request',
      (store: StoreEditor) =>
        insertTurn(store, { message: typed('More.'), prompt: 'More.', requestId: TURNS[0] }),
    ],
    [
      'a turn in the middle was not recorded',
      (store: StoreEditor) =>
        insertTurn(store, { message: typed('More.'), prompt: 'More.', requestId: 'not recorded' }),
    ],
    [
      'a turn in the middle cannot be found among the messages',
      (store: StoreEditor) =>
        insertTurn(store, { message: typed('More.'), prompt: 'Much more.', requestId: 'not recorded' }),
    ],
    [
      'its state is lost',
      (store: StoreEditor) => {
        store.meta.latestRootBlobId = '';
      },
    ],
  ])('has unknown totals when %s', (_, change) => {
    const home = recordedHome(change);
    expect(usageOf(home)).toBeNull();
    const { calls } = sessionOf(home, '2');
    for (const id of TURNS) expect(calls.filter((call) => call.id === id)).toMatchObject([{ usage: {} }]);
  });

  it('has unknown totals when there is only a transcript, which does not tell turns apart', () => {
    const home = homeOf();
    const path = `.cursor/projects/home-dev-acme-api/agent-transcripts/${chat('2')}/${chat('2')}.jsonl`;
    write(home, path, readFileSync(join(FIXTURE, path)));
    record(home, ...hooksOf('2'));
    expect(usageOf(home)).toBeNull();
    expect(sessionOf(home, '2').calls.filter(({ usage }) => usage !== undefined)).toHaveLength(2);
  });
});

describe('a turn', () => {
  it('counts once, however often its end is told', () => {
    const home = recordedHome();
    record(home, ...hooksOf('2'), ...hooksOf('2'));
    expect(usageOf(home)).toEqual(BOTH);
  });

  it('has the tokens that were told last, and keeps them when an end without tokens follows', () => {
    const home = recordedHome();
    const stop = turn(1).at(-2) ?? '';
    record(home, changed(stop, { output_tokens: 100 }), changed(stop, { input_tokens: undefined }));
    record(home, changed(stop, { generation_id: chat('2'), output_tokens: 1 }));
    expect(usageOf(home)).toEqual({ ...BOTH, output: BOTH.output + 5 });
  });

  it('that was rewound was paid for and counts', () => {
    const home = recordedHome();
    record(home, otherTurn());
    expect(usageOf(home)).toEqual({
      ...BOTH,
      input: 6601,
      cacheRead: 68400,
      cacheWrite5m: 3400,
      output: 600,
    });
    expect(sessionOf(home, '2').calls).toHaveLength(3);
  });

  it('that broke off before it was answered counts, too', () => {
    const home = homeOf('2');
    record(home, ...hooksOf('2'));
    edit(home, (store) => {
      store.list = store.list.slice(0, -3);
    });
    expect(usageOf(home)).toEqual(BOTH);
    write(home, JOURNAL, '');
    record(home, ...turn(0));
    expect(usageOf(home)).toBeNull();
  });

  it('may have begun with a picture and no words', () => {
    const image = { __type: 'Uint8Array', hex: 'abcd' };
    const message = { role: 'user', content: [{ type: 'image', image, mimeType: 'image/png' }] };
    const homeWith = (prompt: string | null) => {
      const home = recordedHome((store) => insertTurn(store, { message, prompt, requestId: 'picture' }));
      record(home, otherTurn({ generation_id: 'picture' }));
      return home;
    };
    expect(usageOf(homeWith(''))).toMatchObject({ output: 600 });
    expect(usageOf(homeWith(null))).toBeNull();
  });

  it('of a subagent is told by the subagent’s own chat or by nobody', () => {
    const home = homeOf('6', 'a6');
    record(home, ...hooksOf('6'), ...hooksOf('a6'));
    expect(rowOf(home, '6')?.usage).toMatchObject({ input: 3000, cacheRead: 1000, output: 200 });
    expect(rowOf(home, 'a6')?.usage).toBeNull();
    const counts = { input_tokens: 10, output_tokens: 20, cache_read_tokens: 30, cache_write_tokens: 40 };
    record(home, ...hooksOf('a6').map((payload) => changed(payload, counts)));
    expect(rowOf(home, '6')?.usage).toMatchObject({ input: 3000, cacheRead: 1000, output: 200 });
    expect(rowOf(home, 'a6')?.usage).toMatchObject({
      input: 10,
      output: 20,
      cacheRead: 30,
      cacheWrite5m: 40,
    });
  });
});

describe('the journal', () => {
  const versionsOf = (home: string) =>
    new Map(findSessions(source, envOf(home)).map(({ id, version }) => [id, version]));

  it('is no session, and one of the files of those chats alone that it tells of', () => {
    const home = copyOfFixture();
    record(home, ...hooksOf('2'), otherTurn({ conversation_id: 'a-chat-of-the-editor' }));
    const withJournal = findSessions(source, envOf(home)).filter(({ files }) =>
      files.includes(join(home, JOURNAL)),
    );
    expect(withJournal.map(({ id }) => id)).toEqual([chat('2')]);
    expect(rowsOf(home)).toHaveLength(10);
  });

  it('changes the version of the chat that a line belongs to, and of no other', () => {
    const home = copyOfFixture();
    record(home, ...turn(0));
    const before = versionsOf(home);
    record(home, ...hooksOf('6'), otherTurn({ conversation_id: 'a-chat-of-the-editor' }));
    const after = versionsOf(home);
    expect([...after.keys()].filter((id) => after.get(id) !== before.get(id))).toEqual([chat('6')]);
  });

  it('changes no version when lines of other chats are taken out', () => {
    const home = copyOfFixture();
    record(home, ...hooksOf('6'), ...hooksOf('2'));
    const before = versionsOf(home).get(chat('2'));
    write(home, JOURNAL, '');
    record(home, ...hooksOf('2'));
    expect(versionsOf(home).get(chat('2'))).toBe(before);
  });

  it('gives the chats the versions they had when it is deleted', () => {
    const home = copyOfFixture();
    const before = versionsOf(home);
    record(home, ...hooksOf('2'), ...hooksOf('6'));
    expect(versionsOf(home)).not.toEqual(before);
    write(home, JOURNAL, '');
    expect(versionsOf(home)).toEqual(before);
  });

  it('may be torn, and hold lines of anybody', () => {
    const home = recordedHome();
    const lines = readFileSync(join(home, JOURNAL), 'utf8');
    const odd = ['', 'not json', '[]', 'null', '{"conversation_id":', `{"conversation_id":"${chat('2')}"}`];
    write(
      home,
      JOURNAL,
      `\uFEFF${odd.join('\n')}\n${lines.replaceAll('\n', `\n${odd.join('\r\n')}\n`)}${lines.slice(0, 150)}`,
    );
    expect(rowOf(home, '2')).toMatchObject({ usage: BOTH, problems: [] });
  });

  it('is a problem when it cannot be read, and takes nothing else along', () => {
    const home = homeOf('2');
    write(home, `${JOURNAL}/file`, '');
    expect(rowOf(home, '2')).toMatchObject({
      usage: null,
      messages: { user: 2, assistant: 5 },
      problems: [expect.stringContaining('turns.jsonl')],
    });
  });
});
