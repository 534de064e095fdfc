import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from '@opensync/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../harness/temporary-directory.js';
import { compileErrors } from './compile.js';
import { type Page, pageOf, pages, ROOT } from './pages.js';

const withCode = pages().filter(({ blocks }) => blocks.some(({ language }) => language === 'ts'));

describe('the code in the documentation', () => {
  it('is on pages that were found', () => {
    expect(withCode.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['packages/core/README.md', 'docs/authors/tutorial.md']),
    );
  });

  it('compiles; and what would not is found, at its line', () => {
    const text = "import { jsonl } from '@opensync/core/plugin';\njsonl(7);\n";
    const wrong: Page = { path: 'wrong.md', blocks: [{ language: 'ts', run: false, text, line: 10 }] };
    expect(compileErrors([...withCode, wrong])).toEqual([expect.stringMatching(/^wrong\.md:11: /)]);
  });
});

/** A reader's package and home: `@opensync/core` as it is built, and tools that npm would have installed. */
function workplace() {
  const folder = temporaryDirectory();
  const [home, project, bin] = ['home', 'tidy-sync', 'bin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, join(project, 'node_modules/@opensync'), bin])
    mkdirSync(path, { recursive: true });
  const core = join(ROOT, 'packages/core');
  if (!existsSync(join(core, 'dist/plugin.js'))) throw new Error('dist is missing. Build core first.');
  symlinkSync(core, join(project, 'node_modules/@opensync/core'));
  for (const name of ['typescript', 'vitest', 'tsup', '.bin', '@types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  writeFileSync(join(bin, 'tidy-sync'), `#!/bin/sh\nexec node '${join(project, 'dist/cli.js')}' "$@"\n`);
  chmodSync(join(bin, 'tidy-sync'), 0o755);
  return { home, project, bin };
}

/** Writes the files of a page and runs its commands, in the order of the page. */
async function follow(page: Page, place: ReturnType<typeof workplace>, vars: Record<string, string>) {
  const env: NodeJS.ProcessEnv = { ...vars, HOME: place.home, npm_config_update_notifier: 'false' };
  env.PATH = `${place.bin}:${process.env.PATH}`;
  const outputs: string[] = [];
  for (const { file, language, run, text, line } of page.blocks) {
    if (file !== undefined) {
      mkdirSync(dirname(join(place.project, file)), { recursive: true });
      writeFileSync(join(place.project, file), text);
    }
    if (language !== 'sh' || !run) continue;
    try {
      const { stdout } = await promisify(execFile)('sh', ['-euc', text], { cwd: place.project, env });
      outputs.push(stdout);
    } catch (error) {
      const { message, stdout, stderr } = error as Error & { stdout: string; stderr: string };
      throw new Error(`${page.path}:${line}: ${message}\n${stdout}\n${stderr}`);
    }
  }
  return outputs;
}

describe('the pages for authors', () => {
  it('lead from an empty folder to a plugin that syncs, is called by its tool and is ready to publish', async () => {
    const place = workplace();
    const server = await startServer({ db: join(place.home, 'test.db'), port: 0, home: place.home });
    onTestFinished(() => server.close());
    const vars = { OPENSYNC_URL: server.url, OPENSYNC_API_KEY: server.apiKey };

    const [, listed = '', tested = '', synced = '', packed] = await follow(
      pageOf('docs/authors/tutorial.md'),
      place,
      vars,
    );
    expect(listed).toMatch(/s1 .*claude-sonnet-4-5 +2,050 +49 +\$0\.0/);
    expect(tested).toMatch(/passed/);
    expect(synced).toMatch(/sent 1 session and 3 messages/);
    expect(synced).toMatch(/1 of Tidy on this machine, 1 up to date on the server/);
    expect(packed).toContain('tidy-sync-1.0.0.tgz');
    const rows = JSON.parse(readFileSync(join(place.project, 'fixtures/rows.json'), 'utf8'));
    expect(rows).toMatchObject([{ id: 's1', usage: { input: 950, cacheRead: 1100, output: 49 } }]);

    const [, connected = ''] = await follow(pageOf('docs/authors/debugging.md'), place, vars);
    expect(connected).toContain('"status":"ok"');

    const hooked = await follow(pageOf('docs/authors/integration.md'), place, vars);
    expect(hooked.join('')).toMatch(/passed/);
  }, 180_000);

  it('name errors as core has them', () => {
    const table =
      readFileSync(join(ROOT, 'docs/authors/debugging.md'), 'utf8').split('## What errors mean')[1] ?? '';
    const texts = [...table.matchAll(/^\| `(.+?)` +\|/gm)].map(([, text = '']) => text);
    expect(texts.length).toBeGreaterThan(5);
    const folder = join(ROOT, 'packages/core/src');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    expect(texts.filter((text) => !sources.includes(text))).toEqual([]);
  });
});
