import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const SKELETON = 'packages/create-opensync-plugin/skeletons/common/README.md';

/** A fenced block of a page: ```` ```ts file=src/a.ts ```` is a file, ```` ```sh run ```` is run. */
export interface Block {
  language: string;
  /** Where it belongs in the reader's package. */
  file?: string;
  run: boolean;
  text: string;
  /** 1-based line of the page at which it begins. */
  line: number;
}

export interface Page {
  /** Relative to the root. */
  path: string;
  blocks: Block[];
}

export function pages(): Page[] {
  const below = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  const packages = ['packages', 'apps'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
  );
  const readmes = packages.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).includes('README.md') ? [join(folder, 'README.md')] : [],
  );
  const others = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'clients/README.md', SKELETON];
  return [...others, ...readmes, ...below('docs')].map(pageOf);
}

export function pageOf(path: string): Page {
  const blocks: Block[] = [];
  let open: Block | undefined;
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  lines.forEach((text, index) => {
    const fence = /^```(\w*)(.*)$/.exec(text);
    if (open !== undefined) {
      if (text === '```') open = undefined;
      else open.text += `${text}\n`;
    } else if (fence !== null) {
      const [, language = '', info = ''] = fence;
      const file = /file=(\S+)/.exec(info)?.[1];
      open = { language, ...(file && { file }), run: /\brun\b/.test(info), text: '', line: index + 2 };
      blocks.push(open);
    }
  });
  return { path: relative(ROOT, join(ROOT, path)), blocks };
}
