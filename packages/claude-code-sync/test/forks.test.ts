import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { discover, findSessions } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { readSessions } from '../../core/src/session.js';
import { source } from '../src/source.js';
import {
  another,
  billed,
  branchCopies,
  emptied,
  isConversation,
  type Line,
  later,
  linesOf,
  markedCopies,
  resumeCopies,
  terminal,
  textOf,
  under,
  unmarkedCopies,
} from './histories.js';
import { bucketsOf, envOf, homeOf, rowOf, rowsOf, sessionOf } from './home.js';

const FOLDER = '-home-dev-work';
const EARLY = '11111111-0000-4000-8000-000000000000';
const LATE = '99999999-0000-4000-8000-000000000000';
const THIRD = '55555555-0000-4000-8000-000000000000';

const sampleOf = (name: string) =>
  terminal(linesOf('2.0.37-2.1.74', `-home-dev-work-2174/${name}.jsonl`)).filter(isConversation);
const sample = sampleOf('cccc0003-0000-4000-8000-000000002174');
const forkSample = sampleOf('acc281c1-4406-4b05-8943-d59e31bc02b2');
const known = new Set(sample.map(({ uuid }) => uuid));
/** What the client copied when it forked the sample, and what was then said in the fork. */
const chain = forkSample.filter(({ uuid }) => known.has(uuid));
const turn = forkSample.filter(({ uuid }) => !known.has(uuid));

function path(id: string, folder = FOLDER): string {
  return `${folder}/${id}.jsonl`;
}

function home(...files: [id: string, lines: readonly Line[]][]): string {
  return homeOf(Object.fromEntries(files.map(([id, lines]) => [path(id), textOf(lines)])));
}

/** Names of original and fork in both orders, and both orders in which their files came to be. */
const orders = [
  { name: 'original first in the folder and on disk', original: EARLY, fork: LATE, forkWritten: 'last' },
  {
    name: 'original first in the folder, fork first on disk',
    original: EARLY,
    fork: LATE,
    forkWritten: 'first',
  },
  {
    name: 'fork first in the folder, original first on disk',
    original: LATE,
    fork: EARLY,
    forkWritten: 'last',
  },
  { name: 'fork first in the folder and on disk', original: LATE, fork: EARLY, forkWritten: 'first' },
] as const;

describe.each(orders)('a fork without any mark, $name', ({ original, fork, forkWritten }) => {
  const write = (originals: readonly Line[], forks: readonly Line[]) => {
    const files: [string, readonly Line[]][] = [
      [original, under(original, originals)],
      [fork, forks],
    ];
    return home(...(forkWritten === 'last' ? files : files.reverse()));
  };
  const expectFork = (folder: string, originals: readonly Line[], own: readonly Line[]) => {
    const row = rowOf(folder, fork);
    expect(bucketsOf(row.usage)).toEqual(billed(own));
    expect(row.forkedFrom).toBe(original);
    expect(row.messages).toMatchObject({ user: 1, assistant: 2 });
    expect(row.title).toBe('Another way [#f1]');
    expect(bucketsOf(rowOf(folder, original).usage)).toEqual(billed(originals));
    expect(rowOf(folder, original).forkedFrom).toBeNull();
  };

  it('owns what was said after it was made, and its original the rest', () => {
    expectFork(write(sample, [...unmarkedCopies(fork, chain), ...under(fork, turn)]), sample, turn);
  });

  it('is told apart when it copied every line of its original', () => {
    expectFork(write(chain, [...unmarkedCopies(fork, chain), ...under(fork, turn)]), chain, turn);
  });

  it('is told apart when the original went on later', () => {
    const goingOn = [...chain, ...another('c', later(3_600_000, turn))];
    expectFork(write(goingOn, [...unmarkedCopies(fork, chain), ...under(fork, turn)]), goingOn, turn);
  });

  it('is told apart when the original was killed in the middle of a tool', () => {
    const call = turn.findIndex(({ message }) => JSON.stringify(message).includes('"tool_use"'));
    const killed = [...chain, ...another('d', turn.slice(1, call + 1))];
    const own = later(3_600_000, turn);
    expectFork(write(killed, [...unmarkedCopies(fork, chain), ...under(fork, own)]), killed, own);
  });

  it('is told apart when its original went on first, by what it did not copy', () => {
    const goingOn = [...sample, ...another('c', later(3_600_000, turn))];
    const own = later(7_200_000, turn);
    expectFork(write(goingOn, [...unmarkedCopies(fork, chain), ...under(fork, own)]), goingOn, own);
  });

  it('is told apart when its prompt was never answered and the original went on', () => {
    const goingOn = [...chain, ...another('c', later(3_600_000, turn))];
    const folder = write(goingOn, [...unmarkedCopies(fork, chain), ...under(fork, turn.slice(0, 1))]);
    expect(bucketsOf(rowOf(folder, original).usage)).toEqual(billed(goingOn));
    expect(rowOf(folder, fork)).toMatchObject({
      forkedFrom: original,
      messages: { user: 1, assistant: 0 },
      cost: 0,
    });
  });

  it('is told apart when its prompt was never answered', () => {
    const folder = write(chain, [...unmarkedCopies(fork, chain), ...under(fork, turn.slice(0, 1))]);
    expect(bucketsOf(rowOf(folder, original).usage)).toEqual(billed(chain));
    expect(rowOf(folder, fork)).toMatchObject({
      forkedFrom: original,
      messages: { user: 1, assistant: 0 },
      cost: 0,
    });
  });
});

