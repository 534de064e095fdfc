import { runHook } from '@opensync/core/hook';

void runHook({ plugin: 'claude-code-sync', names: ['CLAUDE_CONFIG_DIR'] });
