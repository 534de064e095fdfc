import { start } from '../harness/start.mjs';

await start(import.meta.dirname, 'fuzz', { runs: 4_000, atOnce: 2 });
