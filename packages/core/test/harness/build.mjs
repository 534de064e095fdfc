// Bundles a harness and the processes that it starts: what is started a thousand times has to start fast.
import { basename, resolve } from 'node:path';
import { build } from 'tsup';

const here = import.meta.dirname;
const core = (file) => resolve(here, '../../src', file);

/** Each entry becomes `<outDir>/<name>.mjs`. */
export async function bundle(entries, outDir) {
  await build({
    entry: Object.fromEntries(entries.map((path) => [basename(path, '.ts'), path])),
    outDir,
    config: false,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    splitting: false,
    silent: true,
    clean: false,
    noExternal: [/^[^.]/],
    outExtension: () => ({ js: '.mjs' }),
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    esbuildOptions(esbuild) {
      esbuild.conditions = ['workerd', 'node', 'import'];
      esbuild.alias = {
        '@opensync/core/plugin': core('plugin.ts'),
        '@opensync/core/trigger': core('trigger/index.ts'),
      };
    },
  });
}

// node build.mjs <folder> <entry>...
if (process.argv[1] === import.meta.filename) {
  const [outDir, ...entries] = process.argv.slice(2);
  await bundle(entries, outDir);
}
