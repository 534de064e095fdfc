import type { CliIo } from './create-cli.js';

interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** A bar on a terminal, a line now and then elsewhere, nothing when it is not to be shown. */
export async function startProgress(io: CliIo, show: boolean, title: string): Promise<Progress> {
  if (!show) return { update: () => undefined, stop: () => undefined };
  return io.stderr.isTTY === true ? startBar(io, title) : startLines(io, title);
}

async function startBar(io: CliIo, title: string): Promise<Progress> {
  const { progress } = await import('@clack/prompts');
  let bar: ReturnType<typeof progress> | undefined;
  let shown = 0;
  return {
    update(done, total) {
      if (bar === undefined) {
        bar = progress({ max: total, output: io.stderr as NodeJS.WriteStream });
        bar.start(title);
      }
      bar.advance(done - shown, `${title}: ${done} of ${total}`);
      shown = done;
    },
    stop: () => bar?.stop(title),
  };
}

/** Lines for a log: one at each tenth of a long run. */
const LONG_RUN = 200;

function startLines(io: CliIo, title: string): Progress {
  return {
    update(done, total) {
      const step = Math.ceil(total / 10);
      if (total >= LONG_RUN && done % step === 0) io.stderr.write(`${title}: ${done} of ${total}\n`);
    },
    stop: () => undefined,
  };
}
