import { defineSource } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { files, sessions } from './read.js';
import { transform } from './transform.js';
import { EARLIER_VARIABLES, VARIABLES } from './variables.js';

export const source = defineSource({
  id: 'claude-code',
  name: 'Claude Code',
  plugin: packageJson.name,
  npmPackage: packageJson.name,
  version: packageJson.version,
  files,
  changesShowInFiles: true,
  sessions,
  transform,
  variables: VARIABLES,
  earlierVariables: EARLIER_VARIABLES,
  trigger: () => import('./trigger.js').then(({ trigger }) => trigger),
});
