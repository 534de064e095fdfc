/** Environment variables that choose which history is meant. By itself, since the hook loads nothing else. */
export const VARIABLES = ['XDG_DATA_HOME', 'OPENCODE_DB'];