describe('a fork that is still being written', () => {
  it('does not take over its original, which is the older file', async () => {
    const end = Date.parse(String(chain.at(-1)?.timestamp));
    const shared = later(Date.now() + 100 - end, chain);
    const goingOn = [...shared, ...another('c', later(3_600_000, turn))];
    const folder = home([LATE, under(LATE, goingOn)]);
    await new Promise((done) => setTimeout(done, 200));
    homeOf({ [path(EARLY)]: textOf(unmarkedCopies(EARLY, shared)) }, folder);
    expect(bucketsOf(rowOf(folder, LATE).usage)).toEqual(billed(goingOn));
    expect(rowsOf(folder).map(({ id }) => id)).toEqual([LATE]);
  });
});

describe('families of forks', () => {
  const second = another('b', later(60_000, turn));
  const a = under(LATE, sample);
  const b = [...unmarkedCopies(THIRD, chain), ...under(THIRD, turn)];
  const c = [...unmarkedCopies(EARLY, b), ...under(EARLY, second)];

  it.each([
    [
      'oldest first',
      [
        [LATE, a],
        [THIRD, b],
        [EARLY, c],
      ],
    ],
    [
      'youngest first',
      [
        [EARLY, c],
        [THIRD, b],
        [LATE, a],
      ],
    ],
  ] as [string, [string, Line[]][]][])(
    'bill each call of a fork of a fork once, written %s',
    (_order, files) => {
      const folder = home(...files);
      expect(bucketsOf(rowOf(folder, LATE).usage)).toEqual(billed(sample));
      expect(bucketsOf(rowOf(folder, THIRD).usage)).toEqual(billed(turn));
      expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(second));
      expect(rowOf(folder, THIRD).forkedFrom).toBe(LATE);
      expect(rowOf(folder, EARLY).forkedFrom).toBe(THIRD);
    },
  );

  it('name the common original of two forks', () => {
    const other = [...unmarkedCopies(EARLY, chain), ...under(EARLY, second)];
    for (const files of [
      [
        [EARLY, other],
        [THIRD, b],
        [LATE, a],
      ],
      [
        [LATE, a],
        [THIRD, b],
        [EARLY, other],
      ],
    ]) {
      const folder = home(...(files as [string, Line[]][]));
      expect(rowOf(folder, THIRD).forkedFrom).toBe(LATE);
      expect(rowOf(folder, EARLY).forkedFrom).toBe(LATE);
      expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(second));
    }
  });

  it('name the parent of a marked fork of a fork, not its first ancestor', () => {
    const marked = [...markedCopies(THIRD, under(LATE, chain)), ...under(THIRD, turn)];
    const grandchild = [...markedCopies(EARLY, marked), ...under(EARLY, second)];
    const folder = home([LATE, a], [THIRD, marked], [EARLY, grandchild]);
    expect(rowOf(folder, EARLY).forkedFrom).toBe(THIRD);
    expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(second));
    expect(bucketsOf(rowOf(folder, THIRD).usage)).toEqual(billed(turn));
  });

  it('are found across project folders', () => {
    const folder = homeOf({ [path(LATE, '-home-dev-other')]: textOf(a), [path(THIRD)]: textOf(b) });
    expect(rowOf(folder, THIRD)).toMatchObject({ forkedFrom: LATE, messages: { user: 1, assistant: 2 } });
  });
});

