import type { Config } from '../../config.js';
import { OpenSyncError } from '../../errors.js';
import { plural } from '../../plural.js';
import type { RawSession } from '../../source.js';
import { findSessions, type SyncOptions, type SyncSummary, syncHistory } from '../../sync.js';
import { printable } from '../format.js';
import { type Account, checkpointsOf, connect, requireAccount, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { startProgress } from '../progress.js';
import type { SelectOptions } from '../select.js';

interface SyncCommandOptions extends SelectOptions {
  dryRun?: boolean;
  force?: boolean;
  all?: boolean;
  concurrency?: string;
  url?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function sync(
  context: CommandContext,
  targets: string[],
  options: SyncCommandOptions,
): Promise<number> {
  const config = settings(context, flagsOf(options));
  const only = await selection(context, targets, options);
  if (options.dryRun === true) {
    const { dryRun } = await import('./dry-run.js');
    return dryRun(context, config, { ...syncOptionsOf(only, options), json: options.json === true });
  }
  return run(context, config, requireAccount(context, config), only, options);
}

function syncOptionsOf(
  only: ((raw: RawSession) => boolean) | undefined,
  { force, all }: SyncCommandOptions,
): SyncOptions {
  return { ...(only && { only }), force: force === true, all: all === true };
}

function flagsOf({ url, concurrency }: SyncCommandOptions): Partial<Config> {
  const flags: Partial<Config> = {};
  if (url !== undefined) flags.convexUrl = url;
  if (concurrency !== undefined) {
    flags.concurrency = Number(concurrency);
    if (!Number.isSafeInteger(flags.concurrency) || flags.concurrency < 1 || flags.concurrency > 32) {
      throw new OpenSyncError('usage', `--concurrency "${concurrency}" is not a whole number from 1 to 32.`);
    }
  }
  return flags;
}

/** Undefined stands for everything, which needs no look at the history beforehand. */
async function selection(
  { source, io }: CommandContext,
  targets: readonly string[],
  options: SyncCommandOptions,
): Promise<((raw: RawSession) => boolean) | undefined> {
  if (targets.length === 0 && options.since === undefined && options.project === undefined) return undefined;
  const { findTargets, select } = await import('../select.js');
  const found = findSessions(source, io.env);
  const named = targets.length === 0 ? found : findTargets(found, targets);
  const selected = await select(source, named, options, io.env.now());
  const ids = new Set(selected.map(({ id }) => id));
  return (raw) => ids.has(raw.id);
}

async function run(
  context: CommandContext,
  config: Config,
  account: Account,
  only: ((raw: RawSession) => boolean) | undefined,
  options: SyncCommandOptions,
): Promise<number> {
  const { source, io } = context;
  const show = options.quiet !== true && options.json !== true;
  const progress = await startProgress(io, show, `Syncing ${source.name}`);
  const notices: string[] = [];
  const summary = await syncHistory(
    {
      source,
      env: io.env,
      config,
      client: () => connect(context, account),
      checkpoints: checkpointsOf(context, account),
    },
    {
      ...syncOptionsOf(only, options),
      onProgress: progress.update,
      onNotice: (text) => notices.push(text),
    },
  );
  progress.stop();
  for (const notice of notices) io.stderr.write(`${source.plugin}: ${printable(notice)}\n`);
  const { stopped, ...counts } = summary;
  if (options.json === true) io.stdout.write(`${JSON.stringify({ schema: 1, ...counts })}\n`);
  else if (options.quiet !== true) io.stdout.write(`${describe(counts)}\n`);
  return exitCode(context, summary, notices);
}

export function describe(counts: Omit<SyncSummary, 'stopped'>): string {
  const { sessions, sessionsSent, messagesSent, unchanged, failed, poison, durationMs } = counts;
  const seconds = (durationMs / 1000).toFixed(1);
  const trouble = [failed > 0 && `${failed} failed`, poison > 0 && `${poison} refused by the server`].filter(
    Boolean,
  );
  const tail = trouble.length > 0 ? `, ${trouble.join(', ')}` : '';
  const sent = `${plural(sessionsSent, 'session')} and ${plural(messagesSent, 'message')}`;
  return `${plural(sessions, 'session')}: sent ${sent}, ${unchanged} unchanged${tail}, in ${seconds} s.`;
}

/** Exit code; says why a run ended early, unless a notice has said the same. */
function exitCode(
  { source, io }: CommandContext,
  { stopped, failed }: SyncSummary,
  notices: readonly string[],
): number {
  if (stopped === undefined) return failed === 0 ? EXIT.ok : EXIT.failed;
  if (!notices.some((notice) => notice.includes(stopped.message))) {
    io.stderr.write(`${source.plugin}: ${stopped.message}\n`);
  }
  io.stderr.write(`${source.plugin}: Nothing is lost: the next sync sends what is missing.\n`);
  return stopped.kind === 'auth' ? EXIT.notSignedIn : EXIT.failed;
}
