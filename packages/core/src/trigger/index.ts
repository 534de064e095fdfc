/*
 * What a plugin's `trigger.ts` needs. Not part of the entry for plugins: only `setup` and `doctor` load it,
 * and the parser with it.
 */
export { callsItself, commandLine, hookIndex, runsHook } from './command-line.js';
export { findProgram } from './find-program.js';
export type { HooksFileOptions } from './hooks-file.js';
export { hooksFile } from './hooks-file.js';
export { inspectSettings } from './inspect.js';
export type { JsonMember, JsonNode, JsonRules } from './json-text.js';
export {
  appendValue,
  behindBom,
  documentOf,
  elementsOf,
  isBlank,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  removeValue,
  replaceValue,
  withoutBom,
} from './json-text.js';
