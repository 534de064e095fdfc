import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { checkPackage } from './package-checks.mjs';

const OPTIONS = {
  expected: { '.': ['Run', 'run'] },
  installed: [{ name: 'commander', license: 'MIT' }],
  tarball: 1000,
  budget: { tarball: 2, unpacked: 4, installed: 2, reason: 'Small.' },
};
const MANIFEST = {
  name: 'some-sync',
  license: 'MIT',
  bin: { 'some-sync': 'dist/cli.js' },
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist'],
  dependencies: { commander: '^14.0.3' },
};
const FILES = {
  'README.md': '# some-sync\n',
  LICENSE: 'MIT',
  'dist/THIRD-PARTY-LICENSES': '## zod 4.0.0, MIT\n\nThe text.\n',
  'dist/cli.js': "import{Command}from'commander';import{run}from'./index.js';run(new Command());\n",
  'dist/index.js': "import'node:fs';export const run=()=>import('./index.js');\n",
  'dist/index.d.ts': 'export interface Run { at: number }\nexport declare function run(): Run;\n',
};

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opensync-check-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function problems({ manifest = {}, files = {}, options = {} } = {}) {
  const all = { ...FILES, ...files, 'package.json': JSON.stringify({ ...MANIFEST, ...manifest }) };
  for (const [path, text] of Object.entries(all)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return checkPackage(folder, { ...OPTIONS, ...options }).join('\n');
}

test('a package that is as it should be has no problems', () => {
  assert.equal(problems(), '');
});

for (const range of ['workspace:*', 'catalog:', 'catalog:runtime', 'file:../core', 'link:../core'])
  test(`the range ${range} is a problem`, () => {
    assert.match(problems({ manifest: { dependencies: { commander: range } } }), /nobody else can install/);
  });

test('an install script is a problem', () => {
  assert.match(problems({ manifest: { scripts: { postinstall: 'node x' } } }), /has a script "postinstall"/);
});

for (const path of ['dist/cli.js', 'dist/index.d.ts', 'README.md', 'LICENSE', 'dist/THIRD-PARTY-LICENSES'])
  test(`${path} missing is a problem`, () => {
    assert.ok(problems({ files: { [path]: undefined } }).includes(`${path}, which is not in it`));
  });

test('a folder of "files" missing is a problem', () => {
  assert.match(problems({ manifest: { files: ['dist', 'templates'] } }), /templates, which is not in it/);
});

test('types of a package that is not installed are a problem', () => {
  const types = `${FILES['dist/index.d.ts']}import type { ZodMiniType } from 'zod/mini';\n`;
  assert.match(
    problems({ files: { 'dist/index.d.ts': types } }),
    /imports "zod\/mini", which will not be there/,
  );
});

test('types of a file that does not come along are a problem', () => {
  const types = `${FILES['dist/index.d.ts']}import type { A } from './a.js';\n`;
  assert.match(problems({ files: { 'dist/index.d.ts': types } }), /imports ".\/a.js"/);
});

test('code of a package that is not installed is a problem', () => {
  assert.match(problems({ files: { 'dist/hook.cjs': 'require("ofetch")' } }), /imports "ofetch"/);
});

test('an export that is not on the list is a problem, and so is one that is gone', () => {
  const types = 'export interface Run { at: number }\nexport declare const helper: number;\n';
  const found = problems({ files: { 'dist/index.d.ts': types } });
  assert.match(found, /exports "helper" from "\."/);
  assert.match(found, /no longer exports "run" from "\."/);
});

test('a licence that asks for more is a problem, bundled, installed or its own', () => {
  const notice = '## someone 1.0.0, GPL-3.0-only\n';
  assert.match(
    problems({ files: { 'dist/THIRD-PARTY-LICENSES': notice } }),
    /someone 1.0.0 has the licence "GPL/,
  );
  assert.match(
    problems({ options: { installed: [{ name: 'someone' }] } }),
    /someone has the licence "undefined"/,
  );
  assert.match(problems({ manifest: { license: 'UNLICENSED' } }), /some-sync has the licence "UNLICENSED"/);
});

test('a size over its budget is a problem, and so is no budget', () => {
  assert.match(problems({ options: { tarball: 2500 } }), /tarball: 3 is more than 2. Small\./);
  assert.match(problems({ files: { 'dist/more.js': ' '.repeat(5000) } }), /unpacked: \d+ is more than 4/);
  const installed = [...OPTIONS.installed, { name: 'zod', license: 'MIT' }];
  assert.match(problems({ options: { installed } }), /installed: 3 is more than 2/);
  assert.match(problems({ options: { budget: undefined } }), /has no budget/);
});

test('a repository other than that of the root is a problem', () => {
  const repository = { type: 'git', url: 'git+https://example.com/a.git' };
  const options = { repository, directory: 'packages/some-sync' };
  assert.match(problems({ options }), /repository is not that of the root/);
  assert.equal(
    problems({ options, manifest: { repository: { ...repository, directory: options.directory } } }),
    '',
  );
});
