import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FromWorker, Injected, Job, Result } from './job.js';

/** How a process ended its job. */
export type Ending = { result: Result } | { killed: true } | { crashed: string };

export interface Work {
  pid: number;
  ending: Promise<Ending>;
}

interface Handlers {
  /** A process waits until the shared clock has moved on. */
  onSleep: (ms: number) => void;
  onInjected: (injected: Injected) => void;
}

/** Processes that are ready before they are needed. One that was not killed takes another job. */
export class Pool {
  private readonly idle: Promise<Worker>[] = [];
  private readonly all = new Set<ChildProcess>();

  constructor(
    private readonly script: string,
    ready: number,
  ) {
    for (let n = 0; n < ready; n++) this.idle.push(this.start());
  }

  async run(job: Job, handlers: Handlers): Promise<Work> {
    const worker = await (this.idle.shift() ?? this.start());
    const ending = worker.run(job, handlers).then((result) => {
      if ('killed' in result) this.idle.push(this.start());
      else this.idle.push(Promise.resolve(worker));
      return result;
    });
    return { pid: worker.pid, ending };
  }

  async close(): Promise<void> {
    const ends = [...this.all].map((child) => once(child, 'exit'));
    for (const child of this.all) child.kill('SIGKILL');
    await Promise.all(ends);
  }

  private async start(): Promise<Worker> {
    const child = fork(this.script, {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.all.add(child);
    child.once('exit', () => this.all.delete(child));
    await once(child, 'message');
    return new Worker(child);
  }
}

class Worker {
  readonly pid: number;
  private onInjected: Handlers['onInjected'] = () => undefined;

  constructor(private readonly child: ChildProcess) {
    this.pid = child.pid ?? 0;
    if (child.stdout === null) throw new Error('A worker has no output.');
    createInterface({ input: child.stdout }).on('line', (line) => this.onInjected(JSON.parse(line)));
  }

  run(job: Job, { onSleep, onInjected }: Handlers): Promise<Ending> {
    const { child } = this;
    this.onInjected = onInjected;
    return new Promise((resolve) => {
      const onMessage = (message: FromWorker) => {
        if ('sleep' in message) {
          onSleep(message.sleep);
          // Others get a turn, as they would in the time that this one sleeps.
          setImmediate(() => child.connected && child.send({ awake: message.id }));
        } else if ('done' in message) end({ result: message.done });
        else if ('crashed' in message) end({ crashed: message.crashed });
      };
      // Its output has been read to the end then.
      const onClose = () => end({ killed: true });
      const end = (ending: Ending) => {
        child.off('message', onMessage).off('close', onClose);
        resolve(ending);
      };
      child.on('message', onMessage).on('close', onClose);
      child.send({ job });
    });
  }
}
