import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { tinySource } from '../../test/tiny-source.js';
import type { Env } from '../source.js';
import type { CliIo } from './create-cli.js';
import { isNewer, lookForNewer, noticeOfNewer } from './newer-version.js';
import { runProgram } from './program.js';

const DAY = 24 * 60 * 60 * 1_000;

interface World {
  asked: string[];
  answer: { status: number; body: string };
  source: typeof tinySource & { npmPackage?: string };
  io: CliIo & { stderr: PassThrough & { isTTY?: boolean } };
  /** Of the machine. */
  clock: { now: number };
}

/** What a registry has of a package. */
function packument(version: string): string {
  const name = 'tiny-tool-sync';
  return JSON.stringify({
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { name, version } },
  });
}

/** A machine with version 1.2.3 of the plugin, and a registry of npm. */
async function world(vars: Record<string, string> = {}): Promise<World> {
  const answer = { status: 200, body: packument('1.10.0') };
  const asked: string[] = [];
  const registry = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((done) => registry.listen(0, '127.0.0.1', done));
  onTestFinished(() => void registry.close());
  const clock = { now: Date.UTC(2026, 0, 1) };
  const npm_config_registry = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
  const home = temporaryDirectory();
  const env: Env = {
    home,
    vars: { PATH: process.env.PATH, HOME: home, npm_config_registry, ...vars },
    now: () => clock.now,
  };
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const source = { ...tinySource, npmPackage: 'tiny-tool-sync', version: '1.2.3' };
  return { asked, answer, source, clock, io: { env, stdout, stderr, stdin } };
}

describe('a newer version', () => {
  it('is looked for once a day, and told at the end of a command at a terminal', async () => {
    const here = await world();
    for (let i = 0; i < 3; i++) await lookForNewer(here);
    expect(here.asked).toEqual(['/tiny-tool-sync']);
    here.clock.now += DAY;
    await lookForNewer(here);
    expect(here.asked).toHaveLength(2);
    const { source, io } = here;
    await runProgram(source, ['config', 'path'], io);
    expect(io.stderr.read()).toBeNull();
    io.stderr.isTTY = true;
    await runProgram(source, ['config', 'path'], io);
    expect(String(io.stderr.read())).toBe(
      '\ntiny-tool-sync 1.10.0 is out, this is 1.2.3: npm install -g tiny-tool-sync@latest\n',
    );
    await runProgram(source, ['hook'], { ...io, script: '/nowhere/cli.js' });
    expect(io.stderr.read()).toBeNull();
  });

  it.each([
    ['is this one', { status: 200, body: packument('1.2.3') }],
    ['is a trial', { status: 200, body: packument('2.0.0-beta.1') }],
    ['has escape codes in it', { status: 200, body: packument('2.0.0\u001b[2J') }],
    ['is not known to the registry', { status: 404, body: '{"error": "not found"}' }],
    ['is behind the page of a portal', { status: 200, body: '<html>' }],
  ])('is nothing to tell when it %s', async (_what, answer) => {
    const here = await world();
    Object.assign(here.answer, answer);
    await lookForNewer(here);
    await lookForNewer(here);
    expect(noticeOfNewer(here)).toBeUndefined();
    expect(here.asked).toHaveLength(1);
  });

  it('is not looked for where that is switched off, in CI, and in a checkout', async () => {
    const switches: Record<string, string>[] = [{ NO_UPDATE_NOTIFIER: '1' }, { CI: 'true' }];
    for (const vars of switches) {
      const here = await world(vars);
      await lookForNewer(here);
      expect(here.asked).toEqual([]);
    }
    const here = await world();
    here.source.version = '0.0.0';
    await lookForNewer(here);
    Object.assign(here.source, { version: '1.2.3', npmPackage: undefined });
    await lookForNewer(here);
    expect(here.asked).toEqual([]);
    expect(existsSync(join(here.io.env.home, '.tiny-tool-sync/latest.json'))).toBe(false);
  });

  it('does not matter when its note is damaged, or nothing can be written', async () => {
    const here = await world();
    const folder = join(here.io.env.home, '.tiny-tool-sync');
    mkdirSync(folder);
    writeFileSync(join(folder, 'latest.json'), '{"checkedAt":');
    expect(noticeOfNewer(here)).toBeUndefined();
    here.io.env.home = join(folder, 'latest.json');
    await expect(lookForNewer(here)).resolves.toBeUndefined();
  });
});

it('counts versions as numbers', () => {
  const found = [
    ['1.10.0', '1.9.9'],
    ['2.0.0', '1.9.9'],
    ['1.9', '1.8.5'],
    ['1.9.9', '1.10.0'],
    ['1.2.3', '1.2.3'],
  ].map(([version = '', than = '']) => isNewer(version, than));
  expect(found).toEqual([true, true, true, false, false]);
});
