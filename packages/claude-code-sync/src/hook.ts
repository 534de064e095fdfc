import { runHook } from '@opensync/core/hook';
import { VARIABLES } from './variables.js';

// What people enter when they install the plugin from inside the tool.
const { CLAUDE_PLUGIN_OPTION_URL: url, CLAUDE_PLUGIN_OPTION_API_KEY: apiKey } = process.env;
if (url) process.env.OPENSYNC_URL ??= url;
if (apiKey) process.env.OPENSYNC_API_KEY ??= apiKey;

void runHook({ plugin: 'claude-code-sync', names: VARIABLES });
