import { runHook } from '@opensync/core/hook';
import { keep } from './usage-record.js';
import { VARIABLES } from './variables.js';

void runHook({
  plugin: 'cursor-cli-sync',
  names: VARIABLES,
  // Anything else, or nothing, counts as a failed hook.
  output: '{}',
  record: { file: 'usage/turns.jsonl', line: keep },
});
