import { defineSource } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { files, sessions } from './read.js';
import { transform } from './transform.js';
import { VARIABLES } from './variables.js';

export const source = defineSource({
  id: 'codex-cli',
  name: 'Codex CLI',
  plugin: packageJson.name,
  npmPackage: packageJson.name,
  version: packageJson.version,
  files,
  sessions,
  transform,
  variables: VARIABLES,
  trigger: () => import('./trigger.js').then(({ trigger }) => trigger),
});
