import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answers } from './answers.js';
import { UsageError } from './usage-error.js';

/** Beside `src` and beside `dist`. */
const SKELETONS = fileURLToPath(new URL('../skeletons', import.meta.url));

export interface Target {
  /** Absolute. */
  target: string;
  /** Of this package, and of core and the server that the plugin is built from. */
  version: string;
}

/**
 * Writes a plugin into a folder that is not there yet, or is empty but for `.git`.
 * @throws UsageError when something else is in it
 */
export function writePlugin(answers: Answers, { target, version }: Target): void {
  if (existsSync(target) && readdirSync(target).some((name) => name !== '.git')) {
    const message = `${target} exists and is not empty. Take another name, or empty it.`;
    throw new UsageError(message);
  }
  for (const [path, content] of plannedFiles(answers, version)) {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    // Whatever came into being meanwhile is not ours to overwrite.
    writeFileSync(file, content, { flag: 'wx' });
  }
}

/** Every file of a plugin, by its path. Those of the shape come on top of those that all have in common. */
export function plannedFiles(answers: Answers, version: string): Map<string, string | Buffer> {
  const fill = filler(answers);
  const files = new Map<string, string | Buffer>();
  const manifests: object[] = [];
  for (const skeleton of ['common', answers.shape].map((name) => join(SKELETONS, name))) {
    for (const path of filesIn(skeleton)) {
      const content = readFileSync(join(skeleton, path));
      if (path === 'package.json') manifests.push(JSON.parse(fill(content.toString('utf8'))) as object);
      else
        files.set(
          fill(RENAMED[path] ?? path),
          path.endsWith('.db') ? content : fill(content.toString('utf8')),
        );
    }
  }
  const manifest = JSON.stringify(Object.assign({}, ...manifests), null, 2);
  files.set('package.json', `${manifest.replaceAll('^0.0.0', `^${version}`)}\n`);
  return files;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      join(parentPath, name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

/** Packing treats files of these names as its own. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore', 'mit-license': 'LICENSE' };

/** The skeletons are those of My Tool. All of it is replaced at once: an answer may hold another's place. */
function filler({ name, source, tool, folder, database }: Answers): (text: string) => string {
  const places: Readonly<Record<string, string>> = {
    'my-tool-sync': name,
    '.my-tool/sessions': folder,
    'history.db': database,
    'My Tool': tool,
    'my-tool': source,
  };
  const pattern = new RegExp(
    Object.keys(places)
      .map((place) => place.replaceAll('.', '\\.'))
      .join('|'),
    'g',
  );
  return (text) => text.replace(pattern, (place) => places[place] ?? place);
}
