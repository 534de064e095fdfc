import { library, PRICES } from '../../tsup.base.js';
import { thirdPartyLicenses } from './src/licenses.js';

const entry = {
  index: 'src/index.ts',
  plugin: 'src/plugin.ts',
  hook: 'src/trigger/hook.ts',
  trigger: 'src/trigger/index.ts',
  testing: 'src/testing/index.ts',
  tsup: 'src/tsup.ts',
};

export default library({
  entry,
  dts: { entry, compilerOptions: { ignoreDeprecations: '6.0' } },
  esbuildPlugins: [thirdPartyLicenses(PRICES)],
});
