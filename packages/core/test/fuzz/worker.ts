import { loadHistories } from './histories.js';
import { type Outcome, Runner } from './run.js';

export type FromWorker = { ready: true } | { begun: string } | { outcome: Outcome } | { crashed: string };

const [packages = '', folder = ''] = process.argv.slice(2);
const runner = new Runner(loadHistories(packages), folder);

function send(message: FromWorker): void {
  process.send?.(message);
}

process.on('message', (seed: number) => {
  try {
    send({ outcome: runner.run(seed, (begun) => send({ begun })) });
  } catch (error) {
    send({ crashed: error instanceof Error ? String(error.stack) : String(error) });
  }
});
process.on('disconnect', () => process.exit());
send({ ready: true });