describe('marked forks', () => {
  const kinds = {
    'requestSessionId on assistant lines (2.1.330)': (id: string, lines: readonly Line[]) =>
      markedCopies(id, lines),
    'forkedFrom on each line (/branch)': (id: string, lines: readonly Line[]) => branchCopies(id, lines),
    'the old sessionId in the lines (2.1.45)': (_id: string, lines: readonly Line[]) => [...lines],
  };

  describe.each(Object.entries(kinds))('by %s', (_kind, copies) => {
    const fork = [...copies(EARLY, under(LATE, chain)), ...under(EARLY, turn)];

    it('own only what is new, and their original stays whole', () => {
      const folder = home([EARLY, fork], [LATE, under(LATE, sample)]);
      expect(rowOf(folder, EARLY)).toMatchObject({
        forkedFrom: LATE,
        messages: { user: 1, assistant: 2 },
        toolCalls: 1,
      });
      expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(turn));
      expect(bucketsOf(rowOf(folder, LATE).usage)).toEqual(billed(sample));
    });

    it('leave their original whole when it seems to be the copy', () => {
      const goingOn = [...chain, ...another('c', turn)];
      const folder = home(
        [EARLY, [...copies(EARLY, under(LATE, chain)), ...under(EARLY, later(3_600_000, turn))]],
        [LATE, under(LATE, goingOn)],
      );
      expect(bucketsOf(rowOf(folder, LATE).usage)).toEqual(billed(goingOn));
      expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(turn));
    });

    it('stay as they are when their original is deleted', () => {
      const folder = home([EARLY, fork], [LATE, under(LATE, sample)]);
      const before = rowOf(folder, EARLY);
      rmSync(join(folder, 'projects', path(LATE)));
      expect(rowsOf(folder)).toEqual([before]);
    });

    it('show what they copied as copies, in order', () => {
      const { messages } = sessionOf(home([EARLY, fork]), EARLY);
      const own = messages.findIndex(({ copied }) => copied !== true);
      expect(own).toBeGreaterThan(0);
      expect(messages.slice(own).every(({ copied }) => copied === undefined)).toBe(true);
      expect(messages[own]?.parts).toEqual([{ type: 'text', text: 'Another way [#f1]' }]);
    });
  });

  it('do not count a copied prompt that nobody had answered', () => {
    const prompt = another('e', later(1_000, turn.slice(0, 1)));
    const copied = markedCopies(EARLY, under(LATE, [...chain, ...prompt]));
    const fork = [...copied, ...under(EARLY, later(60_000, turn))];
    const folder = home([LATE, under(LATE, [...sample, ...prompt])], [EARLY, fork]);
    expect(rowOf(folder, EARLY)).toMatchObject({ forkedFrom: LATE, messages: { user: 1, assistant: 2 } });
    expect(rowOf(folder, LATE).messages.user).toBe(3);
  });
});

