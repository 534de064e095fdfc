export type { CheckpointStore } from './checkpoint.js';
export { checkpointFolder, openCheckpoints } from './checkpoint.js';
export type { Cli, CliIo } from './cli/create-cli.js';
export { createCli } from './cli/create-cli.js';
export type {
  Answer,
  BatchData,
  BatchReceipt,
  Client,
  ClientOptions,
  Health,
  MessageReceipt,
  SessionReceipt,
} from './client.js';
export { createClient, syncBatch, syncMessage, syncSession, testConnection } from './client.js';
export type { Config, ConfigOptions, LoadOptions, ResolvedConfig } from './config.js';
export { clearConfig, configPath, loadConfig, resolveConfig, saveConfig } from './config.js';
export type { SessionDraft } from './draft.js';
export { draftSession, filePart } from './draft.js';
export { nodeEnv } from './env.js';
export type { ErrorKind } from './errors.js';
export { errorCode, errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
export type { PriceOverrides } from './price-overrides.js';
export type { Cost, CostOptions, PricedCalls, PriceRow } from './pricing.js';
export { addCosts, calculateCost, priceCalls } from './pricing.js';
export type { PrivacyLevel, PrivacySetting, ProjectPrivacy } from './privacy-setting.js';
export { partsOf, textOf } from './read/content.js';
export { discover, filesVersion } from './read/discover.js';
export { sessionsByFile } from './read/group.js';
export { readJson } from './read/json.js';
export type { JsonlOptions } from './read/jsonl.js';
export { jsonl, unreadable } from './read/jsonl.js';
export type { RowQueries } from './read/rows.js';
export { sessionsByRow } from './read/rows.js';
export type { ReadDatabase, SqlRow, SqlValue } from './read/sqlite.js';
export { withDatabase } from './read/sqlite.js';
export type { Fields } from './read/values.js';
export { countOf, fieldsOf, listOf, stringOf, timeOf } from './read/values.js';
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
export type { SyncContext, SyncOptions, SyncSummary } from './sync.js';
export { findSessions, syncFile, syncHistory } from './sync.js';
export type { FollowOptions } from './trigger/follow.js';
export { follow } from './trigger/follow.js';
export type {
  ApiCall,
  ApiResponse,
  Location,
  Message,
  Part,
  Problem,
  Role,
  Session,
  SyncMessageData,
  SyncSessionData,
  Uncounted,
  Usage,
} from './types.js';
export { normalizeUrl } from './url.js';
export { addUsage, completionTokens, promptTokens } from './usage.js';
