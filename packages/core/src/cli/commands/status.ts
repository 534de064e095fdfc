import type { Health } from '../../client.js';
import { loadConfig, maskKey } from '../../config.js';
import { isOpenSyncError, OpenSyncError } from '../../errors.js';
import { plural } from '../../plural.js';
import type { PrivacyLevel } from '../../privacy-setting.js';
import type { Source } from '../../source.js';
import { findSessions, stampOf, versionOf } from '../../sync.js';
import { lastHook, type Mark } from '../../trigger/live-folder.js';
import { dateTime, printableJson } from '../format.js';
import { type Account, accountOf, checkpointsOf, connect, notSignedIn, SOON, settingsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

interface Status {
  schema: 1;
  plugin: string;
  version: string;
  source: string;
  url: string | null;
  /** Masked. */
  apiKey: string | null;
  connected: boolean;
  /** Why not. */
  error: string | null;
  server: string | null;
  /** Server's clock minus ours. */
  skewMs: number | null;
  /** When the server last took something, milliseconds since the Unix epoch. */
  lastSyncAt: number | null;
  /** The last call of a hook: its event, and when. */
  lastHook: Mark | null;
  /** True when the server holds no session, although it has taken some: it was emptied or replaced. */
  serverEmptied: boolean;
  /** By what is noted here, not by asking the server. Subagents are counted with their session. */
  sessions: { found: number; synced: number; waiting: number };
  /** Why sessions wait, when some do. */
  waitingFor: string | null;
  /** How much of a session leaves, and how many projects have a level of their own. */
  privacy: {
    default: PrivacyLevel;
    projects: number;
    /** Sessions that the server got before their level became "off": only it can delete them. */
    sentBefore: number;
  };
}

export async function status(context: CommandContext, options: { json?: boolean }): Promise<number> {
  const { source, io } = context;
  const config = loadConfig(settingsOf({ source, io }));
  const account = accountOf(config, io.env);
  const raws = findSessions(source, io.env);
  const result: Status = {
    schema: 1,
    plugin: source.plugin,
    version: source.version,
    source: source.id,
    url: config.convexUrl ?? null,
    apiKey: config.apiKey === undefined ? null : maskKey(config.apiKey),
    connected: false,
    error: null,
    server: null,
    skewMs: null,
    lastSyncAt: null,
    lastHook: lastHook(source.plugin, io.env) ?? null,
    serverEmptied: false,
    sessions: { found: raws.length, synced: 0, waiting: raws.length },
    waitingFor: null,
    privacy: {
      default: config.privacy?.default ?? 'full',
      projects: config.privacy?.projects?.length ?? 0,
      sentBefore: 0,
    },
  };
  let code: number = EXIT.ok;
  if (account === undefined) {
    result.error = notSignedIn(context, config);
    code = EXIT.notSignedIn;
  } else {
    const checkpoints = checkpointsOf(context, account);
    const complete = checkpoints.complete();
    const stamp = stampOf(source, config);
    const waiting = raws.filter((raw) => complete.get(raw.id)?.version !== versionOf(raw, stamp));
    result.lastSyncAt = Math.round(checkpoints.changedAt() ?? 0) || null;
    result.sessions.waiting = waiting.length;
    result.sessions.synced = raws.length - waiting.length;
    // Of one that waits, such as after a forced sync that failed, nobody has looked at the level yet.
    result.privacy.sentBefore = raws.filter(
      (raw) => complete.get(raw.id)?.sessions === 0 && !waiting.includes(raw) && checkpoints.has(raw.id),
    ).length;
    const health = await check(context, account);
    if (isOpenSyncError(health)) {
      result.error = health.message;
      code = health.kind === 'auth' ? EXIT.notSignedIn : EXIT.failed;
    } else {
      Object.assign(result, { connected: true, server: health.server ?? 'OpenSync', skewMs: health.skewMs });
      result.serverEmptied = health.isEmpty === true && raws.some(({ id }) => checkpoints.has(id));
    }
  }
  if (result.sessions.waiting > 0) result.waitingFor = reasonOf(result, source);
  io.stdout.write(options.json === true ? `${printableJson(result, 2)}\n` : describe(source, result));
  return code;
}

async function check(context: CommandContext, account: Account): Promise<Health | OpenSyncError> {
  const client = await connect(context, account, SOON);
  const answer = await client.checkKey();
  if (answer.success && answer.data !== undefined) return answer.data;
  return new OpenSyncError(answer.kind ?? 'network', answer.error ?? 'The server did not answer.');
}

function reasonOf({ connected }: Status, { plugin, trigger }: Source): string {
  if (!connected) return 'the connection';
  return `${trigger === undefined ? `"${plugin} watch"` : 'the next turn'}, or "${plugin} sync"`;
}

function describe({ name, plugin, trigger }: Source, status: Status): string {
  const connection = status.connected ? `connected (${status.server})` : `not connected: ${status.error}`;
  const emptied = `The server holds no session: it was emptied or replaced. "${plugin} sync --force" sends all again.`;
  const lines = [
    `Server    ${status.url ?? 'none'}`,
    `Key       ${status.apiKey ?? 'none'}`,
    `State     ${connection}`,
    ...(status.serverEmptied ? [`          ${emptied}`] : []),
    `Sessions  ${status.sessions.found} of ${name} on this machine, ${status.sessions.synced} up to date on the server`,
    `Last sync ${status.lastSyncAt === null ? 'never' : dateTime(status.lastSyncAt)}`,
    ...(trigger === undefined && status.lastHook === null
      ? []
      : [`Last hook ${describeHook(status.lastHook)}`]),
    `Privacy   ${describePrivacy(status.privacy)}`,
    ...(status.waitingFor === null
      ? []
      : [`Waiting   ${plural(status.sessions.waiting, 'session')}, for ${status.waitingFor}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function describeHook(hook: Mark | null): string {
  return hook === null ? 'never' : `${dateTime(hook.at)} (${hook.event})`;
}

function describePrivacy({ default: level, projects, sentBefore }: Status['privacy']): string {
  const own = projects === 0 ? '' : `, ${plural(projects, 'project')} with a level of its own`;
  const before =
    sentBefore === 0
      ? ''
      : `. Private now and sent before: ${plural(sentBefore, 'session')}, which only the server can delete`;
  return `${level}${own}${before}`;
}
