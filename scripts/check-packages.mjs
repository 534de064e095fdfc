// Checks tarballs, as they would be published: node scripts/check-packages.mjs FOLDER [--update]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, exportedNames, installedPackages, readManifest } from './package-checks.mjs';
import { budgetOf, KNOWN } from './package-rules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const GOLDEN = join(root, 'scripts/package-exports.json');

const [tarballs, update] = process.argv.slice(2);
const golden = JSON.parse(readFileSync(GOLDEN, 'utf8'));
const { repository } = readManifest(root);
const sources = new Map(
  ['packages', 'apps']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .map((directory) => [readManifest(join(root, directory)).name, directory]),
);

const names = {};
const problems = [];
for (const file of readdirSync(tarballs).filter((name) => name.endsWith('.tgz'))) {
  const temporary = mkdtempSync(join(tmpdir(), 'opensync-package-'));
  try {
    // In its folder and by its name: to tar, a path of Windows is a host.
    execFileSync('tar', ['-xzf', file, '-C', temporary], { cwd: tarballs });
    const folder = join(temporary, 'package');
    const manifest = readManifest(folder);
    names[manifest.name] = exportedNames({ folder, manifest });
    const directory = sources.get(manifest.name);
    const found = checkPackage(folder, {
      expected: update === '--update' ? names[manifest.name] : golden[manifest.name],
      installed: installedPackages(join(root, directory)),
      tarball: statSync(join(tarballs, file)).size,
      budget: budgetOf(manifest.name),
      repository,
      directory,
    });
    problems.push(...found.map((problem) => `${manifest.name}: ${problem}`));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
if (update === '--update') writeFileSync(GOLDEN, `${JSON.stringify(names, null, 2)}\n`);
const news = problems.filter((problem) => !KNOWN.includes(problem));
for (const known of KNOWN)
  if (!problems.includes(known)) news.push(`no longer a problem, to be taken off the list: ${known}`);
for (const problem of news) console.error(problem);
console.log(`${Object.keys(names).length} packages checked, ${news.length} problems, ${KNOWN.length} known`);
process.exitCode = news.length > 0 ? 1 : 0;
