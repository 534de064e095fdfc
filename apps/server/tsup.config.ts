import { chmod, cp } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { thirdPartyLicenses } from '../../packages/core/src/licenses.js';

export default defineConfig({
  entry: ['src/index.ts', 'src/cli.ts'],
  format: 'esm',
  target: 'node20',
  removeNodeProtocol: false,
  clean: true,
  // tsup sets baseUrl, which TypeScript 6 calls deprecated.
  dts: { entry: 'src/index.ts', compilerOptions: { ignoreDeprecations: '6.0' } },
  esbuildPlugins: [thirdPartyLicenses()],
  async onSuccess() {
    await cp('src/page', 'dist/page', { recursive: true });
    await chmod('dist/cli.js', 0o755);
  },
});
