import { bundled, thirdPartyLicenses } from '../core/src/tsup.js';

export default bundled({
  entry: { cli: 'src/cli.ts' },
  clean: true,
  esbuildPlugins: [thirdPartyLicenses()],
});
