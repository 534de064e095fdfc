import { type CheckpointStore, checkpointFolder, openCheckpoints } from '../checkpoint.js';
import { type Config, loadConfig } from '../config.js';
import { OpenSyncError } from '../errors.js';
import { normalizeUrl } from '../url.js';
import type { CommandContext } from './program.js';

/** Settings for this command line. */
export function settings({ source, io }: CommandContext, flags: Partial<Config> = {}): Config {
  return loadConfig({ plugin: source.plugin, env: io.env, flags });
}

export interface Account {
  url: string;
  apiKey: string;
}

/** The server and key in force; undefined when one of them is missing. */
export function accountOf(config: Config): Account | undefined {
  const { convexUrl, apiKey } = config;
  return convexUrl === undefined || apiKey === undefined
    ? undefined
    : { url: normalizeUrl(convexUrl), apiKey };
}

/** @throws OpenSyncError `auth` when nobody is signed in */
export function requireAccount({ source }: CommandContext, config: Config): Account {
  const account = accountOf(config);
  if (account !== undefined) return account;
  const how = `Run "${source.plugin} login", or set OPENSYNC_URL and OPENSYNC_API_KEY.`;
  throw new OpenSyncError('auth', `Not signed in. ${how}`);
}

export function checkpointsOf({ source, io }: CommandContext, account: Account): CheckpointStore {
  const folder = checkpointFolder({ env: io.env, sourceId: source.id, ...account });
  return openCheckpoints(folder, io.env.now);
}
