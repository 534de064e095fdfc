import { resolve } from 'node:path';
import type { Options } from 'tsup';
import { nothingOfOthers, thirdPartyLicenses } from './tsup.licenses.js';

/** Seen from the folder of a plugin, where tsup runs. */
const CORE = '../core/src/plugin.ts';
const CORE_TRIGGER = '../core/src/trigger/index.ts';

const dts = {
  entry: { index: 'src/index.ts' },
  // tsup sets `baseUrl`, which TypeScript 6 reports as deprecated.
  compilerOptions: { ignoreDeprecations: '6.0' },
};

/** Options that every package shares. ESM only: Node 20.19 and later `require` it as well. */
export function library(options: Options): Options {
  return {
    format: 'esm',
    target: 'node20',
    platform: 'node',
    clean: true,
    splitting: true,
    dts,
    ...options,
  };
}

/** A package that people install with nothing else: core and its dependencies are bundled into it. */
export function plugin(): Options[] {
  // What a tool waits for is CommonJS, since that starts a quarter faster.
  return [program(), bundle({ hook: 'src/hook.ts' }, 'cjs')];
}

/** One file of a plugin that the tool itself runs or loads: of Node's own modules and nothing else. */
export function bundle(entry: Record<string, string>, format: 'cjs' | 'esm'): Options {
  return {
    entry,
    format,
    target: 'node20',
    platform: 'node',
    splitting: false,
    minify: true,
    noExternal: [/^[^.]/],
    esbuildPlugins: [nothingOfOthers()],
    esbuildOptions(esbuild) {
      esbuild.alias = { '@opensync/core/hook': resolve('../core/src/trigger/hook.ts') };
    },
  };
}

function program(): Options {
  return library({
    // What `bundle` makes is built at the same time.
    clean: ['!**/*.cjs', '!opencode.js'],
    entry: { index: 'src/index.ts', cli: 'src/cli.ts' },
    esbuildPlugins: [thirdPartyLicenses()],
    minify: true,
    noExternal: [/^[^.]/],
    // Core is not installed beside the plugin, so its types come along as well. tsup leaves alone what
    // it resolves to a package, hence the source.
    dts: {
      ...dts,
      compilerOptions: {
        ...dts.compilerOptions,
        paths: { '@opensync/core/plugin': [CORE], '@opensync/core/trigger': [CORE_TRIGGER] },
      },
    },
    // Bundled CommonJS dependencies call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    esbuildOptions(esbuild) {
      // Picks the build of a dependency that uses the global fetch instead of a polyfill.
      esbuild.conditions = ['workerd', 'node', 'import'];
      esbuild.alias = {
        '@opensync/core/plugin': resolve(CORE),
        '@opensync/core/trigger': resolve(CORE_TRIGGER),
        // Its CommonJS build requires its own files in a way that a bundler cannot see.
        'jsonc-parser': resolve('../core/node_modules/jsonc-parser/lib/esm/main.js'),
        'node:child_process': resolve('../../scripts/child-process.cjs'),
      };
    },
  });
}
