import { mkdirSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { appendPrivate } from '../private-file.js';
import { logFile, logIfPossible } from './log.js';
import { becomeStarter, type Start, spawnOfNode20, startWith } from './start.js';
import { wake } from './wake.js';

export { type Start, startWith } from './start.js';
export { type Wake, wake } from './wake.js';

/*
 * The program that a tool starts when something happened and that it waits for: `hook.cjs <plugin>
 * <event>`. It is bundled by itself, as CommonJS of Node's own modules alone (docs/live.md). It always
 * exits with 0, within a second, and prints what the tool demands and nothing else.
 */

export interface HookOptions {
  plugin: string;
  /** Names of the environment variables that choose which history is meant, such as the tool's own home. */
  names?: readonly string[];
  /** What the tool wants to read on stdout. */
  output?: string;
  /** For a tool whose payload holds what its history does not: what to remember of it, and where. */
  record?: {
    /** Name of a file in `~/.<plugin>`, a line for each payload. */
    file: string;
    /** The line, without what nobody needs; undefined when there is nothing to remember. Never throws. */
    line(payload: string, now: number): string | undefined;
  };
}

/** A payload is a few KB; whoever sends more has nothing to tell us. */
const MAX_PAYLOAD_BYTES = 1 << 20;
/** A tool that keeps its end of the pipe open must not keep us. */
const MAX_WAIT_MS = 500;

export async function runHook(options: HookOptions): Promise<void> {
  const [, event = 'hook', ...rest] = process.argv.slice(2);
  const { output, record, plugin } = options;
  if (output !== undefined) attempt(options, event, () => writeSync(1, output));
  // The program that had this place before, with the arguments that the tool would have given it.
  if (rest[0] === '--') attempt(options, event, () => startProgram(rest.slice(1)));
  const payload = record === undefined ? '' : await readPayload();
  if (record !== undefined) attempt(options, event, () => remember(record, plugin, payload));
  attempt(options, event, () =>
    wake({
      plugin,
      home: homedir(),
      vars: process.env,
      names: options.names ?? [],
      runtime: process.execPath,
      cli: join(__dirname, 'cli.js'),
      event,
      start: startWorker,
    }),
  );
  // Standard input may still be open, and the loop must not wait for it.
  process.exit(0);
}

/** One step; what goes wrong in it is written down and is no reason to leave out the next one. */
function attempt({ plugin }: HookOptions, event: string, step: () => unknown): void {
  try {
    step();
  } catch (error) {
    complain(plugin, `${event}: ${error}`);
  }
}

const spawnOther = startWith(
  () => (require('node:child_process') as typeof import('node:child_process')).spawn,
);

const startWorker: Start = (...worker) => (becomeStarter() ?? spawnOfNode20() ?? spawnOther)(...worker);

function startProgram([program, ...args]: string[]): void {
  if (program !== undefined) spawnOther(program, args, process.env);
}

function remember({ file, line }: NonNullable<HookOptions['record']>, plugin: string, payload: string) {
  const kept = line(payload, Date.now());
  if (kept === undefined) return;
  const path = join(homedir(), `.${plugin}`, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  appendPrivate(path, `${kept}\n`);
}

/** Standard input up to its end, or what came of it in the time there is. */
function readPayload(): Promise<string> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = () => done(Buffer.concat(chunks).toString('utf8'));
    const timer = setTimeout(finish, MAX_WAIT_MS);
    const end = () => {
      clearTimeout(timer);
      finish();
    };
    process.stdin.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_PAYLOAD_BYTES) end();
    });
    process.stdin.on('end', end);
    process.stdin.on('error', end);
  });
}

/** Without a home directory there is nowhere to write, and nobody to tell. */
function complain(plugin: string, text: string): void {
  try {
    logIfPossible(logFile(homedir(), plugin), text);
  } catch {
    process.exitCode = 0;
  }
}
