import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Packages of this repository as they would be published: folder and tarball, by name. */
interface Packed {
  name: string;
  folder: string;
  tarball: string;
}

const FOLDERS = ['packages/core', 'apps/server', 'packages/create-opensync-plugin'];

/** Packs before the tests of a file, which ask what it was by what this returns. */
export function packBeforeAll(patience: number): () => readonly Packed[] {
  let packed: readonly Packed[] = [];
  beforeAll(() => {
    packed = pack(temporaryDirectory());
  }, patience);
  return () => packed;
}

/** `npm pack` would leave `catalog:` in. */
function pack(destination: string): Packed[] {
  return FOLDERS.map((path) => {
    const folder = join(ROOT, path);
    if (!existsSync(join(folder, 'dist'))) throw new Error(`${path}/dist is missing. Build first.`);
    const target = join(destination, path);
    mkdirSync(target, { recursive: true });
    const { packageManager } = manifestOf(ROOT);
    const args = ['--yes', '--prefer-offline', `${packageManager}`, 'pack', '--pack-destination', target];
    execFileSync('npx', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const [tarball = ''] = readdirSync(target);
    return { name: `${manifestOf(folder).name}`, folder, tarball: join(target, tarball) };
  });
}

/** The files of a tarball as a folder. */
export function unpack(tarball: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}

/**
 * What npm would install, without a network: the tarballs, and for everything else what this repository has
 * installed itself.
 */
export function layOut(project: string, packed: readonly Packed[]): void {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  for (const name of ['tsup', 'typescript', 'vitest', '@types/node', '.bin'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const { name, folder, tarball } of packed) {
    const target = join(modules, name);
    unpack(tarball, target);
    const { dependencies, optionalDependencies } = manifestOf(target);
    link({ ...dependencies, ...optionalDependencies }, folder, target);
  }
}

/** Dependencies as they are installed for one folder, for another. */
export function link(dependencies: Readonly<Record<string, string>>, from: string, to: string): void {
  for (const name of Object.keys(dependencies)) {
    const target = join(to, 'node_modules', name);
    rmSync(target, { force: true });
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(from, 'node_modules', name), target);
  }
}

interface Manifest {
  name?: string;
  version?: string;
  packageManager?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
