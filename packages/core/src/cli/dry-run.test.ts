import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { API_KEY, type HostedOptions } from '../../test/hosted-server.js';
import { type TinyLine, tinySource } from '../../test/tiny-source.js';
import { createWorld, MINUTE, prompt, SAFE, START, type World } from '../../test/world.js';
import type { PrivacyLevel } from '../privacy-setting.js';
import type { SyncOptions } from '../sync.js';
import { createCli } from './create-cli.js';

/** What `sync --dry-run` prints in a world. */
async function dryRun(world: World, args: string[] = [], vars: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const account = { OPENSYNC_URL: world.server.url, OPENSYNC_API_KEY: API_KEY };
  const env = { home: world.home, vars: { ...account, ...vars }, now: () => world.clock.now };
  const code = await createCli(tinySource).run(['sync', '--dry-run', ...args], { env, stdout, stderr });
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

/** What a real sync sends, line for line as the dry run prints it. */
async function syncedRequests(world: World, options: SyncOptions, level: PrivacyLevel): Promise<string> {
  const lines: string[] = [];
  const recording: typeof fetch = (input, init) => {
    const { pathname } = new URL(String(input));
    if (init?.method === 'POST') lines.push(`POST ${pathname} ${String(init.body)}\n`);
    return fetch(input, init);
  };
  // One after another: what the clock shows when a message is sent does not depend on the others then.
  const config = { privacy: { default: level } };
  await world.sync({ ...options, concurrency: 1 }, { config, fetch: recording });
  return lines.join('');
}

/** Names, times and contents of all files in a world. */
function filesOf({ home }: World): string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .map((name) => join(home, name))
    .filter((path) => statSync(path).isFile())
    .sort()
    .map(
      (path) =>
        `${path} ${statSync(path).mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`,
    );
}

const line: fc.Arbitrary<TinyLine> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ title: fc.string({ maxLength: 8 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      id: fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5'),
      role: fc.constantFrom('user' as const, 'assistant' as const),
      // Long ago, too young for the hosted server, and of a clock that runs ahead.
      createdAt: fc.constantFrom(START - 60 * MINUTE, START - 1_000, START - 1, START + 5_000),
      parts: fc.array(
        fc.oneof(
          fc.record({
            type: fc.constant('text' as const),
            text: fc.string({ maxLength: 8, unit: 'binary' }),
          }),
          fc.record({
            type: fc.constant('tool-call' as const),
            id: fc.constant('t'),
            name: fc.constant('read'),
            args: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
          }),
        ),
        { maxLength: 3 },
      ),
    }),
  },
);
const history = fc.dictionary(fc.constantFrom('one', 'two', 'three'), fc.array(line, { maxLength: 6 }));

describe.each<[string, HostedOptions]>([
  ['the hosted server', {}],
  ['a server that says it is safe', SAFE],
])('a dry run for %s', (_, server) => {
  it('prints what the next sync sends, to the character, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        history,
        history,
        fc.constantFrom<PrivacyLevel>('full', 'metadata', 'off'),
        fc.constantFrom<PrivacyLevel>('full', 'metadata'),
        fc.constantFrom({}, { force: true }, { all: true }),
        async (before, after, levelBefore, level, options: SyncOptions) => {
          const world = await createWorld(server);
          const write = (sessions: Record<string, TinyLine[]>) =>
            Object.entries(sessions).forEach(([id, lines], index) => {
              world.write(id, lines, START - index * MINUTE);
            });
          write(before);
          await syncedRequests(world, {}, levelBefore);
          write(after);
          const files = filesOf(world);
          world.newRequests();
          const args = Object.keys(options).map((name) => `--${name}`);
          const vars = { OPENSYNC_PRIVACY: level };
          const [printed, again] = [await dryRun(world, args, vars), await dryRun(world, args, vars)];
          expect(printed.code).toBe(0);
          expect(world.newRequests()).toEqual([]);
          expect(filesOf(world)).toEqual(files);
          expect(again.out).toBe(printed.out);
          expect(await syncedRequests(world, options, level)).toBe(printed.out);
          expect((await dryRun(world, [], vars)).out).toBe('');
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a dry run', () => {
  it('prints one object for each session as JSON, null for fields that are not sent', async () => {
    const world = await createWorld();
    world.write('one', [{ title: 'One' }, prompt('m1')], START - MINUTE);
    world.write('two', [{ title: 'Two' }, prompt('m1')], START - 2 * MINUTE);
    await world.sync({}, { config: {} });
    world.write('one', [{ title: 'One' }, prompt('m1'), prompt('m2')], START);
    world.write('two', [{ title: 'Second' }, prompt('m1')], START);
    const { sessions } = JSON.parse((await dryRun(world, ['--json'])).out);
    expect(sessions).toEqual([
      { session: null, messages: [expect.objectContaining({ externalId: 'tiny-tool:one:m2' })] },
      { session: expect.objectContaining({ title: 'Second' }), messages: [] },
    ]);
    const forced = JSON.parse((await dryRun(world, ['--json', '--force'])).out).sessions;
    expect(forced.map(({ messages }: { messages: unknown[] }) => messages.length)).toEqual([2, 1]);
    expect(JSON.parse((await dryRun(world, ['--json', 'two', '--force'])).out).sessions).toHaveLength(1);
  });

  it('says that there is nothing to send, beside what a program reads', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1')], START - MINUTE);
    await world.sync({}, { config: {} });
    expect(await dryRun(world)).toEqual({
      code: 0,
      out: '',
      err: 'tiny-tool-sync: Nothing to send: 1 session unchanged.\n',
    });
    const { out, err } = await dryRun(world, ['--json']);
    expect({ sessions: JSON.parse(out).sessions, err }).toEqual({ sessions: [], err: '' });
  });

  it('prints what a server would be sent that does not answer, and says so', async () => {
    const world = await createWorld();
    world.write('one', [prompt('m1')]);
    const { out, err } = await dryRun(world, [], { OPENSYNC_URL: 'http://127.0.0.1:1' });
    expect(out).toMatch(/^POST \/sync\/session .*\nPOST \/sync\/message /);
    expect(err).toContain('This is what it would be sent.');
  });
});
