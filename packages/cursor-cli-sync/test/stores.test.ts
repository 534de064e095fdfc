import { cpSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  chat,
  contentOf,
  copyOfFixture,
  FIXTURE,
  folderOf,
  homeOf,
  rowsOf,
  rowsOfEverything,
  sessionOf,
  write,
} from './home.js';
import { encode, StoreEditor } from './store-editor.js';

const TOUR = '2';

/** A home with one chat whose store was changed, and what is read from it. */
function edited(number: string, edit: (store: StoreEditor) => void) {
  const home = homeOf(number);
  const store = new StoreEditor(join(home, folderOf(number), 'store.db'));
  edit(store);
  store.save();
  expect(rowsOf(home)).toEqual(rowsOfEverything(home));
  return sessionOf(home, number);
}

/** The chat as the fixture has it. */
const original = (number: string) => contentOf(sessionOf(homeOf(number), number));

const transcriptOf = (number: string) =>
  `.cursor/projects/home-dev-acme-api/agent-transcripts/${chat(number)}/${chat(number)}.jsonl`;

const summary = {
  role: 'user',
  content: [{ type: 'text', text: 'filler' }],
  providerOptions: { cursor: { isSummary: true } },
};

describe('a conversation that was compacted', () => {
  it.each([1, 2, 3, 5, 9, 12])(
    'is whole and keeps its ids when %i messages went into an archive',
    (count) => {
      const session = edited(TOUR, (store) => {
        const [system, ...messages] = store.list as [Buffer, ...Buffer[]];
        const summaryId = store.putMessage(summary);
        const archive = store.put(
          encode([
            ...messages.slice(0, count).map((value) => ({ number: 1, value })),
            { number: 2, value: Buffer.from('filler') },
            { number: 4, value: summaryId },
          ]),
        );
        store.list = [system, summaryId, ...messages.slice(count)];
        store.state = [...store.state, { number: 13, value: archive }];
      });
      expect(contentOf(session)).toEqual(original(TOUR));
    },
  );

  it('is read from several archives in their order', () => {
    const session = edited(TOUR, (store) => {
      const [system, ...messages] = store.list as [Buffer, ...Buffer[]];
      const archives = [messages.slice(0, 3), [store.putMessage(summary), ...messages.slice(3, 7)]].map(
        (ids) => store.put(encode(ids.map((value) => ({ number: 1, value })))),
      );
      store.list = [system, ...messages.slice(7)];
      store.state = [...store.state, ...archives.map((value) => ({ number: 13, value }))];
    });
    expect(contentOf(session)).toEqual(original(TOUR));
  });

  it('says so when an archive is missing, and keeps the rest', () => {
    const session = edited(TOUR, (store) => {
      store.state = [...store.state, { number: 13, value: Buffer.alloc(32, 7) }];
    });
    expect(session.problems.map(({ message }) => message)).toEqual([
      'An archive of the conversation is missing or damaged.',
    ]);
    expect(session.messages).toHaveLength(7);
  });
});

describe('equal messages', () => {
  it('are each a message, with ids that stay when more of them come', () => {
    const ids = (times: number) =>
      edited(TOUR, (store) => {
        const turn = store.list.slice(-4);
        store.list = [...store.list, ...Array.from({ length: times }, () => turn).flat()];
      }).messages.map(({ id }) => id);
    const [once, twice] = [ids(1), ids(2)];
    expect(once).toHaveLength(10);
    expect(twice.slice(0, 10)).toEqual(once);
    expect(new Set(twice).size).toBe(13);
  });

  it('keep each tool result behind its own call', () => {
    const { messages } = edited(TOUR, (store) => {
      store.list = [...store.list, ...store.list.slice(-4)];
    });
    const results = messages.flatMap(({ parts }) =>
      parts.flatMap((part, index) => {
        if (part.type !== 'tool-result') return [];
        expect(parts[index - 1]).toMatchObject({ type: 'tool-call', id: part.id });
        return [part.id];
      }),
    );
    expect(results).toEqual(['toolu_01A', 'toolu_01B', 'toolu_01C', 'toolu_01D', 'toolu_01D']);
  });
});

