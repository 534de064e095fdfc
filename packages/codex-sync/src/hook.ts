import { runHook } from '@opensync/core/hook';
import { VARIABLES } from './variables.js';

void runHook({ plugin: 'codex-sync', names: VARIABLES });
