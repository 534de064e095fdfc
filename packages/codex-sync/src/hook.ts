import { runHook } from '@opensync/core/hook';

void runHook({ plugin: 'codex-sync', names: ['CODEX_HOME'] });
