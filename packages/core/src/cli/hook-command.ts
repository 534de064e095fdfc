import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OpenSyncError } from '../errors.js';
import type { HookCommand } from '../source.js';
import { programPath } from './open.js';
import type { CommandContext } from './program.js';

/** What the tool would start, from the install that is running. */
export function hookCommand({ source, io }: CommandContext): HookCommand {
  const script = join(dirname(programPath(io)), 'hook.cjs');
  return { node: process.execPath, script, plugin: source.plugin };
}

/**
 * The same, from an install that will still be there tomorrow.
 * @throws OpenSyncError `config` when it runs from a cache or is not complete
 */
export function lastingHookCommand(context: CommandContext): HookCommand {
  const command = hookCommand(context);
  const { plugin } = context.source;
  const install = `npm install -g ${plugin}`;
  if (/[\\/](_npx|dlx|dlx-[^\\/]+|bunx-[^\\/]+)[\\/]/.test(command.script)) {
    throw new OpenSyncError(
      'config',
      `This is a temporary copy of ${plugin}, which will be deleted. Install it with "${install}", then run "${plugin} setup".`,
    );
  }
  if (existsSync(command.script)) return command;
  throw new OpenSyncError('config', `${command.script} is missing. Install ${plugin} again: "${install}".`);
}
