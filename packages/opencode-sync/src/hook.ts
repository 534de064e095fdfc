import { runHook } from '@opensync/core/hook';
import { VARIABLES } from './variables.js';

// The tool loads opencode.js instead; this is for whoever calls a hook from a script of their own.
void runHook({ plugin: 'opencode-sync', names: VARIABLES });
