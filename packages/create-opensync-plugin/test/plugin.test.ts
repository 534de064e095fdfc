import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildAndTest, newAuthor, syncSample } from './author.js';
import { layOut, link, manifestOf, packBeforeAll, ROOT, unpack } from './pack.js';

/** Several programs are started one after the other, on whatever machine this is. */
const PATIENCE = 300_000;

const packed = packBeforeAll(PATIENCE);

/*
 * From the tarballs, as a user has them, but without a network: what else npm would install is taken from this
 * repository. One shape, and the one that needs most; `npm run test:create` does all of them, with npm.
 */
describe('a plugin that was written', () => {
  it(
    'builds, passes its tests and syncs its sample, from the tarballs',
    async () => {
      const author = newAuthor();
      const [creator, ...installed] = [...packed()].reverse();
      if (creator === undefined) throw new Error('Nothing was packed.');
      unpack(creator.tarball, join(author.home, 'create'));
      const written = author.run(process.execPath, [
        join(author.home, 'create/dist/cli.js'),
        'tidy-sync',
        ...['--tool', 'Tidy 2', '--folder', '~/.config/Tidy (2)/history', '--shape', 'sqlite', '--yes'],
      ]);
      expect(written).toContain('cd tidy-sync');
      const project = join(author.folder, 'tidy-sync');
      layOut(project, installed);
      buildAndTest(author, project);

      author.run('npm', ['pack'], project);
      const alone = join(author.folder, 'installed');
      unpack(join(project, 'tidy-sync-0.1.0.tgz'), alone);
      expect(readFileSync(join(alone, 'dist/THIRD-PARTY-LICENSES'), 'utf8')).toContain('## commander ');
      const { dependencies, optionalDependencies = {} } = manifestOf(alone);
      expect(dependencies).toBeUndefined();
      link(optionalDependencies, join(ROOT, 'packages/core'), alone);
      const cli = join(alone, 'dist/cli.js');
      chmodSync(cli, 0o755);
      await syncSample(author, project, [cli]);
    },
    PATIENCE,
  );
});
