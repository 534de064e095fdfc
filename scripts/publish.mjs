// Publishes tarballs that `npm run release:pack` wrote: node scripts/publish.mjs FOLDER
// With npm and not with pnpm, whose trusted publishing npm's registry turned down: see docs/releasing.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const [folder] = process.argv.slice(2);
const isWindows = process.platform === 'win32';

for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const packed = execFileSync('tar', ['-xzOf', file, 'package/package.json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { name, version, repository } = JSON.parse(packed);
  if (repository === undefined) throw new Error(`${name} names no repository: see docs/releasing.md`);
  if (isPublished(name, version)) {
    console.log(`${name}@${version} is there already`);
    continue;
  }
  execFileSync('npm', ['publish', `./${file}`, '--access', 'public'], {
    cwd: folder,
    stdio: 'inherit',
    shell: isWindows,
  });
}

/** So that a release which broke off goes on where it stopped. */
function isPublished(name, version) {
  const { status, stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version', '--json'], {
    encoding: 'utf8',
    shell: isWindows,
  });
  if (status === 0) return stdout.trim() !== '';
  if (JSON.parse(stdout).error.code === 'E404') return false;
  throw new Error(`npm view ${name}: ${stdout}`);
}
