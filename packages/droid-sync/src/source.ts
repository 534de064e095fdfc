import { defineSource, type Located, sessionsByFile } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { transform } from './transform.js';

export const source = defineSource<Located<unknown>>({
  id: 'factory-droid',
  name: 'Factory Droid',
  plugin: packageJson.name,
  version: packageJson.version,
  // Below a folder for each working directory; of early versions directly.
  files: ({ home }) => [
    {
      folder: `${home}/.factory/sessions`,
      include: ['*.jsonl', '*.settings.json', '*/*.jsonl', '*/*.settings.json'],
    },
  ],
  changesShowInFiles: true,
  sessions: (files) =>
    sessionsByFile(files, (path) => /([^/\\]+?)(\.settings\.json|\.jsonl)$/.exec(path)?.[1]),
  transform,
});
