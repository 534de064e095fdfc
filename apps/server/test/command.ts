import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { readServerFile } from '../src/server-file.js';
import { client } from './support.js';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
if (!existsSync(CLI)) throw new Error('The command is not built: run the build first.');

interface Running {
  child: ChildProcess;
  /** All that it printed so far, both streams. */
  output(): string;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
}

/** `before` is a line of shell that its process runs first. */
export function run(
  home: string,
  args: string[],
  variables: Record<string, string> = {},
  before?: string,
): Running {
  const { PORT: _port, OPENSYNC_DB: _db, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, USERPROFILE: home, ...variables };
  const command = [process.execPath, CLI, ...args];
  const [file = '', ...rest] =
    before === undefined ? command : ['sh', '-c', `${before}; exec "$@"`, 'sh', ...command];
  const child = spawn(file, rest, { env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output: () => text, ended };
}

/** Until it ends by itself. */
export async function finish(home: string, args: string[], variables?: Record<string, string>) {
  const { ended, output } = run(home, args, variables);
  return { code: await ended, output: output() };
}

/** Started and listening: it says so when everything else is done. */
export async function serve(
  home: string,
  args: string[] = ['--port', '0'],
  variables?: Record<string, string>,
  before?: string,
) {
  const running = run(home, args, variables, before);
  await new Promise<void>((resolve, reject) => {
    running.child.stdout?.on('data', () => running.output().includes('Ctrl-C') && resolve());
    void running.ended.then(() => reject(new Error(`It did not start: ${running.output()}`)));
  });
  const file = readServerFile(home);
  if (!file) throw new Error('There is no server.json.');
  return { ...running, ...file, api: client(file.url, file.apiKey) };
}
