import type { HookCommand } from '../source.js';

/** What a shell of the tool runs. A Node.js or a plugin that is gone prints nothing and fails nothing. */
export function commandLine(
  { node, script, plugin }: HookCommand,
  event: string,
  /** Runs where the hook cannot: for a tool that waits for an output. */
  instead = ':',
): string {
  // A Windows shell has no such redirection, and which one it is depends on the tool.
  if (isWindowsPath(script)) return `"${node}" "${script}" ${plugin} ${event}`;
  return `${quoted(node)} ${quoted(script)} ${plugin} ${event} 2>/dev/null || ${instead}`;
}

function isWindowsPath(path: string): boolean {
  return /^([a-z]:)?\\/i.test(path);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Whether a command line runs a plugin's hook, from whatever install. */
export function runsHook(command: string, plugin: string): boolean {
  return [...command.matchAll(/(?<![^\\/'"\s])hook\.cjs['"]? +(\S+)/g)].some(([, name]) => name === plugin);
}

/**
 * Whether a command line is `<plugin> hook <event>` and nothing else, by name, path or npx: what earlier
 * plugins wrote. One that does more is its owner's.
 */
export function callsItself(command: string, plugin: string): boolean {
  const path = String.raw`(?:[^"'\s;&|$\x60]*[\\/])?`;
  const program = `(?:npx +(?:-y +|--yes +)?)?(["']?)${path}${plugin}(?:@[\\w.-]+)?(?:\\.cmd)?\\1`;
  return new RegExp(`^\\s*${program} +hook(?: +[\\w-]+)?\\s*$`).test(command);
}

/** Where a plugin's hook begins in an argument list; -1 when it is not in it. */
export function hookIndex(args: readonly string[], plugin: string): number {
  const script = args.findIndex((arg, at) => /(^|[\\/])hook\.cjs$/.test(arg) && args[at + 1] === plugin);
  return Math.max(script - 1, -1);
}
