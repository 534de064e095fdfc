import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import { DEAD_LOCK } from '../test/world.js';
import { type Checkpoint, checkpointFolder, openCheckpoints } from './checkpoint.js';

const START = Date.UTC(2026, 0, 15, 12);
const MINUTE = 60_000;

let folder: string;
let now: number;
beforeEach(() => {
  folder = join(temporaryDirectory(), 'state', 'tiny-tool');
  now = START;
});

/** As a new process sees it. */
const open = () => openCheckpoints(folder, () => now);
const checkpoint = (text = 'h'): Checkpoint => ({
  schema: 1,
  sessions: { s1: { header: text, title: 'T', messages: { 'tiny-tool:s1:m1': 'x' }, refused: { m2: 'y' } } },
});

const complete = (version: string, sessions = 1) => ({ version, sessions });
const files = () => readdirSync(folder).sort();
/** The file of the only checkpoint in the folder. */
const fileOf = (sessionId: string): string => {
  const before = new Set(existsSync(folder) ? files() : []);
  open().save(sessionId, checkpoint());
  return join(folder, files().find((name) => !before.has(name)) ?? '');
};

/** Something that goes on until it is told to end. */
function gate() {
  const end = new AbortController();
  const done = new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve()));
  return { done, release: () => end.abort() };
}

describe('the folder', () => {
  const env = { home: '/home/dev', vars: {}, now: () => 0 };
  const location = { env, sourceId: 'tiny-tool', url: 'https://a.example', apiKey: 'osk_a' };

  it('is one for each account on each server and each source, and names none of them', () => {
    const folders = [
      location,
      { ...location, url: 'https://b.example' },
      { ...location, apiKey: 'osk_b' },
      { ...location, sourceId: 'other-tool' },
    ].map(checkpointFolder);
    expect(new Set(folders).size).toBe(4);
    expect(checkpointFolder(location)).toBe(folders[0]);
    for (const path of folders) {
      expect(path).toMatch(/^\/home\/dev\/\.opensync\/state\//);
      expect(path).not.toMatch(/osk_|example/);
    }
  });

  it('and its files are for their owner alone', async () => {
    const store = open();
    store.save('s1', checkpoint());
    store.setComplete('s1', complete('v'));
    store.setFloor(5);
    const first = gate();
    const holder = store.exclusively('s1', () => first.done);
    await open().exclusively('s1', async () => true);
    // Checkpoint, index, floor, lock, and the wish for another look.
    expect(files()).toHaveLength(5);
    for (const name of files()) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(folder)).mode & 0o777).toBe(0o700);
    first.release();
    await holder;
  });
});

describe('a checkpoint', () => {
  it('comes back as it was saved', () => {
    expect(open().load('s1')).toBeUndefined();
    expect(open().has('s1')).toBe(false);
    open().save('s1', checkpoint());
    expect(open().load('s1')).toEqual(checkpoint());
    expect(open().has('s1')).toBe(true);
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, -5)],
    ['empty', () => ''],
    ['garbage', () => '\0\0\0\0'],
    ['of another shape', () => '{"schema":1,"sessions":[]}'],
    ['of a newer schema', (text: string) => text.replace('"schema":1', '"schema":2')],
  ])('that is %s is none, so that everything is sent again', (_name, damage) => {
    const file = fileOf('s1');
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(open().load('s1')).toBeUndefined();
    open().save('s1', checkpoint('again'));
    expect(open().load('s1')).toEqual(checkpoint('again'));
  });

  it('of any session id stays in the folder, in a file of its own', () => {
    const tricky = [
      '..',
      '.',
      '',
      '/',
      '../../etc/passwd',
      'a/b',
      'a\\b',
      'C:\\x',
      'a\0b',
      'con.',
      '*',
      'ü',
      'u\u0308',
      '😀',
    ];
    const long = ['x'.repeat(10_000), `${'x'.repeat(10_000)}y`, 'ä'.repeat(500)];
    const reserved = [
      'index',
      'index.jsonl',
      'floor',
      '.floor',
      '.floor.json',
      's1',
      's1.json',
      's1.json.lock',
      's1.json.again',
    ];
    const ids = [...tricky, ...long, ...reserved];
    const store = open();
    store.setFloor(7);
    for (const id of ids) {
      store.save(id, checkpoint(id));
      store.setComplete(id, complete(`version of ${id.length}`));
    }
    for (const id of ids) expect(open().load(id)).toEqual(checkpoint(id));
    expect(open().floor()).toBe(7);
    expect([...open().complete().keys()].sort()).toEqual([...ids].sort());
    // Beside them the index and the floor.
    expect(files()).toHaveLength(ids.length + 2);
    expect(readdirSync(dirname(folder))).toEqual([basename(folder)]);
  });

  it('of any two ids does not share a file', () => {
    const id = fc.string({ unit: 'binary', maxLength: 120 });
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 2, maxLength: 6 }), (ids) => {
        for (const one of ids) open().save(one, checkpoint(one));
        for (const one of ids) expect(open().load(one)).toEqual(checkpoint(one));
      }),
      { numRuns: 15 },
    );
  });
});

