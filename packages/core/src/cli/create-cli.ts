import { nodeEnv } from '../env.js';
import type { Env, Source } from '../source.js';

/** What the commands touch of the process; tests hand in another one. */
export interface CliIo {
  env: Env;
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  fetch?: typeof fetch;
  /** The file that runs, behind every link; `hook.cjs` lies beside it. Default: the process's own. */
  script?: string;
}

export interface Cli {
  /**
   * Runs a command line.
   * @param args without the interpreter and the script; default: the process's own
   * @returns exit code: 0 done, 1 something failed, 2 wrong usage, 3 not signed in
   */
  run(args?: readonly string[], io?: Partial<CliIo>): Promise<number>;
}

/** The command line of a plugin, the same for every source. */
export function createCli<R>(source: Source<R>): Cli {
  return {
    async run(args = process.argv.slice(2), io = {}) {
      // Imported when it is needed: a library import of the plugin must not pay for it.
      const { runProgram } = await import('./program.js');
      const { stdout, stderr, stdin } = process;
      if (io.stdout === undefined) stdout.on('error', endQuietly);
      return runProgram(source as Source, args, { stdout, stderr, stdin, ...io, env: io.env ?? nodeEnv() });
    },
  };
}

/** Whoever read the output has enough of it, as in `list | head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
