export type { SourceFixture, TestSourceOptions } from './test-source.js';
export { testSource } from './test-source.js';
export type { SettingsCase, TriggerTest } from './test-trigger.js';
export { testTrigger } from './test-trigger.js';
