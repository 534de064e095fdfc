import { start } from '../harness/start.mjs';

await start(import.meta.dirname, 'faults', { runs: 2_000, atOnce: 4 });
