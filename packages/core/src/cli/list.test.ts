import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { type TinyLine, tinySource } from '../../test/tiny-source.js';
import { prompt, START } from '../../test/world.js';
import type { Source } from '../source.js';
import { createCli } from './create-cli.js';

let home: string;

beforeEach(() => {
  home = temporaryDirectory();
  mkdirSync(join(home, '.tiny'));
});

function write(id: string, lines: TinyLine[], changedAt = START): string {
  const path = join(home, '.tiny', `${id}.jsonl`);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  utimesSync(path, changedAt / 1000, changedAt / 1000);
  return path;
}

/** Every session has two subagents. */
const withSubagents: Source<never> = {
  ...(tinySource as Source<never>),
  transform(records, raw) {
    const [session] = tinySource.transform(records, raw);
    if (session === undefined) return [];
    const subagents = ['one', 'two'].map((name) => `${raw.id}/agent-${name}`);
    return [session, ...subagents.map((id) => ({ ...session, id, title: id, parentId: raw.id }))];
  },
};

async function run(args: string[], source = tinySource as Source<never>) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { home, vars: {}, now: () => START };
  const code = await createCli(source).run(args, { env, stdout, stderr });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

/** First column of the list. */
async function listed(source?: Source<never>, ...args: string[]): Promise<string[]> {
  const { out } = await run(['list', ...args], source);
  return out
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/)[0] ?? '');
}

describe('ids of the list', () => {
  it('are accepted by show and explain, those of subagents too', async () => {
    for (const id of ['aaaa0001-1', 'aaaa0001-2', 'bbbb0001-1']) write(id, [prompt(id)]);
    const ids = await listed(withSubagents);
    expect(ids).toHaveLength(9);
    const shown = new Set<string>();
    for (const id of ids) {
      const argument = id.replace('└ ', '');
      for (const command of ['show', 'explain']) {
        const { code, out } = await run([command, argument, '--json'], withSubagents);
        expect(code).toBe(0);
        shown.add(JSON.parse(out).session.id);
      }
    }
    expect(shown.size).toBe(9);
    expect(ids.slice(-3)).toEqual(expect.arrayContaining(['└ bbbb0001/agent-one']));
    expect((await run(['sync', '--dry-run', 'bbbb/agent-o'], withSubagents)).out).toContain('bbbb0001-1');
  });

  it('may be shortened as long as they mean one, of the session and of the subagent', async () => {
    for (const id of ['aaaa1', 'aaaa2', 'b']) write(id, [prompt(id)]);
    const idOf = async (id: string) =>
      JSON.parse((await run(['show', id, '--json'], withSubagents)).out).session.id;
    expect(await idOf('aaaa2/agent-t')).toBe('aaaa2/agent-two');
    expect(await idOf('b')).toBe('b');
    expect(await idOf(join(home, '.tiny/aaaa1.jsonl'))).toBe('aaaa1');
  });

  it('are told apart by more characters: those that were meant are listed', async () => {
    for (const id of ['aaaa1', 'aaaa2', 'b']) write(id, [prompt(id)]);
    const { code, err } = await run(['explain', 'aaaa']);
    expect(code).toBe(2);
    expect(err).toMatch(/2 sessions have an id that begins with "aaaa"\. Give more characters/);
    expect(err).toMatch(/^ {2}aaaa1$/m);
    expect(err).toMatch(/^ {2}aaaa2$/m);
    expect((await run(['show', 'b/agent-'], withSubagents)).err).toMatch(/^ {2}b\/agent-two$/m);
    expect((await run(['show', 'nothing'])).err).toContain('There is no session with the id "nothing"');
  });
});

describe('order of the list', () => {
  it('is that of the times it shows, whatever the times of the files, with subagents below their session', async () => {
    write('old', [prompt('1', 'text', 0)], START);
    write('new', [prompt('1', 'text', 60_000)], START - 60_000);
    write('never', [{ title: 'Nothing said' }], START + 60_000);
    expect(await listed()).toEqual(['new', 'old', 'never']);
    expect(await listed(withSubagents)).toEqual([
      'new',
      '└ new/agent-one',
      '└ new/agent-two',
      'old',
      '└ old/agent-one',
      '└ old/agent-two',
      'never',
      '└ never/agent-one',
      '└ never/agent-two',
    ]);
  });

  it('puts subagents that have a file of their own below their session, and loses none', async () => {
    for (const id of ['1', '2', '3', '4']) write(id, [prompt(id, 'text', Number(id))]);
    const parents: Record<string, string> = { 4: '1', 2: '3', 3: '2' };
    const source: Source<never> = {
      ...(tinySource as Source<never>),
      transform: (records, raw) =>
        tinySource
          .transform(records, raw)
          .map((session) => ({ ...session, ...(parents[raw.id] && { parentId: parents[raw.id] }) })),
    };
    expect(await listed(source)).toEqual(['└ 3', '└ 2', '1', '└ 4']);
  });
});

describe('an empty list', () => {
  it('says whether there is no session or none that matches', async () => {
    expect((await run(['list'])).out).toBe('No Tiny Tool sessions found.\n');
    write('one', [prompt('1')]);
    expect((await run(['list', '--project', 'nix'])).out).toBe(
      'No Tiny Tool session of 1 matches --project "nix".\n',
    );
    expect(JSON.parse((await run(['list', '--project', 'nix', '--json'])).out).sessions).toEqual([]);
  });
});

describe('a command that needs a server', () => {
  it('says that the saved key belongs to another one, in sync as in status', async () => {
    await run(['config', 'set', 'convexUrl', 'https://mine.convex.site']);
    await run(['config', 'set', 'apiKey', 'osk_0123456789abcdef']);
    const { code, err } = await run(['sync', '--url', 'https://other.convex.site']);
    expect(code).toBe(3);
    const why = `Not signed in. The key in ${join(home, '.tiny-tool-sync/config.json')} belongs to another server than`;
    expect(err).toContain(`${why} https://other.convex.site. Run "tiny-tool-sync login"`);
    const env = { home, vars: { OPENSYNC_URL: 'https://other.convex.site' }, now: () => START };
    const stdout = new PassThrough();
    expect(await createCli(tinySource).run(['status'], { env, stdout })).toBe(3);
    expect(String(stdout.read())).toContain(`${why} https://other.convex.site. Run "tiny-tool-sync login"`);
  });
});
