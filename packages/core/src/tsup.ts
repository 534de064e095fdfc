import { existsSync } from 'node:fs';
import type { Options } from 'tsup';
import { type EsbuildPlugin, thirdPartyLicenses } from './licenses.js';

export { thirdPartyLicenses } from './licenses.js';

/** Everything but Node's own modules goes into the package, so that people install one. */
export function bundled(options: Options): Options {
  return {
    format: 'esm',
    target: 'node20',
    platform: 'node',
    splitting: true,
    minify: true,
    noExternal: [/^[^.]/],
    removeNodeProtocol: false,
    // Bundled CommonJS dependencies call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    ...options,
    esbuildPlugins: [laterChildProcess(), ...(options.esbuildPlugins ?? [])],
    esbuildOptions(esbuild, context) {
      // Picks the build of a dependency that uses the global fetch instead of a polyfill.
      esbuild.conditions = ['workerd', 'node', 'import'];
      // A CommonJS build may require its own files in a way that a bundler cannot see.
      esbuild.mainFields = ['module', 'main'];
      options.esbuildOptions?.(esbuild, context);
    },
  };
}

/**
 * Commander wants node:child_process for subcommands that are programs of their own, which no plugin has.
 * Loading it costs every command 4 ms, so it is loaded when it is called.
 */
function laterChildProcess(): EsbuildPlugin {
  const name = 'node:child_process';
  const namespace = 'later';
  return {
    name: 'later-child-process',
    setup(build) {
      build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
        /[\\/]commander[\\/]lib[\\/]/.test(importer) ? { path: name, namespace } : undefined,
      );
      build.onLoad({ filter: /^/, namespace }, () => ({
        contents: `exports.spawn = (...args) => require('${name}').spawn(...args);`,
      }));
    },
  };
}

/**
 * The whole `tsup.config.ts` of a plugin: `src/cli.ts`, and `src/hook.ts` where there is one.
 * @param options for the first, such as further entries
 */
export function plugin(options: Options = {}): Options[] {
  const hook = 'src/hook.ts';
  // Both are built at the same time: neither may clean away the other.
  const program = bundled({
    entry: { cli: 'src/cli.ts' },
    clean: ['!**/*.cjs'],
    esbuildPlugins: [thirdPartyLicenses()],
    ...options,
  });
  if (!existsSync(hook)) return [program];
  // What a tool waits for is CommonJS in one file, since that starts a quarter faster.
  return [program, bundled({ entry: { hook }, format: 'cjs', splitting: false, banner: {} })];
}
