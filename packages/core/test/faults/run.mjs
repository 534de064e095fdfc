import { start } from '../harness/start.mjs';

await start(import.meta.dirname, 'faults');
