import { runHook } from '@opensync/core/hook';
import { keep } from './usage-record.js';

void runHook({
  plugin: 'cursor-cli-sync',
  names: ['CURSOR_CONFIG_DIR', 'CURSOR_DATA_DIR', 'XDG_CONFIG_HOME'],
  // Anything else, or nothing, counts as a failed hook.
  output: '{}',
  record: { file: 'usage.jsonl', line: keep },
});
