import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeEnv } from './env.js';
import { errorCode, errorMessage, isOpenSyncError, OpenSyncError } from './errors.js';
import { type PriceOverrides, wrongPriceAt } from './price-overrides.js';
import { isPrivacyLevel, type PrivacySetting, wrongPrivacyAt } from './privacy-setting.js';
import { jsonOf } from './read/parse-json.js';
import type { Env } from './source.js';
import { normalizeUrl } from './url.js';
import { writeFileAtomic } from './write-file.js';

/**
 * What a configuration file holds. Checked by hand below: it is read even when there is nothing to do,
 * and a schema library takes longer to load than the rest of such a run. Keys it does not know are kept.
 */
export interface Config {
  /** URL of the server. */
  convexUrl?: string | undefined;
  /** Begins with "osk_". Sent to no other server than the one it was saved with. */
  apiKey?: string | undefined;
  /** How much of a session leaves the machine. Absent means all of it, without secrets. */
  privacy?: PrivacySetting | undefined;
  /** Send the model's thinking too. Absent means no. */
  thinking?: boolean | undefined;
  /** Send what tools answered. Absent means yes. */
  toolResults?: boolean | undefined;
  /** Write the home directory as `~` in what is sent. Absent means yes. */
  hideHome?: boolean | undefined;
  /** Sessions that are sent at the same time, 1 to 32. */
  concurrency?: number | undefined;
  /** Prices that replace or complete the built-in ones. */
  prices?: PriceOverrides | undefined;
}
export type SettingName = keyof Config;

export interface ConfigOptions {
  /** Name of the plugin, e.g. "my-tool-sync". Absent: the configuration shared by all plugins. */
  plugin?: string;
  /** Default: the process's own. */
  env?: Env;
}

export interface LoadOptions extends ConfigOptions {
  /** What the command line says; wins over everything. */
  flags?: Partial<Config>;
  /** Variables that an earlier plugin took server and key from, both or neither. */
  earlierVariables?: EarlierVariables;
}

export interface EarlierVariables {
  convexUrl: string;
  apiKey: string;
}

export interface ResolvedConfig {
  config: Config;
  /** Where each value comes from: `flag`, `environment` or the path of a file. */
  origins: Partial<Record<SettingName, string>>;
  /** Where a key was found that belongs to another server than `convexUrl`, when there is no other. */
  withheldKey?: string;
}

/** A configuration file of this plugin, or of all. */
interface OwnFile extends Config {
  /** Left by `logout`, so that no account of an earlier plugin takes the place of the forgotten one. */
  signedOut?: boolean;
}

/** One place that settings come from. */
interface Layer {
  origin: string;
  values: OwnFile;
}

interface SettingRules {
  /** Completes "must be". */
  expects: string;
  /** Text of a command line to a value; what it cannot read it hands on, for the schema to refuse. */
  parse(text: string): unknown;
  /** Path to what is wrong inside the value, empty for the value itself; undefined when nothing is. */
  wrongAt(value: unknown): string[] | undefined;
}

const BOOLEANS: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

const YES_OR_NO: SettingRules = {
  expects: 'true or false',
  parse: (text) => BOOLEANS[text.toLowerCase()] ?? text,
  wrongAt: unless((value) => typeof value === 'boolean'),
};

