#!/usr/bin/env node
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { openDatabase } from './database.js';
import { addUser, ensureOwner, listUsers } from './keys.js';
import { serverFilePath } from './server-file.js';
import { DEFAULT_PORT, startServer } from './start-server.js';
import { VERSION } from './version.js';

interface Options {
  db: string;
  port?: number;
  host: string;
  allowRemote: boolean;
}

const EXAMPLES = `
Examples:
  opensync-server                           start; data in ~/.opensync
  opensync-server --port 8080 --db ./a.db   another port and file
  opensync-server keys add laptop           a further user with a key of their own`;

/** Exit codes: 0 done, 1 it failed, 2 wrong usage. */
async function main(argv: string[]): Promise<void> {
  outliveReaders();
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

function createProgram(): Command {
  const program = new Command('opensync-server')
    .description('The embedded OpenSync: keeps your AI coding sessions in a file on this machine.')
    .version(VERSION)
    .exitOverride()
    .addOption(
      new Option('--port <number>', `port; ${DEFAULT_PORT} or any free one without it`)
        .env('PORT')
        .argParser(parsePort),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--allow-remote', 'let other machines reach the server, unencrypted', false)
    .addOption(
      new Option('--db <file>', 'database')
        .env('OPENSYNC_DB')
        .default(join(homedir(), '.opensync', 'opensync.db'), '~/.opensync/opensync.db'),
    )
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => serve(options));
  const keys = program.command('keys').description('users and their API keys');
  keys
    .command('add')
    .argument('<name>', 'name of the new user')
    .description('create a user and print their key, once')
    .action((name: string, _options, command: Command) => printNewKey(name, command.optsWithGlobals()));
  keys
    .command('list')
    .description('names and creation dates; keys are stored hashed and cannot be shown')
    .action((_options, command: Command) => printUsers(command.optsWithGlobals()));
  return program;
}

async function serve(options: Options): Promise<void> {
  const server = await startServer({ ...options, home: homedir() });
  if (options.port === undefined && server.port !== DEFAULT_PORT) {
    console.log(`Port ${DEFAULT_PORT} is in use; took a free one.`);
  }
  console.log(
    [
      `OpenSync server ${VERSION}`,
      `  Sessions   ${server.openUrl}`,
      `  API        ${server.url}`,
      `  API key    in ${serverFilePath(homedir())}`,
      `  Database   ${options.db}`,
      'Press Ctrl-C to stop.',
    ].join('\n'),
  );
  await untilStopped();
  await server.close();
}

/** A terminal that closes, or `| head`, takes the output away and not the server. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}

/** A second signal finds no handler and ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function printNewKey(name: string, options: Options): void {
  const db = openDatabase(options.db);
  try {
    ensureOwner(db, Date.now());
    const key = addUser(db, name, Date.now());
    console.log(`Key of "${name}". It is shown this once:\n${key}`);
  } finally {
    db.close();
  }
}

function printUsers(options: Options): void {
  const db = openDatabase(options.db);
  try {
    ensureOwner(db, Date.now());
    for (const user of listUsers(db)) {
      console.log(`${new Date(user.createdAt).toISOString().slice(0, 10)}  ${user.name}`);
    }
  } finally {
    db.close();
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError('Not a port: a number from 0 to 65535.');
  return port;
}

await main(process.argv);