describe('the newest messages', () => {
  const pendingOf = (store: StoreEditor) => store.state.filter(({ number }) => number === 4);

  it('have the same ids before and after they move from the state into the list', () => {
    const moved = edited('3', (store) => {
      const pending = pendingOf(store).map(({ value }) => store.put(value as Uint8Array));
      store.state = store.state.filter(({ number }) => number !== 4);
      store.list = [...store.list, ...pending];
    });
    expect(contentOf(moved)).toEqual(original('3'));
  });

  it('count once while they stand in both places', () => {
    const both = edited('3', (store) => {
      const pending = pendingOf(store).map(({ value }) => store.put(value as Uint8Array));
      store.list = [...store.list, ...pending];
    });
    expect(contentOf(both)).toEqual(original('3'));
  });

  it('may be an answer with the results of its tools', () => {
    const session = edited(TOUR, (store) => {
      const last = store.list.slice(-3);
      store.list = store.list.slice(0, -3);
      const pending = last.map((id) => ({ number: 4, value: store.blob(id.toString('hex')) }));
      store.state = [...store.state, ...pending];
    });
    expect(contentOf(session)).toEqual(original(TOUR));
  });
});

describe('what the newest state does not refer to', () => {
  it('is no part of the conversation: abandoned branches, and files that look like messages', () => {
    const session = edited(TOUR, (store) => {
      const branch = store.putMessage({ role: 'user', content: '<user_query>\nAbandoned.\n</user_query>' });
      const file = store.putMessage({ role: 'assistant', content: 'I am a file that was edited.' });
      const before = store.state;
      store.list = [...store.list, branch];
      const state = encode([
        { number: 1, value: file },
        { number: 2, value: file },
      ]);
      const path = Buffer.from('file:///home/dev/acme-api/messages.json');
      const entry = encode([
        { number: 1, value: path },
        { number: 2, value: state },
      ]);
      store.state = [...before, { number: 15, value: entry }];
    });
    expect(contentOf(session)).toEqual(original(TOUR));
  });

  it('does not come back when a conversation is rewound', () => {
    const { messages } = edited(TOUR, (store) => {
      store.list = store.list.slice(0, -4);
    });
    const whole = sessionOf(homeOf(TOUR), TOUR).messages;
    expect(messages.map(({ id }) => id)).toEqual(whole.slice(0, 4).map(({ id }) => id));
  });
});

describe('times', () => {
  it('belong to the turn they were recorded for when something was typed in between', () => {
    const { messages } = edited(TOUR, (store) => {
      const steer = store.putMessage({ role: 'user', content: '<user_query>\nHurry.\n</user_query>' });
      store.list = [...store.list.slice(0, 5), steer, ...store.list.slice(5)];
    });
    expect(messages.map(({ createdAt }) => createdAt)).toEqual([
      1760000603000,
      undefined,
      undefined,
      undefined,
      1760000625000,
      1760000720000,
      undefined,
      1760000733000,
    ]);
  });

  it('are left out for the turn that is under way', () => {
    const { messages } = edited(TOUR, (store) => {
      const fields = store.state;
      const last = fields.findLastIndex(({ number }) => number === 14);
      store.state = fields.filter((_, index) => index !== last);
    });
    expect(messages.map(({ createdAt }) => createdAt).filter((at) => at !== undefined)).toEqual([
      1760000603000, 1760000625000,
    ]);
  });

  it('are left out when nothing says which turn they belong to', () => {
    const { messages, createdAt, updatedAt } = edited(TOUR, (store) => {
      store.state = store.state.filter(({ number }) => number !== 8);
    });
    expect(messages.every((message) => message.createdAt === undefined)).toBe(true);
    expect({ createdAt, updatedAt }).toEqual({ createdAt: 1760000600000, updatedAt: 1760000733000 });
  });

  it('are taken from the prompt where the client wrote the minute into it', () => {
    const { messages } = edited('3', (store) => {
      store.state = store.state.filter(({ number }) => number !== 14);
    });
    expect(messages[0]?.createdAt).toBe(Date.parse('2025-10-09T09:23:00Z'));
  });
});