const RULES: Record<SettingName, SettingRules> = {
  convexUrl: { expects: 'the URL of an OpenSync server', parse: normalizeUrl, wrongAt: unless(isText) },
  apiKey: {
    expects: 'an API key, a text that begins with "osk_"',
    parse: requireApiKey,
    wrongAt: unless(isText),
  },
  privacy: {
    expects:
      'levels (full, metadata, off) like {"default":"full","projects":[{"path":"~/work/**","level":"off"}]}',
    parse: parseJsonOrText,
    wrongAt: wrongPrivacyAt,
  },
  thinking: YES_OR_NO,
  toolResults: YES_OR_NO,
  hideHome: YES_OR_NO,
  concurrency: {
    expects: 'a whole number from 1 to 32',
    parse: Number,
    wrongAt: unless((value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 32),
  },
  prices: {
    expects: 'US dollars per million tokens by model, like {"my-model":{"input":2.5,"output":10}}',
    parse: parseJsonOrText,
    wrongAt: wrongPriceAt,
  },
};

function unless(accepts: (value: unknown) => boolean): SettingRules['wrongAt'] {
  return (value) => (accepts(value) ? undefined : []);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

/** What holds where nothing is set; the built-in prices stand beside those of `prices`. */
export const DEFAULTS = {
  privacy: { default: 'full' },
  thinking: false,
  toolResults: true,
  hideHome: true,
  concurrency: 4,
} as const satisfies Partial<Config>;

/** The names `config get` and `config set` know. */
export const SETTING_NAMES = Object.keys(RULES) as SettingName[];

/** Text for a key that cannot be one. */
export const INVALID_KEY_FORMAT =
  'Invalid API key format. A key begins with "osk_"; copy it whole from the settings of your OpenSync server.';

/** Where earlier plugins for OpenSync kept server and key: of this name, and of all names. */
export function earlierConfigPaths({ plugin, env = nodeEnv() }: ConfigOptions = {}): string[] {
  const own = plugin === undefined ? [] : [join(env.home, '.config', plugin, 'config.json')];
  return [...own, join(env.home, '.opensync', 'credentials.json')];
}

/** The file that holds a plugin's configuration, or the shared one; it need not exist. */
export function configPath({ plugin = 'opensync', env = nodeEnv() }: ConfigOptions = {}): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(plugin)) {
    throw new OpenSyncError('usage', `"${plugin}" cannot be the name of a plugin.`);
  }
  return join(env.home, `.${plugin}`, 'config.json');
}

/**
 * The settings in force: flags, then environment, then the plugin's file, then the shared file.
 * @throws OpenSyncError `config` when a file is broken or a URL cannot be used
 */
export function loadConfig(options: LoadOptions = {}): Config {
  return resolveConfig(options).config;
}

/**
 * Like `loadConfig`, and tells where each value comes from.
 *
 * Every setting is looked up by itself, but for the key: a key belongs to the server that its own place
 * or the next one below names, and is used with no other. So whoever can set a URL (a project's
 * environment, a flag in a copied command) does not get a key that was saved for another server.
 */
export function resolveConfig(options: LoadOptions = {}): ResolvedConfig {
  const layers = readLayers(options);
  const config: Config = {};
  const origins: ResolvedConfig['origins'] = {};
  for (const name of SETTING_NAMES) {
    const layer = name === 'apiKey' ? undefined : layers.find(({ values }) => values[name] !== undefined);
    if (layer === undefined) continue;
    Object.assign(config, { [name]: layer.values[name] });
    origins[name] = layer.origin;
  }
  addDefaultLevel(options, config, origins);
  if (config.convexUrl !== undefined) config.convexUrl = usableUrl(config.convexUrl, origins.convexUrl);
  const key = layers.find((layer, index) => isKeyFor(config.convexUrl, layer, layers.slice(index)));
  if (key !== undefined) {
    config.apiKey = key.values.apiKey;
    origins.apiKey = key.origin;
    return { config, origins };
  }
  const withheld = layers.find(({ values }) => values.apiKey !== undefined);
  return { config, origins, ...(withheld && { withheldKey: withheld.origin }) };
}

function readLayers(options: LoadOptions): Layer[] {
  const own = ownLayers(options);
  return [...own, ...(own.some(isDecided) ? [] : earlierLayer(options))];
}

/** Where the account of an earlier plugin stands that is in force; undefined when there is none. */
export function earlierOrigin(options: LoadOptions): string | undefined {
  return ownLayers(options).some(isDecided) ? undefined : earlierLayer(options)[0]?.origin;
}

function ownLayers({ plugin, env = nodeEnv(), flags = {} }: LoadOptions): Layer[] {
  const files = new Set([configPath({ plugin, env }), configPath({ env })]);
  const { OPENSYNC_URL: convexUrl, OPENSYNC_API_KEY: apiKey } = env.vars;
  return [
    { origin: 'flag', values: withoutBlanks(flags) },
    { origin: 'environment', values: withoutBlanks({ convexUrl, apiKey }) },
    ...Array.from(files, (path) => ({ origin: path, values: withoutBlanks(readConfigFile(path)) })),
  ];
}

/** Whether somebody has signed in here, or out, or has begun to: then no earlier account counts. */
function isDecided({ values: { convexUrl, apiKey, signedOut } }: Layer): boolean {
  return convexUrl !== undefined || apiKey !== undefined || signedOut === true;
}

