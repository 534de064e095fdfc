import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Options that every package shares. Tests of a package run on core's source, so that they need no build of it. */
export default defineConfig({
  resolve: {
    alias: {
      '@opensync/core/testing': fileURLToPath(new URL('packages/core/src/testing/index.ts', import.meta.url)),
      '@opensync/core/hook': fileURLToPath(new URL('packages/core/src/trigger/hook.ts', import.meta.url)),
      '@opensync/core/trigger': fileURLToPath(new URL('packages/core/src/trigger/index.ts', import.meta.url)),
      '@opensync/core/plugin': fileURLToPath(new URL('packages/core/src/plugin.ts', import.meta.url)),
      '@opensync/core': fileURLToPath(new URL('packages/core/src/index.ts', import.meta.url)),
    },
  },
  test: { include: ['src/**/*.test.ts', 'test/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 },
});
