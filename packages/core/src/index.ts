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
export { clearConfig, configPath, loadConfig, nodeEnv, resolveConfig, saveConfig } from './config.js';
export type { ErrorKind } from './errors.js';
export { errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
export type { Cost, CostOptions, PricedCalls, PriceOverrides, PriceRow } from './pricing.js';
export { addCosts, calculateCost, priceCalls } from './pricing.js';
export { discover, filesVersion } from './read/discover.js';
export type { JsonlOptions } from './read/jsonl.js';
export { jsonl } from './read/jsonl.js';
export type { Env, FilePattern, FoundFile, Located, Need, RawSession, Source } from './source.js';
export { defineSource } from './source.js';
export type { SyncContext, SyncOptions, SyncSummary } from './sync.js';
export { findSessions, syncFile, syncHistory } from './sync.js';
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
export { completionTokens, promptTokens } from './usage.js';
