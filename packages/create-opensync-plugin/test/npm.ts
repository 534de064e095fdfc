import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHAPES } from '../src/answers.js';
import { buildAndTest, newAuthor, syncSample } from './author.js';
import { packBeforeAll } from './pack.js';

/** Hundreds of packages are installed, on whatever machine and network this is. */
const PATIENCE = 900_000;

const packed = packBeforeAll(PATIENCE);

/** What npm has of this machine, which its own settings in an empty home would not say. */
function npmSettings(): Record<string, string> {
  const setting = (name: string) => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  return {
    npm_config_cache: setting('cache'),
    npm_config_registry: setting('registry'),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  };
}

describe('an author with npm', () => {
  it.each(SHAPES)(
    'has a plugin that syncs, of a history in %s',
    async (shape) => {
      const author = newAuthor(npmSettings());
      const tarballOf = (name: string) => `${packed().find((one) => one.name === name)?.tarball}`;
      // What `npm create` does, with a package that is not published yet.
      const create = ['exec', '--yes', `--package=${tarballOf('create-opensync-plugin')}`, '--'];
      const options = ['--source', 'tidy', '--folder', '~/.tidy/sessions', '--shape', shape, '--yes'];
      author.run('npm', [...create, 'create-opensync-plugin', 'tidy-sync', ...options]);

      const project = join(author.folder, 'tidy-sync');
      author.run('npm', ['install', tarballOf('@opensync/core'), tarballOf('@opensync/server')], project);
      buildAndTest(author, project);

      author.run('npm', ['pack'], project);
      const prefix = join(author.folder, 'prefix');
      author.run('npm', ['install', '--global', '--prefix', prefix, join(project, 'tidy-sync-0.1.0.tgz')]);
      expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual(['tidy-sync']);
      await syncSample(author, project, [join(prefix, 'bin/tidy-sync')]);
    },
    PATIENCE,
  );
});
