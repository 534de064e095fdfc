import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { SETTING_NAMES } from '../config.js';

/** Adds `complete <shell>`, which prints a script for the shell, and `complete -- <words>`, which it calls. */
export function addCompletion(program: Command): void {
  const { commands } = tab(program);
  for (const command of ['config get', 'config set']) {
    const name = commands.get(command)?.arguments.get('name');
    if (name === undefined) throw new Error(`"${command}" takes no name any more.`);
    name.handler = (complete) => {
      for (const setting of SETTING_NAMES) complete(setting, '');
    };
  }
}
