import { runHook } from '@opensync/core/hook';

void runHook({
  plugin: 'cursor-cli-sync',
  names: ['CURSOR_CONFIG_DIR', 'CURSOR_DATA_DIR', 'XDG_CONFIG_HOME'],
  // Anything else, or nothing, counts as a failed hook.
  output: '{}',
});
