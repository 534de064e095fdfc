import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { type CheckpointStore, checkpointFolder, openCheckpoints } from '../checkpoint.js';
import type { Client, ClientOptions } from '../client.js';
import {
  type Config,
  configPath,
  earlierConfigPaths,
  type LoadOptions,
  loadConfig,
  resolveConfig,
} from '../config.js';
import { OpenSyncError } from '../errors.js';
import { keepPrivate } from '../private-file.js';
import type { Env } from '../source.js';
import type { SyncContext } from '../sync.js';
import { normalizeUrl } from '../url.js';
import type { CliIo } from './create-cli.js';
import { whereItIsNow } from './local-server.js';
import type { CommandContext } from './program.js';

/** Settings for this command line. What others could read of them, and of what was synced, they cannot any more. */
export function settings({ source, io }: CommandContext, flags: Partial<Config> = {}): Config {
  const files = [configPath({ plugin: source.plugin, env: io.env }), configPath({ env: io.env })];
  const earlier = earlierConfigPaths({ plugin: source.plugin, env: io.env });
  keepPrivate([...files.map(dirname), ...files, ...earlier]);
  return loadConfig({ ...settingsOf({ source, io }), flags });
}

/** Whose settings, and where they may stand. */
export function settingsOf({ source, io }: CommandContext): LoadOptions {
  const { earlierVariables, plugin } = source;
  return { plugin, env: io.env, ...(earlierVariables && { earlierVariables }) };
}

export interface Account {
  url: string;
  apiKey: string;
}

/** The server and key in force; undefined when one of them is missing. */
export function accountOf(config: Config, { home }: Pick<Env, 'home'>): Account | undefined {
  const { convexUrl, apiKey } = config;
  if (convexUrl === undefined || apiKey === undefined) return undefined;
  return whereItIsNow({ url: normalizeUrl(convexUrl), apiKey }, home);
}

/** @throws OpenSyncError `auth` when nobody is signed in */
export function requireAccount(context: CommandContext, config: Config): Account {
  const account = accountOf(config, context.io.env);
  if (account !== undefined) return account;
  throw new OpenSyncError('auth', notSignedIn(context, config));
}

/** In plain words, with the key that was saved for another server than the one in force. */
export function notSignedIn(context: CommandContext, { convexUrl }: Config): string {
  const { withheldKey } = resolveConfig({ ...settingsOf(context), flags: { convexUrl } });
  const place = withheldKey === 'environment' ? 'OPENSYNC_API_KEY' : withheldKey;
  const why = place && ` The key in ${place} belongs to another server than ${convexUrl}.`;
  const how = `Run "${context.source.plugin} login", or set OPENSYNC_URL and OPENSYNC_API_KEY.`;
  return `Not signed in.${why ?? ''} ${how}`;
}

/** What to sync with, by the settings of the moment; undefined when nobody is signed in. */
export function syncContextsOf(context: CommandContext): () => SyncContext | undefined {
  const { source, io } = context;
  let last: { account: Account; client: Promise<Client> } | undefined;
  const connectTo = (account: Account) => {
    if (last?.account.url !== account.url || last.account.apiKey !== account.apiKey) {
      last = { account, client: connect(context, account) };
    }
    return last.client;
  };
  return () => {
    const config = settings(context);
    const account = accountOf(config, io.env);
    if (account === undefined) return undefined;
    const checkpoints = checkpointsOf(context, account);
    return { source, env: io.env, config, checkpoints, client: () => connectTo(account) };
  };
}

/** Loaded when there is something to send: most runs find nothing. */
export async function connect(
  { io }: CommandContext,
  account: Account,
  options: Pick<ClientOptions, 'retries'> = {},
): Promise<Client> {
  const { createClient } = await import('../client.js');
  return createClient({ ...account, ...options, now: io.env.now, ...(io.fetch && { fetch: io.fetch }) });
}

/** For a person who waits for an answer. */
export const SOON = { retries: 1 };

export function checkpointsOf({ source, io }: CommandContext, account: Account): CheckpointStore {
  const folder = checkpointFolder({ env: io.env, sourceId: source.id, ...account });
  return openCheckpoints(folder, io.env.now);
}

/** The program that runs, absolute, whatever link it was started by. */
export function programPath(io: CliIo): string {
  return io.script ?? realpathSync(process.argv[1] ?? '.');
}
