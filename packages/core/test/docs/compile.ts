import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { type Page, ROOT } from './pages.js';

const CORE = join(ROOT, 'packages/core/src');

/** What the project's TypeScript finds wrong with the code of pages, each with its page and line. */
export function compileErrors(pages: readonly Page[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-docs-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    symlinkSync(join(ROOT, 'packages/core/node_modules'), join(folder, 'node_modules'));
    const places = new Map(pages.flatMap((page, index) => write(page, join(folder, `page-${index}`))));
    const program = ts.createProgram([...places.keys()], options());
    return ts.getPreEmitDiagnostics(program).flatMap(({ file, start, messageText }) => {
      const message = ts.flattenDiagnosticMessageText(messageText, '\n');
      if (file === undefined) return [message];
      const place = places.get(file.fileName);
      // What is wrong with core's own files is the type check's business.
      if (place === undefined) return [];
      const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
      return [`${place.page}:${place.line + line}: ${message}`];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The code of a page as files, and where in the page each begins. */
function write(page: Page, folder: string): [string, { page: string; line: number }][] {
  return page.blocks.flatMap(({ language, file, text, line }, index) => {
    if (language !== 'ts') return [];
    const path = join(folder, file ?? `block-${index}.ts`);
    mkdirSync(dirname(path), { recursive: true });
    // A file without an import or export would share its names with all others.
    writeFileSync(path, `${text}export {};\n`);
    return [[path, { page: page.path, line }]];
  });
}

/** Those of the project, with core at its source. */
function options(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile);
  const parsed = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  return {
    ...parsed.options,
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: {
      '@opensync/core': [join(CORE, 'index.ts')],
      '@opensync/core/plugin': [join(CORE, 'plugin.ts')],
      '@opensync/core/hook': [join(CORE, 'trigger/hook.ts')],
      '@opensync/core/trigger': [join(CORE, 'trigger/index.ts')],
      '@opensync/core/testing': [join(CORE, 'testing/index.ts')],
      '@opensync/core/tsup': [join(CORE, 'tsup.ts')],
    },
  };
}
