import { runHook } from '@opensync/core/hook';

// The tool loads opencode.js instead; this is for whoever calls a hook from a script of their own.
void runHook({ plugin: 'opencode-sync', names: ['XDG_DATA_HOME', 'OPENCODE_DB'] });
