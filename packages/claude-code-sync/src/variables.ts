/** Environment variables that choose which history is meant. By itself, since the hook loads nothing else. */
export const VARIABLES = ['CLAUDE_CONFIG_DIR'];
