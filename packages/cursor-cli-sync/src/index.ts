export { source } from './source.js';
export { transform } from './transform.js';