/** The first account that an earlier plugin left, as a whole, with the settings beside it. */
function earlierLayer({ plugin, env = nodeEnv(), earlierVariables }: LoadOptions): Layer[] {
  const layers = [
    { origin: 'environment', values: earlierAccount(env, earlierVariables) },
    ...earlierConfigPaths({ plugin, env }).map((path) => ({ origin: path, values: readEarlierConfig(path) })),
  ];
  return layers.filter(({ values }) => values.apiKey !== undefined).slice(0, 1);
}

/** `OPENSYNC_PRIVACY` says what holds where no project decides; which projects there are is the files' business. */
function addDefaultLevel(
  { env = nodeEnv(), flags }: LoadOptions,
  config: Config,
  origins: ResolvedConfig['origins'],
): void {
  const level = env.vars.OPENSYNC_PRIVACY?.trim();
  if (!level || flags?.privacy !== undefined) return;
  if (!isPrivacyLevel(level)) {
    throw new OpenSyncError('config', `OPENSYNC_PRIVACY must be full, metadata or off, and is "${level}".`);
  }
  const projects = config.privacy?.projects;
  config.privacy = { default: level, ...(projects && { projects }) };
  origins.privacy = projects === undefined ? 'environment' : `environment, ${origins.privacy}`;
}

/** An empty URL or key is none: `OPENSYNC_URL= command` switches the variable off. */
function withoutBlanks(values: OwnFile): OwnFile {
  const { convexUrl, apiKey } = values;
  return { ...values, convexUrl: convexUrl?.trim() || undefined, apiKey: apiKey?.trim() || undefined };
}

/** Whether a layer has a key for this server. `below` begins with the layer itself. */
function isKeyFor(url: string | undefined, layer: Layer, below: Layer[]): boolean {
  if (layer.values.apiKey === undefined) return false;
  const own = below.find(({ values }) => values.convexUrl !== undefined)?.values.convexUrl;
  if (own !== undefined) return comparableUrl(own) === url;
  // A variable set for this run and a URL given as a flag mean each other; a file that names no server does not.
  return url === undefined || layer.origin === 'environment';
}

function comparableUrl(url: string): string {
  try {
    return normalizeUrl(url);
  } catch (error) {
    // Never in use, only compared: a URL that cannot be used equals no other.
    if (isOpenSyncError(error)) return url;
    throw error;
  }
}

function usableUrl(url: string, origin = ''): string {
  try {
    return normalizeUrl(url);
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    const place = { flag: 'the command line', environment: 'OPENSYNC_URL' }[origin] ?? origin;
    throw new OpenSyncError(error.kind, `${error.message} (from ${place})`, { cause: error });
  }
}

/** Contents of a configuration file, `{}` when there is none. */
function readConfigFile(path: string): OwnFile {
  const text = readTextFile(path);
  if (text === undefined) return {};
  const content = parseConfigJson(path, text);
  if (isSettings(content)) return content;
  const problems = problemsOf(content).join('; ');
  throw new OpenSyncError(
    'config',
    `${path}: ${problems}. Correct the file, or delete it and sign in again.`,
  );
}

function earlierAccount({ vars }: Env, names: EarlierVariables | undefined): Config {
  return names === undefined ? {} : usableAccount(vars[names.convexUrl], vars[names.apiKey]);
}

/** Nothing when one is missing, or the server cannot be one: what is somebody else's is no reason to stop. */
function usableAccount(convexUrl: unknown, apiKey: unknown): Config {
  if (typeof convexUrl !== 'string' || typeof apiKey !== 'string' || apiKey.trim() === '') return {};
  try {
    return { convexUrl: normalizeUrl(convexUrl), apiKey: apiKey.trim() };
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    return {};
  }
}

function readEarlierConfig(path: string): Config {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const { convexUrl, apiKey, syncThinking, syncToolCalls } = content;
    return {
      ...usableAccount(convexUrl, apiKey),
      ...(syncThinking === true && { thinking: true }),
      ...(syncToolCalls === false && { toolResults: false }),
    };
  } catch (error) {
    if (errorCode(error) === undefined && !(error instanceof SyntaxError || error instanceof TypeError))
      throw error;
    return {};
  }
}

function isSettings(content: unknown): content is OwnFile {
  return problemsOf(content).length === 0;
}

