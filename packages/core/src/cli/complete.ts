import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { SETTING_NAMES } from '../config.js';
import type { CliIo } from './create-cli.js';

/** Runs `complete <shell>`, which prints a script for the shell, or `complete -- <words>`, which it calls. */
export async function complete(program: Command, args: readonly string[], { stdout }: CliIo): Promise<void> {
  const { commands } = tab(program);
  for (const command of ['config get', 'config set']) {
    const name = commands.get(command)?.arguments.get('name');
    if (name === undefined) throw new Error(`"${command}" takes no name any more.`);
    name.handler = (suggest) => {
      for (const setting of SETTING_NAMES) suggest(setting, '');
    };
  }
  // The library prints with it.
  const { log } = console;
  console.log = (text) => void stdout.write(`${quotingWords(String(text))}\n`);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } finally {
    console.log = log;
  }
}

/** The script for bash hands the words of the command line to `eval` as they are: `$(…)` in them would run. */
function quotingWords(script: string): string {
  return script.replaceAll(`\${words[@]:1}`, `$(printf '%q ' "\${words[@]:1}")`);
}
