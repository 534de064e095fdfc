import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'tsup';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nothingOfOthers, thirdPartyLicenses } from './licenses.js';
import { bundled } from './tsup.js';

/** Bundles `cli.js` of a package with these files. */
async function bundle(files: Record<string, string>, plugin = thirdPartyLicenses()) {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-licences-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const outDir = join(folder, 'dist');
  const options = bundled({ entry: [join(folder, 'cli.js')], outDir, esbuildPlugins: [plugin] });
  await build({ ...options, config: false, silent: true });
  return readFileSync(join(outDir, 'THIRD-PARTY-LICENSES'), 'utf8');
}

const manifest = (fields: object) => JSON.stringify({ main: 'main.js', version: '1.2.3', ...fields });
const dependency = (name: string, fields: object = {}) => ({
  [`node_modules/${name}/package.json`]: manifest({ name, license: 'MIT', ...fields }),
  [`node_modules/${name}/main.js`]: `exports.name = '${name}';`,
});

describe('the licences of what is bundled', () => {
  it('are those of packages whose code is in it, and of what these contain themselves', async () => {
    const text = await bundle({
      'cli.js': "import { name } from 'one'; console.log(name);",
      ...dependency('one'),
      ...dependency('unused'),
      'node_modules/one/LICENSE': 'Terms of one\n',
      'node_modules/one/dist/THIRD-PARTY-LICENSES': 'A heading.\n\n## two 4.5.6, ISC\n\nTerms of two\n',
    });
    expect(text.split('\n\n').slice(1).join('|').trim()).toBe(
      '## one 1.2.3, MIT|Terms of one|## two 4.5.6, ISC|Terms of two',
    );
  });

  it('are the words of the licence that a package names, where it does not bring them', async () => {
    const text = await bundle({
      'cli.js': "import 'one';",
      ...dependency('one', { author: { name: 'Ada' } }),
    });
    expect(text).toMatch(/## one 1\.2\.3, MIT\n\n.*MIT.*\n\nCopyright \(c\) Ada\n\nPermission is hereby/);
  });

  it('must be known', async () => {
    const files = { 'cli.js': "import 'one';", ...dependency('one', { license: 'ISC' }) };
    await expect(bundle(files)).rejects.toThrow('one 1.2.3 is bundled and comes without a licence text');
  });

  it('are none of a package with code of its own alone', async () => {
    expect(await bundle({ 'cli.js': 'console.log(1)' })).toContain('only its own code');
    const files = { 'cli.js': "import 'one';", ...dependency('one'), 'node_modules/one/LICENSE': 'Terms' };
    await expect(bundle(files, nothingOfOthers())).rejects.toThrow("bundles other people's code");
  });
});
