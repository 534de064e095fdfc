import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page, ROOT } from './pages.js';

/** Whatever else readers have on their machine. */
const KNOWN = ['cat', 'cd', 'codex', 'crontab', 'curl', 'export', 'git', 'mkdir', 'test'];
/** What the pages for authors call the plugin that is written there. */
const AUTHORS_PLUGINS = ['my-tool-sync', 'tidy-sync'];

interface Manifest {
  name: string;
  bin?: Record<string, string>;
  scripts?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
const packages = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(join(ROOT, parent)).map((name) => join(parent, name)),
);
const root = manifestOf('.');
const ours = packages.map((folder) => ({ folder, manifest: manifestOf(folder) }));
const programs = new Map(
  ours.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.bin ?? {}).map(([name, path]) => [name, join(ROOT, folder, path)] as const),
  ),
);
for (const name of AUTHORS_PLUGINS) programs.set(name, join(ROOT, 'packages/core/test/tiny-plugin.mjs'));

/** What is wrong with the commands of pages that no test runs, each with its page and line. */
export function commandErrors(pages: readonly Page[]): string[] {
  return pages.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language, run }) => language === 'sh' && !run)
      .flatMap(({ text, line }) =>
        commandsOf(text).flatMap(({ words, offset }) => {
          const problem = problemOf(words);
          return problem === undefined ? [] : [`${path}:${line + offset}: ${problem}`];
        }),
      ),
  );
}

/** The simple commands of a script, as words; quotes and here-documents have no place in what is not run. */
function commandsOf(script: string): { words: string[]; offset: number }[] {
  return script.split('\n').flatMap((text, offset) =>
    text
      .replace(/(^|\s)#.*$/, '')
      .replace(/^source <\((.*)\)(?: 2>\/dev\/null)?$/, '$1')
      .replaceAll(/<your fork>|2>\/dev\/null/g, '')
      .split(/&&|\|\||[|;]/)
      .map((command) => ({ words: command.split(/\s+/).filter(Boolean), offset }))
      .filter(({ words }) => words.length > 0),
  );
}

function problemOf([program = '', ...words]: string[]): string | undefined {
  const own = programs.get(program);
  if (own !== undefined) return usageProblem(own, [program, ...words]);
  if (program === 'npm') return npmProblem(words);
  if (program === 'npx') return packageProblem(words[0] ?? '');
  if (program === 'node') {
    const [file = ''] = words;
    return existsSync(join(ROOT, file)) || file === 'dist/cli.js' ? undefined : `${file} does not exist`;
  }
  return KNOWN.includes(program) ? undefined : `"${program}" is no program of ours and not on the list`;
}

/** Whether the help of a program names these subcommands and options. */
function usageProblem(file: string, [program = '', ...words]: string[]): string | undefined {
  const named = words.slice(0, words.findIndex((word) => word.startsWith('-')) >>> 0);
  const help = execFileSync(process.execPath, [file, ...named, '--help'], { encoding: 'utf8' });
  const [usage = ''] = help.split('\n');
  const depth =
    usage
      .replace('Usage: ', '')
      .split(/ (?=[[<])/)[0]
      ?.split(' ').length ?? 1;
  if (named.length >= depth && usage.endsWith('[command]')) return `${program} has no "${named[depth - 1]}"`;
  const unknown = words.filter((word) => word.startsWith('-')).find((word) => !help.includes(`${word} `));
  return unknown === undefined ? undefined : `${program} ${named.join(' ')} has no option ${unknown}`;
}

function npmProblem([command = '', ...words]: string[]): string | undefined {
  const names = words.filter((word) => !word.startsWith('-'));
  if (command === 'create')
    return usageProblem(programs.get(`create-${names[0]}`) ?? '', [
      `npm create`,
      ...words.slice(1).filter((word) => word !== '--'),
    ]);
  if (command === 'install') return names.map(packageProblem).find(Boolean);
  if (['publish', 'uninstall'].includes(command)) return undefined;
  const script = command === 'run' ? names[0] : command;
  return root.scripts?.[script ?? ''] === undefined ? `there is no npm script "${script}"` : undefined;
}

function packageProblem(word: string): string | undefined {
  const name = word.replace(/(?<=.)@.*$/, '');
  const isKnown =
    ours.some(({ manifest }) => manifest.name === name) ||
    programs.has(name) ||
    root.devDependencies?.[name] !== undefined;
  return isKnown ? undefined : `${name} is no package of ours`;
}
