import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';
import packageJson from '../package.json' with { type: 'json' };
import { run } from '../src/program.js';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
});

/** The command in a terminal, or without one. */
function start(args: readonly string[], isTTY = false) {
  const stream = () => Object.assign(new PassThrough(), { isTTY, columns: 80, setRawMode: () => undefined });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  let [out, err] = ['', ''];
  stdout.on('data', (text) => {
    out += text;
  });
  stderr.on('data', (text) => {
    err += text;
  });
  const code = run(args, { stdin, stdout, stderr, folder, home: join(folder, 'home') });
  /** Types once the question is there. */
  const type = async (question: string, text: string) => {
    await vi.waitUntil(() => out.includes(question), { timeout: 20_000 });
    stdin.write(text);
  };
  return { code, type, out: () => out, err: () => err };
}

async function outcome(...args: string[]) {
  const { code, out, err } = start(args);
  return { code: await code, out: out(), err: err() };
}

const read = (path: string) => readFileSync(join(folder, path), 'utf8');

describe('npm create opensync-plugin', () => {
  it('says how it is used, and what version it is', async () => {
    const help = await outcome('--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toMatch(/--source <id>.*--folder <path>.*--shape <shape>.*jsonl, json, sqlite.*--yes/s);
    expect(await outcome('--version')).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
  });

  it('writes what is given and says what comes next', async () => {
    const options = ['--source', 'tidy', '--folder', '~/.tidy/logs', '--shape', 'json', '--yes'];
    const { code, out } = await outcome('tidy-tool-sync', ...options);
    expect(code).toBe(0);
    expect(out).toMatch(/cd tidy-tool-sync\n +npm install\n +npm test/);
    expect(JSON.parse(read('tidy-tool-sync/package.json'))).toMatchObject({
      name: 'tidy-tool-sync',
      bin: { 'tidy-tool-sync': 'dist/cli.js' },
    });
    expect(read('tidy-tool-sync/src/source.ts')).toContain("/.tidy/logs`, include: ['**/*.json']");
    expect(read('tidy-tool-sync/.gitignore')).toContain('node_modules/');
    expect(read('tidy-tool-sync/LICENSE')).toContain('Copyright (c) The tidy-tool-sync authors');
    expect(existsSync(join(folder, 'tidy-tool-sync/fixtures/sample/.tidy/logs/notes.json'))).toBe(true);
  });

  it('takes the rest from the name', async () => {
    expect((await outcome('tidy-tool-sync', '--yes')).code).toBe(0);
    const source = read('tidy-tool-sync/src/source.ts');
    expect(source).toContain("id: 'tidy-tool',\n  name: 'Tidy Tool',");
    expect(source).toContain('/.tidy-tool/sessions`');
    expect(source).toContain("['**/*.jsonl']");
  });

  it.each([
    ['~/Library/Tidy/state.sqlite', 'Library/Tidy', 'state.sqlite'],
    ['~/.tidy', '.tidy', 'history.db'],
  ])('takes %s for where a database lies', async (path, where, database) => {
    expect((await outcome('tidy-sync', '--shape', 'sqlite', '--folder', path, '--yes')).code).toBe(0);
    const source = read('tidy-sync/src/source.ts');
    expect(source).toContain(`/${where}\`, include: ['${database}', '${database}-wal']`);
    expect(existsSync(join(folder, 'tidy-sync/fixtures/sample', where, database))).toBe(true);
  });

  it('takes a folder as the shell expands it', async () => {
    expect((await outcome('tidy-sync', '--folder', join(folder, 'home/.tidy/s/'), '--yes')).code).toBe(0);
    expect(read('tidy-sync/src/source.ts')).toContain('/.tidy/s`');
  });

  it.each([
    [
      ['Tidy Sync', '--yes'],
      /^create-opensync-plugin: "Tidy Sync" cannot be the name of a plugin\. Use .* my-tool-sync\.\n$/,
    ],
    [['../up', '--yes'], /"\.\.\/up" cannot be the name of a plugin/],
    [['tidy-sync', '--source', 'Tidy', '--yes'], /"Tidy" cannot be a source ID\. Use .* my-tool\.\n$/],
    [['tidy-sync', '--tool', "Ti'dy", '--yes'], /"Ti'dy" cannot be the name of a tool/],
    [['tidy-sync', '--folder', '/var/tidy', '--yes'], /"\/var\/tidy" does not lie below your home/],
    [['tidy-sync', '--folder', '~/../tidy', '--yes'], /does not lie below your home/],
    [['tidy-sync', '--folder', '~/', '--yes'], /does not lie below your home/],
    [['tidy-sync', '--folder', '~/a`b', '--yes'], /has characters that cannot stand in a folder here/],
    [['tidy-sync', '--shape', 'xml', '--yes'], /"xml" is not a shape\. Use one of jsonl, json, sqlite\.\n$/],
    [['tidy-sync', '--nonsense'], /unknown option '--nonsense'\nRun "npm create opensync-plugin -- --help"/],
    [['tidy-sync'], /Without a terminal nothing can be asked\. Give a name and --yes/],
  ])('refuses %j with a reason, and writes nothing', async (args, reason) => {
    const { code, err } = await outcome(...args);
    expect(err).toMatch(reason);
    expect(code).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('overwrites nothing', async () => {
    mkdirSync(join(folder, 'tidy-sync'));
    writeFileSync(join(folder, 'tidy-sync/README.md'), 'mine');
    const { code, err } = await outcome('tidy-sync', '--yes');
    expect(err).toBe(
      `create-opensync-plugin: ${join(folder, 'tidy-sync')} exists and is not empty. Take another name, or empty it.\n`,
    );
    expect(code).toBe(2);
    expect(readdirSync(join(folder, 'tidy-sync'))).toEqual(['README.md']);
    expect(read('tidy-sync/README.md')).toBe('mine');
  });

  it('says so when a file has the name, and when it cannot write', async () => {
    writeFileSync(join(folder, 'tidy-sync'), 'mine');
    expect(await outcome('tidy-sync', '--yes')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ENOTDIR.*tidy-sync/),
    });
    expect(read('tidy-sync')).toBe('mine');
  });

  it('writes into an empty folder, and one that has a repository and no more', async () => {
    mkdirSync(join(folder, 'tidy-sync/.git'), { recursive: true });
    expect((await outcome('tidy-sync', '--yes')).code).toBe(0);
    expect(readdirSync(join(folder, 'tidy-sync'))).toContain('package.json');
  });

  it('asks in a terminal for what was not given', async () => {
    const { code, type } = start([], true);
    await type('Name of the plugin', 'tidy-sync\r');
    await type('Source ID', '\r');
    await type('How does it keep them', '\u001b[B\u001b[B\r');
    await type('Where is its database', '~/.tidy/all.db\r');
    expect(await code).toBe(0);
    const source = read('tidy-sync/src/source.ts');
    expect(source).toContain("id: 'tidy',");
    expect(source).toContain("/.tidy`, include: ['all.db', 'all.db-wal']");
  });

  it('asks again for what cannot be', async () => {
    const { code, type } = start(['tidy-sync', '--shape', 'json', '--folder', '~/.tidy'], true);
    await type('Source ID', 'Tidy\r');
    await type('cannot be a source ID', '\u007f\u007f\u007f\u007ftidy-tool\r');
    expect(await code).toBe(0);
    expect(read('tidy-sync/src/source.ts')).toContain("id: 'tidy-tool',");
  });

  it('writes nothing when it is cancelled', async () => {
    const { code, type, err } = start([], true);
    await type('Name of the plugin', '\u0003');
    expect(await code).toBe(2);
    expect(err()).toContain('Cancelled. Nothing was written.');
    expect(readdirSync(folder)).toEqual([]);
  });
});
