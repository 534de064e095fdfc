import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Options } from 'tsup';
import { nothingOfOthers, thirdPartyLicenses } from './packages/core/src/licenses.js';
import { bundled } from './packages/core/src/tsup.js';

/** Seen from the folder of a plugin, where tsup runs. */
const CORE = '../core/src/plugin.ts';
const CORE_TRIGGER = '../core/src/trigger/index.ts';

/** Data made from other people's work, and where its terms stand. */
export const PRICES = { '../core/src/prices.json': '../core/scripts/prices-licenses.txt' };

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
  const hook = 'src/hook.ts';
  // What a tool waits for is CommonJS, since that starts a quarter faster.
  return existsSync(hook) ? [program(), bundle({ hook }, 'cjs')] : [program()];
}

/** One file of a plugin that the tool itself runs or loads: of Node's own modules and nothing else. */
export function bundle(entry: Record<string, string>, format: 'cjs' | 'esm'): Options {
  return bundled({
    entry,
    format,
    splitting: false,
    banner: {},
    esbuildPlugins: [nothingOfOthers()],
    esbuildOptions(esbuild) {
      esbuild.alias = { '@opensync/core/hook': resolve('../core/src/trigger/hook.ts') };
    },
  });
}

function program(): Options {
  return bundled({
    // What `bundle` makes is built at the same time.
    clean: ['!**/*.cjs', '!opencode.js'],
    entry: { index: 'src/index.ts', cli: 'src/cli.ts' },
    esbuildPlugins: [thirdPartyLicenses(PRICES)],
    // Core is not installed beside the plugin, so its types come along as well. tsup leaves alone what
    // it resolves to a package, hence the source.
    dts: {
      ...dts,
      compilerOptions: {
        ...dts.compilerOptions,
        paths: { '@opensync/core/plugin': [CORE], '@opensync/core/trigger': [CORE_TRIGGER] },
      },
    },
    esbuildOptions(esbuild) {
      esbuild.alias = {
        '@opensync/core/plugin': resolve(CORE),
        '@opensync/core/trigger': resolve(CORE_TRIGGER),
      };
    },
  });
}
