export { source } from './source.js';
export { transform } from './transform.js';
export { keep } from './usage-record.js';
