import { defineSource, type Located, sessionsByFile } from '@opensync/core/plugin';
import packageJson from '../package.json' with { type: 'json' };
import { sessionIdOf } from './ids.js';
import { transform } from './transform.js';

export const source = defineSource<Located<unknown>>({
  id: 'pi',
  name: 'Pi',
  plugin: packageJson.name,
  version: packageJson.version,
  variables: ['PI_CODING_AGENT_DIR', 'PI_CODING_AGENT_SESSION_DIR'],
  files({ home, vars }) {
    const agent = vars.PI_CODING_AGENT_DIR || `${home}/.pi/agent`;
    const folder = vars.PI_CODING_AGENT_SESSION_DIR || `${agent}/sessions`;
    // A folder of one's own holds the files without a level for each working directory.
    return [{ folder, include: ['*.jsonl', '*/*.jsonl'] }];
  },
  changesShowInFiles: true,
  sessions: (files) => sessionsByFile(files, sessionIdOf),
  transform,
});
