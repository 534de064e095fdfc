import { defineSource, type Located, sessionsByFile } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { transform } from './transform.js';

export const source = defineSource<Located<unknown>>({
  id: 'my-tool',
  name: 'My Tool',
  plugin: packageJson.name,
  version: packageJson.version,
  files: ({ home }) => [{ folder: `${home}/.my-tool/sessions`, include: ['**/*.jsonl'] }],
  changesShowInFiles: true,
  sessions: (files) => sessionsByFile(files, (path) => /([^/\\]+)\.jsonl$/.exec(path)?.[1]),
  transform,
});
