import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { type Config, DEFAULTS, SETTING_NAMES, type SettingName } from '../config.js';
import { findSessions } from '../sync.js';
import { dateTime } from './format.js';
import type { CommandContext } from './program.js';

/** Runs `complete <shell>`, which prints a script for the shell, or `complete -- <words>`, which it calls. */
export async function complete(
  program: Command,
  args: readonly string[],
  { source, io: { env, stdout } }: CommandContext,
): Promise<void> {
  const { commands } = tab(program);
  const offer = (command: string, argument: string, words: () => Iterable<[word: string, about: string]>) => {
    const found = commands.get(command)?.arguments.get(argument);
    if (found === undefined) throw new Error(`"${command}" takes no ${argument} any more.`);
    found.handler = (suggest) => {
      for (const [word, about] of words()) suggest(word, about);
    };
  };
  for (const command of ['config get', 'config set'])
    offer(command, 'name', () => SETTING_NAMES.map((name) => [name, '']));
  offer('config set', 'value', () => valuesOf(args.at(-2)).map((value) => [value, '']));
  const sessions = () =>
    findSessions(source, env)
      .filter(({ id }) => isPlainWord(id))
      .map(({ id, changedAt }): [string, string] => [id, dateTime(changedAt)]);
  for (const command of ['show', 'explain']) offer(command, 'session', sessions);
  offer('sync', 'targets', sessions);
  // The library prints with it.
  const { log } = console;
  console.log = (text) => void stdout.write(`${quotingWords(String(text))}\n`);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } finally {
    console.log = log;
  }
}

function valuesOf(setting: string | undefined): string[] {
  return typeof (DEFAULTS as Config)[setting as SettingName] === 'boolean' ? ['true', 'false'] : [];
}

/** The shells take what they are offered apart, and some of them run what stands in it. */
function isPlainWord(text: string): boolean {
  return /^[\w.@-]+$/.test(text);
}

/** The script for bash hands the words of the command line to `eval` as they are: `$(…)` in them would run. */
function quotingWords(script: string): string {
  return script.replaceAll(`\${words[@]:1}`, `$(printf '%q ' "\${words[@]:1}")`);
}
