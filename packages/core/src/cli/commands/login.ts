import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  configPath,
  earlierOrigin,
  loadConfig,
  saveConfig,
  updateConfig,
} from '../../config.js';
import { errorCode, errorMessage, OpenSyncError } from '../../errors.js';
import { recordPath } from '../../trigger/setup-record.js';
import { isLoopback, normalizeUrl } from '../../url.js';
import type { CliIo } from '../create-cli.js';
import { localServer } from '../local-server.js';
import { type Account, connect, SOON, settingsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

interface LoginOptions {
  url?: string;
  apiKey?: string;
  local?: boolean;
  only?: boolean;
}

export async function login(context: CommandContext, options: LoginOptions): Promise<number> {
  const { source, io } = context;
  const account = await askAccount(context, options);
  const client = await connect(context, account, SOON);
  const answer = await client.checkKey();
  if (!answer.success) {
    const why = answer.error ?? 'The server did not answer.';
    const ended = `The embedded server of this machine has ended: nothing answers at ${account.url}, where it was last. Start it with ${HOW_TO_START}, then run this again.`;
    const isLocal =
      isLoopback(new URL(account.url).hostname) && localServer(io.env.home)?.url === account.url;
    const isGone = isLocal && answer.kind === 'network';
    throw new OpenSyncError(answer.kind ?? 'network', isGone ? ended : why);
  }
  const place = options.only === true ? { plugin: source.plugin, env: io.env } : { env: io.env };
  keepBack(context);
  updateConfig({ convexUrl: account.url, apiKey: account.apiKey }, place);
  // Settings of this plugin alone would win over what was just saved for all.
  if (options.only !== true) forgetAccount({ plugin: source.plugin, env: io.env });
  const scope = options.only === true ? source.plugin : 'all OpenSync plugins';
  io.stdout.write(`Signed in to ${account.url} for ${scope} (${configPath(place)}).\n`);
  io.stdout.write(
    `Next: "${source.plugin} ${source.trigger === undefined ? 'watch' : 'setup'}" for every turn from now on, "${source.plugin} sync" for what there is.\n`,
  );
  return EXIT.ok;
}

const HOW_TO_START = '"opensync-server", or "npm start" in its repository';

async function askAccount(context: CommandContext, options: LoginOptions): Promise<Account> {
  const { io } = context;
  if (options.local === true) {
    if (options.url !== undefined || options.apiKey !== undefined) {
      throw new OpenSyncError(
        'usage',
        '--local finds the server and its key by itself: leave out --url and --api-key.',
      );
    }
    const local = localServer(io.env.home);
    if (local !== undefined) return local;
    const where = join(io.env.home, '.opensync', 'server.json');
    throw new OpenSyncError(
      'config',
      `No embedded server was started on this machine (${where} is missing). Run ${HOW_TO_START}.`,
    );
  }
  if (options.url !== undefined && options.apiKey !== undefined) {
    const apiKey = options.apiKey === '-' ? await readAll(io.stdin) : options.apiKey;
    return { url: normalizeUrl(options.url), apiKey: apiKey.trim() };
  }
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    throw new OpenSyncError('usage', 'Without a terminal, login needs --url and --api-key, or --local.');
  }
  return ask(io, options);
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

async function ask(io: CliIo, options: LoginOptions): Promise<Account> {
  const { confirm, isCancel, password, text } = await import('@clack/prompts');
  const answer = <T>(value: T): Exclude<T, symbol> => {
    if (isCancel(value)) throw new OpenSyncError('usage', 'Cancelled. Nothing was changed.');
    return value as Exclude<T, symbol>;
  };
  const local = options.url === undefined ? localServer(io.env.home) : undefined;
  if (local !== undefined && answer(await confirm({ message: `Use the embedded server at ${local.url}?` })))
    return local;
  const url =
    options.url ??
    answer(
      await text({
        message: 'OpenSync URL',
        placeholder: 'https://your-app.convex.site',
        validate: urlProblem,
      }),
    );
  const apiKey = answer(await password({ message: 'API key (osk_...)' }));
  return { url: normalizeUrl(url), apiKey: apiKey.trim() };
}

function urlProblem(text: string | undefined): string | undefined {
  try {
    normalizeUrl(text ?? '');
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

export async function logout({ source, io }: CommandContext): Promise<number> {
  const earlier = earlierOrigin(settingsOf({ source, io })) !== undefined;
  keepBack({ source, io });
  const place = { plugin: source.plugin, env: io.env };
  const own = forgetAccount(place);
  const shared = forgetAccount({ env: io.env });
  // The file of an earlier plugin is not ours to change.
  if (earlier) saveConfig({ ...ownSettings(place), ...SIGNED_OUT }, place);
  if (!own && !shared && !earlier) io.stdout.write('Nobody was signed in.\n');
  else io.stdout.write(shared ? 'Signed out, for all OpenSync plugins.\n' : 'Signed out.\n');
  if (existsSync(recordPath(source.plugin, io.env)))
    io.stdout.write(
      `${source.name} still calls ${source.plugin}: "${source.plugin} setup --remove" ends that.\n`,
    );
  return EXIT.ok;
}

const SIGNED_OUT = { signedOut: true };

/** What an earlier plugin was told not to send stays here, although its file does not count from now on. */
function keepBack({ source, io }: CommandContext): void {
  const options = settingsOf({ source, io });
  if (earlierOrigin(options) === undefined || loadConfig(options).toolResults !== false) return;
  updateConfig({ toolResults: false }, { plugin: source.plugin, env: io.env });
}

/** Takes server and key out of one file. False when they were not in it. */
function forgetAccount(place: { plugin?: string; env: CliIo['env'] }): boolean {
  const { convexUrl, apiKey, ...rest }: Config = ownSettings(place);
  if (convexUrl === undefined && apiKey === undefined) return false;
  saveConfig({ ...rest, ...SIGNED_OUT }, place);
  return true;
}

/** What stands in one file, whatever the environment and the shared file say. */
function ownSettings(place: { plugin?: string; env: CliIo['env'] }): Config {
  try {
    return JSON.parse(readFileSync(configPath(place), 'utf8')) as Config;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    // Names the file and how to mend it.
    loadConfig(place);
    throw error;
  }
}
