/** Environment variables that choose which history is meant. By itself, since the hook loads nothing else. */
export const VARIABLES = ['CURSOR_CONFIG_DIR', 'CURSOR_DATA_DIR', 'XDG_CONFIG_HOME'];