describe('the index', () => {
  it('remembers the last version of each session', () => {
    const store = open();
    store.setComplete('s1', complete('v1', 3));
    store.setComplete('s2', complete('v1'));
    store.setComplete('s1', complete('v2', 4));
    expect([...open().complete()]).toEqual([
      ['s1', complete('v2', 4)],
      ['s2', complete('v1')],
    ]);
  });

  it('writes nothing when nothing changed', () => {
    open().setComplete('s1', complete('v1'));
    const before = readFileSync(join(folder, 'index.jsonl'), 'utf8');
    open().setComplete('s1', complete('v1'));
    expect(readFileSync(join(folder, 'index.jsonl'), 'utf8')).toBe(before);
  });

  it('cut anywhere, or with anything behind the cut, only forgets and never says more than is true', () => {
    const entries = new Map([
      ['s1', '10@1.5,20@2'],
      ['s10', '7@7'],
      ['tab\tand\nline', '8@8'],
      ['größe', '9@9'],
    ]);
    for (const [id, version] of entries) open().setComplete(id, complete(version));
    const bytes = readFileSync(join(folder, 'index.jsonl'));
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(join(folder, 'index.jsonl'), bytes);
      truncateSync(join(folder, 'index.jsonl'), length);
      for (const { version } of [...open().complete()].map(([id, entry]) => ({ ...entry, id }))) {
        expect([...entries.values()]).toContain(version);
      }
      for (const [id, entry] of open().complete()) expect(entries.get(id)).toBe(entry.version);
      open().setComplete('new', complete('1@1'));
      for (const [id, entry] of open().complete()) {
        if (entries.has(id)) expect(entries.get(id)).toBe(entry.version);
      }
      open().setComplete('new', complete('2@2'));
      expect(open().complete().get('new')).toEqual(complete('2@2'));
    }
  });

  it('that is garbage is empty and works again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'index.jsonl'), Buffer.concat([bytes, Buffer.from('\n')]));
        expect(open().complete().has('s1')).toBe(false);
        open().setComplete('s1', complete('v1'));
        expect(open().complete().get('s1')).toEqual(complete('v1'));
      }),
      { numRuns: 50 },
    );
  });

  it('is rewritten when most of it is history', () => {
    const store = open();
    for (let version = 0; version < 1_500; version++) store.setComplete('s1', complete(`v${version}`));
    const linesOf = () => readFileSync(join(folder, 'index.jsonl'), 'utf8').split('\n').length - 1;
    expect(linesOf()).toBe(1_500);
    expect(open().complete().get('s1')).toEqual(complete('v1499'));
    expect(linesOf()).toBe(1);
  });
});

describe('the floor', () => {
  it('is none until it is set, survives the process, and none when its file is damaged', () => {
    expect(open().floor()).toBeUndefined();
    open().setFloor(0);
    expect(open().floor()).toBe(0);
    open().setFloor(START);
    expect(open().floor()).toBe(START);
    const [file = ''] = files();
    for (const text of ['', '{', 'null', '{"changedAt":"5"}']) {
      writeFileSync(join(folder, file), text);
      expect(open().floor()).toBeUndefined();
    }
  });
});