/** What is wrong and where, without the values. */
function problemsOf(content: unknown): string[] {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return ['the file must hold a JSON object'];
  }
  return Object.entries(content).flatMap(([name, value]) => {
    const wrongAt = isSettingName(name) && value !== undefined ? RULES[name].wrongAt(value) : undefined;
    if (!isSettingName(name) || wrongAt === undefined) return [];
    const detail = wrongAt.length === 0 ? '' : ` (see "${[name, ...wrongAt].join('.')}")`;
    return [`"${name}" must be ${RULES[name].expects}${detail}`];
  });
}

function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    const reason = errorCode(cause) ?? errorMessage(cause);
    const message = `Cannot read ${path} (${reason}). It must be a file that you may read.`;
    throw new OpenSyncError('config', message, { cause });
  }
}

function parseConfigJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // Neither the parser's message nor the error as a cause: it quotes the file, which holds the key.
    const position = /position (\d+)/.exec(errorMessage(error))?.[1];
    const place = position === undefined ? '' : ` (${lineAndColumn(text, Number(position))})`;
    const message = `${path} is not valid JSON${place}. Correct the file, or delete it and sign in again.`;
    throw new OpenSyncError('config', message);
  }
}

function lineAndColumn(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function isSettingName(name: unknown): name is SettingName {
  return typeof name === 'string' && Object.hasOwn(RULES, name);
}

/**
 * Replaces the plugin's file (or the shared one) by exactly this. Readable by its owner alone.
 * @throws OpenSyncError `config` when it cannot be written
 */
export function saveConfig(config: Config, options: ConfigOptions = {}): void {
  const path = configPath(options);
  try {
    writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
  } catch (cause) {
    throw fileFailure('write', path, cause);
  }
}

/**
 * Changes some settings of one file and keeps the rest; `undefined` removes a setting. Another server
 * without a new key also removes the key, which belongs to the server that was there before.
 * @returns what the file now holds
 */
export function updateConfig(patch: Partial<Config>, options: ConfigOptions = {}): Config {
  const { signedOut, ...old } = readConfigFile(configPath(options));
  const updated: OwnFile = { ...old, ...patch };
  if (signedOut !== undefined && patch.convexUrl === undefined) updated.signedOut = signedOut;
  const moved =
    patch.convexUrl !== undefined &&
    old.convexUrl !== undefined &&
    comparableUrl(patch.convexUrl) !== comparableUrl(old.convexUrl);
  if (moved && patch.apiKey === undefined) delete updated.apiKey;
  saveConfig(updated, options);
  return updated;
}

/** Deletes the plugin's file, or the shared one when no plugin is named. Fine when there is none. */
export function clearConfig(options: ConfigOptions = {}): void {
  const path = configPath(options);
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw fileFailure('delete', path, cause);
  }
}

function fileFailure(action: string, path: string, cause: unknown): OpenSyncError {
  const reason = errorCode(cause) ?? errorMessage(cause);
  const message = `Cannot ${action} ${path} (${reason}). Check the permissions of its folder.`;
  return new OpenSyncError('config', message, { cause });
}

/**
 * `config set`: a setting's name and its text to a patch for `updateConfig`.
 * @throws OpenSyncError `usage` for an unknown name or a wrong value, `config` for an unusable URL
 */
export function parseSetting(name: string, text: string): Partial<Config> {
  if (!isSettingName(name)) {
    throw new OpenSyncError('usage', `Unknown setting "${name}". Known are ${SETTING_NAMES.join(', ')}.`);
  }
  const patch: unknown = { [name]: RULES[name].parse(text.trim()) };
  if (isSettings(patch)) return patch;
  throw new OpenSyncError('usage', `${problemsOf(patch).join('; ')}.`);
}

function parseJsonOrText(text: string): unknown {
  const value = jsonOf(text);
  return value === undefined ? text : value;
}

/** Whether a text can be a key; whether it is one only the server knows. */
export function isApiKey(text: string): boolean {
  return /^osk_[\x21-\x7e]+$/.test(text);
}

function requireApiKey(text: string): string {
  if (!isApiKey(text)) throw new OpenSyncError('usage', INVALID_KEY_FORMAT);
  return text;
}

/** A key as it may be shown: its first 6 and last 2 characters; nothing of one that is too short for that. */
export function maskKey(key: string): string {
  return key.length < 16 ? '…' : `${key.slice(0, 6)}…${key.slice(-2)}`;
}
