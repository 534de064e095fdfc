import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Source } from '@opensync/core/plugin';
import { testSource } from '@opensync/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { SHAPES } from '../src/answers.js';
import { plannedFiles, writePlugin } from '../src/write.js';
import { link, manifestOf, ROOT } from './pack.js';

const place = mkdtempSync(join(tmpdir(), 'opensync-skeletons-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Every answer is another than the one that stands in the skeletons. */
const answers = {
  name: 'tidy-sync',
  source: 'tidy',
  tool: 'Tidy 2',
  folder: '.config/Tidy (2)/my-tool',
  database: 'My Tool.sqlite',
};

for (const shape of SHAPES) {
  const target = join(place, shape);
  writePlugin({ ...answers, shape }, { target, version: '1.2.3' });
  link({ '@opensync/core': '' }, join(ROOT, 'packages/create-opensync-plugin'), target);

  describe(`the plugin for ${shape}`, async () => {
    const { source } = (await import(pathToFileURL(join(target, 'src/source.ts')).href)) as {
      source: Source;
    };
    const fixtures = join(target, 'fixtures');
    testSource(source, {
      fixtures: [
        { name: 'sample', folder: join(fixtures, 'sample'), golden: join(fixtures, 'sample.rows.json') },
      ],
    });

    it('is what was asked for', () => {
      const { id, name, plugin, version } = source;
      expect({ id, name, plugin, version }).toEqual({
        id: 'tidy',
        name: 'Tidy 2',
        plugin: 'tidy-sync',
        version: '0.1.0',
      });
      expect(readFileSync(join(target, 'README.md'), 'utf8')).toContain('`~/.config/Tidy (2)/my-tool`');
      const texts = [...plannedFiles({ ...answers, shape, folder: '', database: '' }, '1.2.3').values()];
      expect(texts.filter((text) => /my-?tool|history\.db/i.test(`${text}`))).toEqual([]);
    });

    it('has less than 100 lines of code, and a README of less than 60', () => {
      const lines = (path: string) => readFileSync(join(target, path), 'utf8').split('\n').length - 1;
      const sources = readdirSync(join(target, 'src')).map((name) => lines(`src/${name}`));
      expect(sources.reduce((sum, count) => sum + count, 0)).toBeLessThan(100);
      expect(lines('README.md')).toBeLessThan(60);
    });

    it('is built from core and the server of the same version, and installs nothing that it does not need', () => {
      const { dependencies, devDependencies, optionalDependencies = {} } = manifestOf(target);
      expect(dependencies).toBeUndefined();
      expect(devDependencies).toMatchObject({ '@opensync/core': '^1.2.3', '@opensync/server': '^1.2.3' });
      expect(Object.keys(optionalDependencies)).toEqual(shape === 'sqlite' ? ['@photostructure/sqlite'] : []);
    });
  });
}

describe('the skeletons', () => {
  it('use the tools of this repository, in its versions', () => {
    const catalog = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
    const versions = new Map(
      [...catalog.matchAll(/^ +"?([^"\s]+?)"?: [~^]?(\d\S+)$/gm)].map(([, name, version]) => [name, version]),
    );
    const manifest = (shape: string) =>
      manifestOf(join(ROOT, 'packages/create-opensync-plugin/skeletons', shape));
    const {
      '@opensync/core': _,
      '@opensync/server': __,
      ...tools
    } = manifest('common').devDependencies ?? {};
    for (const [name, range] of Object.entries({ ...tools, ...manifest('sqlite').optionalDependencies }))
      expect(range.slice(1), name).toBe(versions.get(name));
  });
});