describe('a message', () => {
  it('names a picture and carries none of its bytes', () => {
    const hex = 'ab'.repeat(2000);
    const image = { __type: 'Uint8Array', hex };
    const session = edited(TOUR, (store) => {
      const prompt = store.putMessage({
        role: 'user',
        content: [
          { type: 'text', text: '<user_query>\nWhat is this?\n</user_query>' },
          { type: 'image', image, mimeType: 'image/png' },
        ],
      });
      const answer = store.putMessage({
        role: 'assistant',
        content: [
          { type: 'tool-call', toolCallId: 'toolu_P', toolName: 'Read', args: { path: 'a.png', image } },
        ],
      });
      const output = store.putMessage({
        id: 'toolu_P',
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolName: 'Read',
            toolCallId: 'toolu_P',
            result: [
              { type: 'text', text: 'A picture:' },
              { type: 'image', data: 'q'.repeat(4000), mimeType: 'image/png' },
            ],
          },
        ],
      });
      store.list = [...store.list, prompt, answer, output];
    });
    expect(session.messages.slice(-2).map(({ parts }) => parts)).toEqual([
      [
        { type: 'text', text: 'What is this?' },
        { type: 'file', mediaType: 'image/png', bytes: 2000 },
      ],
      [
        { type: 'tool-call', id: 'toolu_P', name: 'Read', args: { path: 'a.png', image: '[2000 bytes]' } },
        { type: 'tool-result', id: 'toolu_P', name: 'Read', result: 'A picture:\n[image/png, 3000 bytes]' },
      ],
    ]);
    expect(JSON.stringify(session)).not.toMatch(/(?:ab){20}|q{20}/);
  });

  it('of a role or with a part that nobody knows yet changes nothing else', () => {
    const session = edited(TOUR, (store) => {
      const strange = store.putMessage({ role: 'developer', content: [{ type: 'hologram' }, null, 7] });
      store.list = store.list.flatMap((id) => {
        const message = store.message(id);
        if (!Array.isArray(message.content)) return [id, strange];
        const content = [{ type: 'hologram', toolCallId: 7 }, ...message.content, null, 'text'];
        return [store.putMessage({ ...message, content }), strange];
      });
    });
    const told = (from: object) =>
      JSON.stringify(from, (key, value) => (key === 'id' && String(value).length === 16 ? '' : value));
    expect(told(contentOf(session))).toBe(told(original(TOUR)));
  });

  it('that is no message, or is missing, is reported and takes nothing else along', () => {
    const session = edited(TOUR, (store) => {
      const ids = store.list;
      const list = [
        store.putMessage({ role: 'user' }),
        Buffer.alloc(32, 9),
        store.put(Buffer.from('{"role')),
      ];
      store.list = [...ids.slice(0, 4), ...list, ...ids.slice(4)];
    });
    expect(session.problems.map(({ message }) => message).sort()).toEqual([
      'A message is missing from the database.',
      'A message of an unknown kind was left out.',
      'A message that is not JSON was left out.',
    ]);
    expect({ ...contentOf(session), problems: [] }).toEqual(original(TOUR));
  });

  it('holding the output of a call that is gone is shown, and counted as nothing', () => {
    const home = homeOf(TOUR);
    const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
    store.list = store.list.filter((id) => store.message(id).id !== '1');
    store.save();
    const { messages } = sessionOf(home, TOUR);
    const stray = messages.filter(({ role }) => role === 'unknown');
    expect(stray).toMatchObject([{ injected: true, parts: [{ type: 'text' }] }]);
    expect(rowsOf(home)).toEqual(rowsOfEverything(home));
    expect(rowsOf(home)[0]).toMatchObject({ messages: { user: 2, assistant: 4, tool: 0 }, toolCalls: 3 });
  });

  it('is told apart from the thinking that some models write in front of it', () => {
    const { messages } = edited(TOUR, (store) => {
      const text = '<think>\nHm.\n</think>\n\nThe tag `<think>x</think>` is for thinking.';
      store.list = [
        ...store.list,
        store.putMessage({ role: 'assistant', content: [{ type: 'text', text }] }),
      ];
    });
    expect(messages.at(-1)?.parts).toEqual([
      { type: 'thinking', text: 'Hm.' },
      { type: 'text', text: 'The tag `<think>x</think>` is for thinking.' },
    ]);
  });
});

describe('the description of a chat', () => {
  it('may be written as plain JSON', () => {
    const home = homeOf(TOUR);
    const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
    store.save(JSON.stringify(store.meta));
    expect(contentOf(sessionOf(home, TOUR))).toEqual(original(TOUR));
  });

  it('may count in seconds', () => {
    const { createdAt } = edited(TOUR, (store) => {
      store.meta.createdAt = 1760000600;
    });
    expect(createdAt).toBe(1760000600000);
  });

  it('gives way to the statistics of the tool for a chat without a name', () => {
    const home = homeOf(TOUR);
    cpSync(join(FIXTURE, '.cursor/ai-tracking'), join(home, '.cursor/ai-tracking'), { recursive: true });
    const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
    store.meta.name = 'New Agent';
    delete store.meta.lastUsedModel;
    store.save();
    expect(rowsOf(home)[0]).toMatchObject({
      title: 'Add healthcheck route',
      model: 'claude-4.5-sonnet-thinking',
      problems: [],
    });
    write(home, '.cursor/ai-tracking/ai-code-tracking.db', 'not a database '.repeat(400));
    expect(rowsOf(home)[0]).toMatchObject({
      title: 'Add a /healthz route and run the tests.',
      problems: [expect.stringContaining('ai-code-tracking.db')],
    });
  });
});

