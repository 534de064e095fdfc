// Gives every package the repository of the root package.json and its own folder in it, from which npm links a
// README's relative links. On GitHub, the root gets its own from where the workflow runs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { GITHUB_SERVER_URL = 'https://github.com', GITHUB_REPOSITORY } = process.env;

const repository = readManifest('.').repository ?? repositoryOfWorkflow();
if (repository === undefined) {
  console.warn('No repository: add it to package.json ({ "type": "git", "url": "git+https://…" }).');
} else {
  writeRepository('.', repository);
  for (const group of ['packages', 'apps'])
    for (const name of readdirSync(join(root, group)))
      writeRepository(`${group}/${name}`, { ...repository, directory: `${group}/${name}` });
}

function repositoryOfWorkflow() {
  if (GITHUB_REPOSITORY === undefined) return undefined;
  return { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` };
}

function writeRepository(folder, value) {
  const { repository: _, ...manifest } = readManifest(folder);
  const fields = Object.entries(manifest);
  fields.splice(fields.findIndex(([name]) => name === 'license') + 1, 0, ['repository', value]);
  writeFileSync(
    join(root, folder, 'package.json'),
    `${JSON.stringify(Object.fromEntries(fields), null, 2)}\n`,
  );
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}
