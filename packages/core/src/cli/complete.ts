import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { SETTING_NAMES } from '../config.js';
import { findSessions } from '../sync.js';
import type { CommandContext } from './program.js';

/** Of a long history, as many as a person could read. */
const NEWEST = 100;
/** The script for bash expands what is offered: `$(…)` in an id would run. */
const PLAIN = /^[\w.:@/-]+$/;

/** Runs `complete <shell>`, which prints a script for the shell, or `complete -- <words>`, which it calls. */
export async function complete(
  program: Command,
  args: readonly string[],
  { source, io }: CommandContext,
): Promise<void> {
  const { commands } = tab(program);
  const offer = (command: string, argument: string, words: () => readonly string[]) => {
    const found = commands.get(command)?.arguments.get(argument);
    if (found === undefined) throw new Error(`"${command}" takes no ${argument} any more.`);
    found.handler = (suggest) => {
      for (const word of words()) suggest(word, '');
    };
  };
  for (const command of ['config get', 'config set']) offer(command, 'name', () => SETTING_NAMES);
  const ids = () => {
    const newest = findSessions(source, io.env).slice(0, NEWEST);
    return newest.map(({ id }) => id).filter((id) => PLAIN.test(id));
  };
  for (const command of ['show', 'explain']) offer(command, 'session', ids);
  offer('sync', 'targets', ids);
  // The library prints with it.
  const { log } = console;
  console.log = (text) => void io.stdout.write(`${quotingWords(String(text))}\n`);
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