describe('a fork of a compacted session', () => {
  const compacted = linesOf('2.1.330', '-home-dev-work/aaaa0009-0000-4000-8000-000000000000.jsonl').filter(
    isConversation,
  );
  const boundary = compacted.findIndex(({ subtype }) => subtype === 'compact_boundary');
  const metadata = compacted[boundary]?.compactMetadata as
    | { preservedMessages?: { uuids: string[] } }
    | undefined;
  const uuids = metadata?.preservedMessages?.uuids ?? [];
  const preserved = compacted
    .filter(({ uuid, type }) => uuids.includes(String(uuid)) && type === 'assistant')
    .map(emptied);
  const [begin, summary, ...rest] = compacted.slice(boundary);
  const copied = unmarkedCopies(EARLY, [begin as Line, summary as Line, ...preserved, ...rest]);
  const own = another('f', later(60_000, compacted.slice(-14)));
  const fork = [...copied, ...under(EARLY, own)];
  const original = under(LATE, compacted);

  it('begins at the compaction and owns nothing of it', () => {
    const folder = home([EARLY, fork], [LATE, original]);
    expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(own));
    expect(rowOf(folder, EARLY)).toMatchObject({ forkedFrom: LATE, messages: { user: 1, assistant: 2 } });
    expect(bucketsOf(rowOf(folder, LATE).usage)).toEqual(billed(compacted));
  });

  it('is found behind a first line that fills more than a page, and among many sessions', () => {
    const pasted = {
      type: 'queue-operation',
      operation: 'enqueue',
      sessionId: EARLY,
      content: textOf(sample),
    };
    const strangers = ['a', 'b', 'c'].map((tag): [string, Line[]] => [
      THIRD.replace('5', tag),
      another(tag, sample),
    ]);
    const folder = home(...strangers, [EARLY, [pasted, ...fork]], [LATE, original]);
    expect(bucketsOf(rowOf(folder, EARLY).usage)).toEqual(billed(own));
    expect(rowOf(folder, EARLY).forkedFrom).toBe(LATE);
  });

  it('does not bill what was preserved when its original is gone', () => {
    const counted = [...rest, ...own];
    const row = rowOf(home([EARLY, fork]), EARLY);
    expect(bucketsOf(row.usage)).toEqual(billed(counted));
    expect(row.messages.assistant).toBe(4);
  });

  it('reads a fork of that fork', () => {
    const again = another('9', later(120_000, own));
    const folder = home(
      [THIRD, [...unmarkedCopies(THIRD, fork), ...under(THIRD, again)]],
      [EARLY, fork],
      [LATE, original],
    );
    expect(bucketsOf(rowOf(folder, THIRD).usage)).toEqual(billed(again));
    expect(rowOf(folder, THIRD).forkedFrom).toBe(EARLY);
  });
});

describe('what 1.0 clients write on resume', () => {
  it('is a new session that owns only what is new', () => {
    const resumedAt = new Date(Date.parse(String(chain.at(-1)?.timestamp)) + 30_000).toISOString();
    const own = later(60_000, turn);
    const resumed = [...resumeCopies(EARLY, resumedAt, chain), ...under(EARLY, own)];
    for (const folder of [home([LATE, under(LATE, sample)], [EARLY, resumed]), home([EARLY, resumed])]) {
      const row = rowOf(folder, EARLY);
      expect(bucketsOf(row.usage)).toEqual(billed(own));
      expect(row).toMatchObject({
        messages: { user: 1, assistant: 2 },
        toolCalls: 1,
        title: 'Another way [#f1]',
      });
      expect(row.createdAt).toBe(Date.parse(String(own[0]?.timestamp)));
    }
  });
});

describe('transcripts that cannot be read', () => {
  const fork = [...unmarkedCopies(EARLY, chain), ...under(EARLY, turn)];

  it('are no obstacle to their relatives', () => {
    const folder = home([EARLY, fork], [LATE, under(LATE, sample)]);
    const raws = findSessions(source, envOf(folder));
    rmSync(join(folder, 'projects', path(LATE)));
    const [gone, left] = [LATE, EARLY].map((id) => raws.find((raw) => raw.id === id));
    expect(left && readSessions(source, left, 'all', {})[0]?.session.messages.length).toBeGreaterThan(2);
    expect(() => gone && readSessions(source, gone, 'all', {})).toThrow(/Cannot read/);
  });

  it('fail alone when they are subagents of a 2.0 client', () => {
    const folder = home([EARLY, fork]);
    const missing = { path: join(folder, 'projects', FOLDER, 'agent-00000000.jsonl'), size: 1, mtimeMs: 1 };
    const raws = [...source.sessions([...discover(source, envOf(folder)), missing], envOf(folder))];
    expect(raws.map(({ id }) => id)).toEqual([EARLY, 'agent-00000000']);
    expect(() => raws[1] && readSessions(source, raws[1], 'all', {})).toThrow(/Cannot read/);
  });
});
