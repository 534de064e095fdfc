/*
 * What a plugin needs when it starts, and nothing else: the main entry loads prices, schemas and the
 * client as well, which takes longer than a sync with nothing to do.
 */
export type { Cli, CliIo } from './cli/create-cli.js';
export { createCli } from './cli/create-cli.js';
export type { SessionDraft } from './draft.js';
export { draftSession, filePart } from './draft.js';
export type { ErrorKind } from './errors.js';
export { errorCode, errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
export { plural } from './plural.js';
export { partsOf, textOf, withoutElements } from './read/content.js';
export { filesVersion } from './read/discover.js';
export { sessionsByFile } from './read/group.js';
export { readJson } from './read/json.js';
export type { JsonlOptions } from './read/jsonl.js';
export { firstRecord, jsonl, unreadable } from './read/jsonl.js';
export type { Parsed } from './read/parse-json.js';
export { parseJson } from './read/parse-json.js';
export type { RowQueries } from './read/rows.js';
export { sessionsByRow } from './read/rows.js';
export type { ReadDatabase, SqlRow, SqlValue } from './read/sqlite.js';
export { withDatabase } from './read/sqlite.js';
export type { Fields } from './read/values.js';
export { countOf, fieldsOf, isFields, listOf, stringOf, timeOf } from './read/values.js';
export type {
  Env,
  FilePattern,
  Finding,
  FoundFile,
  HookCommand,
  Located,
  Need,
  RawSession,
  SettingsFile,
  Source,
  Trigger,
} from './source.js';
export { defineSource } from './source.js';
export type {
  ApiCall,
  Location,
  Message,
  Part,
  Problem,
  Role,
  Session,
  Uncounted,
  Usage,
} from './types.js';
export type { NotedTokens } from './usage.js';
export { addUsage, completionTokens, mainModel, promptTokens, usageOf } from './usage.js';
