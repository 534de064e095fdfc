import { Command, CommanderError } from 'commander';
import { errorCode, errorMessage, isOpenSyncError, type OpenSyncError } from '../errors.js';
import type { Source } from '../source.js';
import type { CliIo } from './create-cli.js';

/** What every command gets. */
export interface CommandContext {
  source: Source;
  io: CliIo;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, notSignedIn: 3 } as const;

/** Runs a command line; every outcome is an exit code and, for a failure, a line on stderr. */
export async function runProgram(source: Source, args: readonly string[], io: CliIo): Promise<number> {
  let code: number = EXIT.ok;
  const context = { source, io };
  const program = buildProgram(context, (result) => {
    code = result;
  });
  try {
    if (args[0] === 'complete') await (await import('./complete.js')).complete(program, args, context);
    else await program.parseAsync([...args], { from: 'user' });
    await tellOfNewer(context, args);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // The file system says in its own errors what failed, and on which file.
    if (!isOpenSyncError(error) && errorCode(error) === undefined) throw error;
    io.stderr.write(`${source.plugin}: ${errorMessage(error)}\n`);
    return isOpenSyncError(error) ? exitCodeOf(error) : EXIT.failed;
  }
}

/** Commands that a program calls. */
const SILENT = ['complete', 'hook', 'work'];

async function tellOfNewer(context: CommandContext, [command = '']: readonly string[]): Promise<void> {
  const { stderr } = context.io;
  if (stderr.isTTY !== true || SILENT.includes(command)) return;
  const notice = (await import('./newer-version.js')).noticeOfNewer(context);
  if (notice !== undefined) stderr.write(`\n${notice}\n`);
}

function exitCodeOf(error: OpenSyncError): number {
  if (error.kind === 'usage') return EXIT.usage;
  return error.kind === 'auth' ? EXIT.notSignedIn : EXIT.failed;
}

/** Commander's actions return nothing; a command's exit code is handed to `finish`. */
function buildProgram(context: CommandContext, finish: (code: number) => void): Command {
  const { source, io } = context;
  const program = new Command(source.plugin)
    .description(`Syncs ${source.name} sessions to OpenSync.`)
    .version(source.version, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `\nTo complete commands with the tab key: "${source.plugin} complete bash" (zsh, fish, powershell) prints the script.`,
    )
    .showHelpAfterError(`Run "${source.plugin} --help" to see what there is.`)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    });

  /** Of no use where the tool does not call. */
  const whenCalled = { hidden: source.trigger === undefined };
  program
    .command('login')
    .description('sign in to an OpenSync server')
    .option('--url <url>', 'address of the server')
    .option('--api-key <key>', 'API key, "osk_..."; "-" reads it from standard input')
    .option('--local', 'use the embedded server on this machine')
    .option('--only', `for ${source.plugin} alone, not for all OpenSync plugins`)
    .action(async (options) => finish(await (await import('./commands/login.js')).login(context, options)));
  program
    .command('logout')
    .description('forget the server and the key')
    .action(async () => finish(await (await import('./commands/login.js')).logout(context)));
  program
    .command('setup', whenCalled)
    .description(`connect ${source.name}, so that its sessions are synced as they happen`)
    .option('--remove', 'take it out again; the settings become what they were')
    .option('--yes', 'change the settings without asking')
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--json', 'print JSON')
    .action(async (options) => finish(await (await import('./commands/setup.js')).setup(context, options)));
  program
    .command('status')
    .description('show the connection and what is synced')
    .option('--json', 'print JSON')
    .action(async (options) => finish(await (await import('./commands/status.js')).status(context, options)));
  program
    .command('doctor')
    .description('check that everything works, and say what to do where it does not')
    .option('--json', 'print JSON')
    .action(async (options) => finish(await (await import('./commands/doctor.js')).doctor(context, options)));
  program
    .command('sync [targets...]')
    .description('send what the server does not have yet; targets are session ids or files, default all')
    .option('--since <when>', 'only sessions changed since a day (2026-01-31) or an age (12h, 7d)')
    .option('--project <name or path>', 'only sessions of a project')
    .option('--dry-run', 'print what would be sent now, and send nothing')
    .option('--force', 'send everything again')
    .option('--all', 'the whole history, also to a server with limits')
    .option('--concurrency <n>', 'sessions in flight at once')
    .option('--url <url>', 'address of the server, for this run')
    .option('--json', 'print JSON')
    .option('--quiet', 'print nothing but errors')
    .action(async (targets, options) =>
      finish(await (await import('./commands/sync.js')).sync(context, targets, options)),
    );
  program
    .command('watch')
    .description('keep the server up to date until stopped')
    .option('--quiet', 'print nothing but errors')
    .action(async (options) => finish(await (await import('./commands/watch.js')).watch(context, options)));
  program
    .command('hook [event]', whenCalled)
    .description('say that something happened, and go; what setup registers does the same faster')
    .allowExcessArguments()
    .action(async (event = 'hook') => finish((await import('./commands/watch.js')).hook(context, event)));
  program
    .command('work <folder>', { hidden: true })
    .description('what a hook starts: watch for as long as something happens')
    .action(async (folder) => finish(await (await import('./commands/watch.js')).work(context, folder)));
  program
    .command('list')
    .description('list the sessions on this machine with their tokens and cost')
    .option('--since <when>', 'only sessions changed since a day (2026-01-31) or an age (12h, 7d)')
    .option('--project <name or path>', 'only sessions of a project')
    .option('--limit <n>', 'at most so many, with their subagents')
    .option('--json', 'print JSON')
    .action(async (options) => finish(await (await import('./commands/list.js')).list(context, options)));
  program
    .command('show <session>')
    .description('print a session as it would be sent, without secrets')
    .option('--json', 'print JSON')
    .action(async (id, options) =>
      finish(await (await import('./commands/show.js')).show(context, id, options)),
    );
  program
    .command('explain <session>')
    .description('print every API call of a session: tokens, price, cost, and what was not counted')
    .option('--json', 'print JSON')
    .action(async (id, options) =>
      finish(await (await import('./commands/explain.js')).explain(context, id, options)),
    );
  const config = program.command('config').description('read and change settings');
  const configCommands = () => import('./commands/config.js');
  config
    .command('get [name]')
    .description('print one setting, or all, and where each comes from')
    .option('--json', 'print JSON')
    .action(async (name, options) =>
      finish(await (await configCommands()).configGet(context, name, options)),
    );
  config
    .command('set <name> <value>')
    .description('change a setting of this plugin')
    .action(async (name, value) => finish(await (await configCommands()).configSet(context, name, value)));
  config
    .command('path')
    .description('print where the settings are')
    .action(async () => finish(await (await configCommands()).configPaths(context)));
  return program;
}
