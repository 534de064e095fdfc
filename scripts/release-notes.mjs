// Prints what changed in this version: of all CHANGELOG.md, each change once, with the packages that it is in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packagesByChange = new Map();
for (const group of ['packages', 'apps']) {
  for (const directory of readdirSync(join(root, group))) {
    const folder = join(root, group, directory);
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const changelog = join(folder, 'CHANGELOG.md');
    if (!existsSync(changelog)) continue;
    for (const change of changesOf(readFileSync(changelog, 'utf8'), version))
      packagesByChange.set(change, [...(packagesByChange.get(change) ?? []), name]);
  }
}
for (const [change, names] of packagesByChange) console.log(`- ${change}\n\n  _${names.join(', ')}_\n`);

function changesOf(changelog, version) {
  const section = changelog.split(/^## /m).find((text) => text.startsWith(`${version}\n`)) ?? '';
  return section
    .split(/^- /m)
    .slice(1)
    .map((text) =>
      text
        .replace(/^#.*$/gm, '')
        .replace(/^[0-9a-f]{7,}: /, '')
        .trim(),
    )
    .filter((text) => !text.startsWith('Updated dependencies'));
}
