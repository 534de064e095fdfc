import { thirdPartyLicenses } from '../../tsup.licenses.js';
import { bundled } from '../core/src/tsup.js';

export default bundled({
  entry: { cli: 'src/cli.ts' },
  clean: true,
  esbuildPlugins: [thirdPartyLicenses()],
});
