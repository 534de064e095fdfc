export type { CheckpointStore } from './checkpoint.js';
export { checkpointFolder, openCheckpoints } from './checkpoint.js';
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
export { nodeEnv } from './env.js';
export * from './plugin.js';
export type { PriceOverrides } from './price-overrides.js';
export type { Cost, CostOptions, PricedCalls, PriceRow } from './pricing.js';
export { addCosts, calculateCost, priceCalls } from './pricing.js';
export type { PrivacyLevel, PrivacySetting, ProjectPrivacy } from './privacy-setting.js';
export { discover } from './read/discover.js';
export type { SyncContext, SyncOptions, SyncSummary } from './sync.js';
export { findSessions, syncFile, syncHistory } from './sync.js';
export type { FollowOptions } from './trigger/follow.js';
export { follow } from './trigger/follow.js';
export type { ApiResponse, SyncMessageData, SyncSessionData } from './types.js';
export { normalizeUrl } from './url.js';
