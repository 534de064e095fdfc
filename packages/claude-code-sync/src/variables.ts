/** Environment variables that choose which history is meant. By itself, since the hook loads nothing else. */
export const VARIABLES = ['CLAUDE_CONFIG_DIR', 'CLAUDE_SYNC_CONVEX_URL', 'CLAUDE_SYNC_API_KEY'];

/** Of claude-code-sync 0.1. */
export const EARLIER_VARIABLES = { convexUrl: 'CLAUDE_SYNC_CONVEX_URL', apiKey: 'CLAUDE_SYNC_API_KEY' };
