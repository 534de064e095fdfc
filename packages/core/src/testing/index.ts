export type { SourceFixture, TestSourceOptions } from './test-source.js';
export { testSource } from './test-source.js';
