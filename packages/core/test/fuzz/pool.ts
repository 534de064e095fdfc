import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Outcome } from './run.js';
import type { FromWorker } from './worker.js';

/** Of V8's old generation: a reader that needs more has no bound. */
const HEAP_MB = 512;
/** Milliseconds. Nothing of this takes a tenth of it on a slow machine. */
const HANG_MS = 120_000;

/** Bytes. */
const MAX_MEMORY = 300e6;

export type Ending = { outcome: Outcome } | { failure: string };

/** Processes with a small heap, which read what is damaged. One that dies is replaced. */
export class Pool {
  private readonly idle: Promise<ChildProcess>[] = [];
  private readonly all = new Set<ChildProcess>();

  /** @param folder with the bundled worker in it, and for everything that is written */
  constructor(
    private readonly packages: string,
    private readonly folder: string,
  ) {}

  async run(seed: number): Promise<Ending> {
    const child = await (this.idle.shift() ?? this.start());
    const output: string[] = [];
    const onError = (data: Buffer) => output.push(String(data));
    child.stderr?.on('data', onError);
    const ending = await runIn(child, seed);
    child.stderr?.off('data', onError);
    if ('failure' in ending) {
      child.kill('SIGKILL');
      const [reason] = output.join('').match(/^.*(?:FATAL ERROR|out of memory).*$/im) ?? [];
      return { failure: [ending.failure, reason].filter(Boolean).join(': ') };
    }
    // Memory that was needed once is kept, and would hide what the next run needs.
    if (ending.outcome.memory > MAX_MEMORY) child.kill('SIGKILL');
    else this.idle.push(Promise.resolve(child));
    return ending;
  }

  async close(): Promise<void> {
    const ends = [...this.all].map((child) => once(child, 'exit'));
    for (const child of this.all) child.kill('SIGKILL');
    await Promise.all(ends);
  }

  private async start(): Promise<ChildProcess> {
    const child = fork(join(this.folder, 'worker.mjs'), [this.packages, this.folder], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      // The bundle lies outside of the repository, and SQLite's driver is no part of it.
      env: { ...process.env, NODE_PATH: join(this.packages, 'core', 'node_modules') },
    });
    this.all.add(child);
    child.once('exit', () => this.all.delete(child));
    await once(child, 'message');
    return child;
  }
}

function runIn(child: ChildProcess, seed: number): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (ending: Ending) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('close', onClose);
      resolve(ending);
    };
    let what = '';
    const timer = setTimeout(() => end({ failure: `${what}: no answer for ${HANG_MS / 1000} s` }), HANG_MS);
    const onMessage = (message: FromWorker) => {
      if ('begun' in message) what = message.begun;
      else if ('outcome' in message) end({ outcome: message.outcome });
      else if ('crashed' in message) end({ failure: message.crashed });
    };
    const onClose = (code: number | null, signal: string | null) =>
      end({ failure: `${what}: the process died (${signal ?? code})` });
    child.on('message', onMessage).on('close', onClose);
    child.send(seed);
  });
}