describe('exclusively', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const lockOf = () => join(folder, files().find((name) => name.endsWith('.lock')) ?? 'none');

  it('gives back what the work gives, and leaves nothing behind', async () => {
    expect(await open().exclusively('s1', async () => 7)).toBe(7);
    expect(files()).toEqual([]);
  });

  it('never lets two work on one session, and whoever comes meanwhile makes the first look again', async () => {
    const first = gate();
    const log: string[] = [];
    const holder = open().exclusively('s1', async () => {
      log.push('begin');
      if (log.length === 1) await first.done;
      log.push('end');
      return log.length;
    });
    for (let n = 0; n < 3; n++) {
      expect(await open().exclusively('s1', async () => log.push('other'))).toBeUndefined();
    }
    first.release();
    expect(await holder).toBe(4);
    expect(log).toEqual(['begin', 'end', 'begin', 'end']);
    expect(files()).toEqual([]);
  });

  it('loses no change: however many come at once, the last look begins after the last of them came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 8 }),
        async (delays) => {
          let content = 0;
          let seen = 0;
          let working = 0;
          const turns = async (count: number) => {
            for (let n = 0; n < count; n++) await new Promise(setImmediate);
          };
          await Promise.all(
            delays.map(async (delay) => {
              await turns(delay);
              content++;
              await open().exclusively('s1', async () => {
                expect(++working).toBe(1);
                const looked = content;
                await turns(2);
                seen = looked;
                working--;
              });
            }),
          );
          expect(seen).toBe(content);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('lets other sessions go on meanwhile', async () => {
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    expect(await open().exclusively('s2', async () => true)).toBe(true);
    first.release();
    await holder;
  });

  it('lets go when the work fails, and passes the failure on', async () => {
    const fails = open().exclusively('s1', async () => {
      throw new Error('inside');
    });
    await expect(fails).rejects.toThrow('inside');
    expect(await open().exclusively('s1', async () => true)).toBe(true);
  });

  it('takes over from a process that is gone', async () => {
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    writeFileSync(lockOf(), DEAD_LOCK);
    expect(await open().exclusively('s1', async () => files())).toHaveLength(1);
    first.release();
    await holder;
  });

  it('takes over from a live process only when its lock has not been touched for long', async () => {
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    now = START + 9 * MINUTE;
    expect(await open().exclusively('s1', async () => true)).toBeUndefined();
    now = START + 11 * MINUTE;
    expect(await open().exclusively('s1', async () => true)).toBe(true);
    first.release();
    await holder;
  });

  it('judges a process of another machine by time alone, since its number means nothing here', async () => {
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    writeFileSync(lockOf(), DEAD_LOCK.replace(/ \S+ /, ' elsewhere '));
    utimesSync(lockOf(), START / 1000, START / 1000);
    expect(await open().exclusively('s1', async () => true)).toBeUndefined();
    now += 11 * MINUTE;
    expect(await open().exclusively('s1', async () => true)).toBe(true);
    first.release();
    await holder;
  });

  it('takes a lock that is still empty for held: its owner is about to write it', async () => {
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    truncateSync(lockOf(), 0);
    utimesSync(lockOf(), START / 1000, START / 1000);
    expect(await open().exclusively('s1', async () => true)).toBeUndefined();
    rmSync(lockOf());
    first.release();
    await holder;
  });

  it('keeps a long piece of work from looking left over', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const first = gate();
    const holder = open().exclusively('s1', () => first.done);
    for (let minute = 0; minute < 30; minute++) {
      now += MINUTE;
      vi.advanceTimersByTime(MINUTE);
    }
    expect(await open().exclusively('s1', async () => true)).toBeUndefined();
    first.release();
    await holder;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves the lock of its successor alone when it was taken for gone', async () => {
    const first = gate();
    const second = gate();
    const slept = open().exclusively('s1', () => first.done);
    now += 11 * MINUTE;
    const successor = open().exclusively('s1', () => second.done);
    first.release();
    await slept;
    expect(await open().exclusively('s1', async () => true)).toBeUndefined();
    second.release();
    await successor;
    expect(files()).toEqual([]);
  });

  it('fails when the lock cannot be made, without doing the work', async () => {
    mkdirSync(dirname(folder), { recursive: true });
    writeFileSync(folder, 'a file where the folder should be');
    let worked = false;
    const work = async () => {
      worked = true;
    };
    await expect(open().exclusively('s1', work)).rejects.toThrow();
    expect(worked).toBe(false);
  });
});
