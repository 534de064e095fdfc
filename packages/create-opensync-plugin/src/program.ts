import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { answer, type Given } from './answer.js';
import { SHAPES } from './answers.js';
import { UsageError } from './usage-error.js';
import { writePlugin } from './write.js';

/** What the command touches of the process; tests hand in another one. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable;
  /** In which the plugin's own folder is made. */
  folder: string;
  home: string;
}

/** @returns exit code: 0 done, 1 it could not be written, 2 wrong usage */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const program = buildProgram(io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    // The file system says in its own errors what failed, and on which file.
    const isExpected = error instanceof UsageError || (error instanceof Error && 'code' in error);
    if (!isExpected) throw error;
    io.stderr.write(`${packageJson.name}: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function buildProgram(io: Io): Command {
  return new Command(packageJson.name)
    .description(packageJson.description)
    .argument('[name]', 'name of the plugin, its folder and its command, such as my-tool-sync')
    .option('--source <id>', 'source ID of the tool, which the server stores, such as my-tool')
    .option('--tool <name>', 'name of the tool, which people read, such as "My Tool"')
    .option('--folder <path>', 'where its sessions lie, below your home; of SQLite the database')
    .option('--shape <shape>', `how it keeps them: ${SHAPES.join(', ')}`)
    .option('--yes', 'ask nothing: take what is suggested for what is not given')
    .version(packageJson.version, '-V, --version')
    .addHelpText(
      'after',
      '\nThrough npm, options come behind "--": npm create opensync-plugin my-tool-sync -- --yes',
    )
    .exitOverride()
    .showHelpAfterError('Run "npm create opensync-plugin -- --help" to see what there is.')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .action(async (name: string | undefined, options: Omit<Given, 'name'>) => {
      const answers = await answer({ ...options, name }, io);
      const target = resolve(io.folder, answers.name);
      writePlugin(answers, { target, version: packageJson.version });
      io.stdout.write(nextSteps(answers.name));
    });
}

function nextSteps(name: string): string {
  return `
${name} is written. Next:

  cd ${name}
  npm install
  npm test            # its sample session, also in a server
  npm run build
  node dist/cli.js list

The sample is a guess at what the tool writes. README.md says how to make it the truth.
`;
}