describe('a store that cannot be used', () => {
  const withTranscript = () => {
    const home = homeOf(TOUR);
    write(home, transcriptOf(TOUR), readFileSync(join(FIXTURE, transcriptOf(TOUR))));
    return home;
  };
  const damages: [string, (home: string) => void, problems: RegExp[]][] = [
    ['is gone', (home) => rmSync(join(home, folderOf(TOUR), 'store.db')), []],
    [
      'is no database',
      (home) => write(home, `${folderOf(TOUR)}/store.db`, 'not a database '.repeat(400)),
      [/Cannot read .*store\.db.* Its transcript is read instead\./],
    ],
    [
      'has no conversation yet',
      (home) => {
        const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
        store.meta.latestRootBlobId = '';
        store.save();
      },
      [],
    ],
    [
      'has lost its state',
      (home) => {
        const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
        store.meta.latestRootBlobId = 'ab'.repeat(32);
        store.save();
      },
      [/state of the conversation is missing/],
    ],
    [
      'has a description that is cut off',
      (home) => {
        const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
        store.save(store.change().meta.slice(0, -20));
      },
      [/description of the chat is missing/],
    ],
    [
      'is encrypted',
      (home) => {
        const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
        for (const [id, data] of store.blobs) {
          if (data[0] === 0x7b)
            store.blobs.set(
              id,
              data.map((byte) => byte ^ 0x5a),
            );
        }
        store.save();
      },
      Array.from({ length: 13 }, () => /not JSON/),
    ],
  ];

  it.each(damages)('gives way to the transcript when it %s', (_, damage, problems) => {
    const home = withTranscript();
    damage(home);
    const rows = rowsOf(home);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      id: chat(TOUR),
      projectPath: '/home/dev/acme-api',
      createdAt: 1760000600000,
      messages: { user: 2, assistant: 5 },
      toolCalls: 4,
      usage: null,
    });
    expect(rows[0]?.problems).toHaveLength(problems.length);
    for (const [index, problem] of problems.entries()) expect(rows[0]?.problems[index]).toMatch(problem);
  });

  it('fails its own session alone when there is no transcript', () => {
    const home = homeOf('1', TOUR);
    write(home, `${folderOf(TOUR)}/store.db`, 'not a database '.repeat(400));
    expect(() => sessionOf(home, TOUR)).toThrow(
      expect.objectContaining({ kind: 'read', message: expect.stringContaining('store.db') }),
    );
    rmSync(join(home, folderOf(TOUR)), { recursive: true });
    expect(sessionOf(home, '1').messages).toHaveLength(2);
  });

  it('leaves tokens unknown, not none, when there is no transcript either', () => {
    const home = homeOf(TOUR);
    const store = new StoreEditor(join(home, folderOf(TOUR), 'store.db'));
    store.meta.latestRootBlobId = 'ab'.repeat(32);
    store.save();
    expect(rowsOf(home)[0]).toMatchObject({ usage: null, cost: null, messages: { user: 0, assistant: 0 } });
  });
});

describe('a chat that lies in two folders', () => {
  it('is one session, read from the newer one', () => {
    const home = homeOf(TOUR);
    const other = `.config/cursor/chats/${'0'.repeat(32)}/${chat(TOUR)}`;
    cpSync(join(home, folderOf(TOUR)), join(home, other), { recursive: true });
    const store = new StoreEditor(join(home, other, 'store.db'));
    store.list = store.list.slice(0, -4);
    store.meta.name = 'Older state';
    store.save();
    const times = (path: string, at: number) => {
      for (const name of ['store.db', 'meta.json']) utimesSync(join(home, path, name), at, at);
    };
    times(folderOf(TOUR), 2000);
    times(other, 1000);
    expect(rowsOf(home)).toMatchObject([{ title: 'Add healthcheck route', messages: { assistant: 5 } }]);
    times(other, 3000);
    expect(rowsOf(home)).toMatchObject([{ title: 'Older state', messages: { assistant: 3 } }]);
  });

  it('may be one that was driven by an editor over ACP', () => {
    const home = copyOfFixture();
    const acp = '.cursor/acp-sessions/11111111-aaaa-4000-8000-000000000001';
    cpSync(join(home, dirname(folderOf(TOUR)), chat(TOUR)), join(home, acp), { recursive: true });
    const row = rowsOf(home).find(({ id }) => id === '11111111-aaaa-4000-8000-000000000001');
    expect(row).toMatchObject({ title: 'Add healthcheck route', messages: { user: 2, assistant: 5 } });
  });
});
