import { execFile } from 'node:child_process';
import { readFileSync, statfsSync, statSync } from 'node:fs';
import type { Health } from '../../client.js';
import { type Config, configPath, maskKey, resolveConfig } from '../../config.js';
import { errorMessage, isOpenSyncError } from '../../errors.js';
import { plural } from '../../plural.js';
import { jsonl } from '../../read/jsonl.js';
import { readSessions } from '../../session.js';
import type { Finding, HookCommand, RawSession, Trigger } from '../../source.js';
import { findSessions, stampOf, versionOf } from '../../sync.js';
import { findProgram } from '../../trigger/find-program.js';
import { lastHook } from '../../trigger/live-folder.js';
import { logFile } from '../../trigger/log.js';
import { dateTime, printable, printableJson } from '../format.js';
import { hookCommand } from '../hook-command.js';
import { isNewer } from '../newer-version.js';
import { accountOf, checkpointsOf, connect, SOON, settingsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

/** A finding, and what part of the setup it is about. */
interface Report extends Finding {
  about: string;
}

const ok = (about: string, text: string): Report => ({ about, level: 'ok', text });
const warning = (about: string, text: string, remedy: string): Report => ({
  about,
  level: 'warning',
  text,
  remedy,
});
const failure = (about: string, text: string, remedy: string): Report => ({
  about,
  level: 'error',
  text,
  remedy,
});

/** Says in plain words whether everything works, and what to do where it does not. Changes nothing. */
export async function doctor(context: CommandContext, options: { json?: boolean }): Promise<number> {
  const reports = await examine(context);
  const { io, source } = context;
  if (options.json === true) {
    io.stdout.write(`${printableJson({ schema: 1, plugin: source.plugin, findings: reports }, 2)}\n`);
  } else {
    io.stdout.write(reports.map(describe).join(''));
    const troubles = reports.filter(({ level }) => level !== 'ok').length;
    io.stdout.write(troubles === 0 ? '\nEverything works.\n' : `\n${troubles} to look at.\n`);
  }
  return reports.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
}

const SIGNS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' };

function describe({ level, about, text, remedy }: Report): string {
  const indent = ' '.repeat(SIGNS.ok.length + 2);
  return `${SIGNS[level]}  ${about}: ${printable(text)}\n${remedy === undefined ? '' : `${indent}${printable(remedy)}\n`}`;
}

async function examine(context: CommandContext): Promise<Report[]> {
  const { source, io } = context;
  const raws = findSessions(source, io.env);
  const server = await checkServer(context, raws);
  const isReachable = server.every(({ level }) => level !== 'error');
  return [
    ...server,
    ...checkPermissions(context),
    ...checkDisk(context),
    ...(await checkTrigger(context)),
    ...checkHistory(context, raws),
    ...(await checkFormat(context, raws)),
    ...checkState(context, raws, isReachable),
  ];
}

/** Clocks so far apart date messages visibly wrong. */
const MAX_SKEW_MS = 60_000;

async function checkServer(context: CommandContext, raws: readonly RawSession[]): Promise<Report[]> {
  const { source, io } = context;
  const login = `Run "${source.plugin} login".`;
  let config: Config;
  try {
    const resolved = resolveConfig(settingsOf(context));
    config = resolved.config;
    if (resolved.withheldKey !== undefined && config.apiKey === undefined) {
      return [failure('sign-in', `the key in ${resolved.withheldKey} belongs to another server`, login)];
    }
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    return [failure('settings', error.message, 'Correct the file, or delete it and sign in again.')];
  }
  const account = accountOf(config, io.env);
  if (account === undefined) return [failure('sign-in', 'nobody is signed in', login)];
  const client = await connect(context, account, SOON);
  const answer = await client.checkKey();
  if (!answer.success || answer.data === undefined) {
    const remedy =
      answer.kind === 'auth'
        ? login
        : `Check that ${account.url} is right and running. Nothing is lost meanwhile: what is missing is sent later.`;
    return [failure('server', answer.error ?? 'no answer', remedy)];
  }
  const checkpoints = checkpointsOf({ source, io }, account);
  const isEmptied = answer.data.isEmpty === true && raws.some(({ id }) => checkpoints.has(id));
  return [
    ok('sign-in', `${account.url} accepts the key ${maskKey(account.apiKey)}`),
    isEmptied
      ? warning(
          'server',
          'it holds no session, although some were sent: it was emptied or replaced',
          `Run "${source.plugin} sync --force", which sends all again.`,
        )
      : ok('server', kindOf(answer.data)),
    ...checkClock(answer.data),
  ];
}

function kindOf({ server, version, capabilities }: Health): string {
  if (server === undefined) return 'OpenSync, hosted; it takes a new message after 5 seconds';
  return `${server} ${version ?? ''}${capabilities.includes('immediate-updates') ? ', takes messages at once' : ''}`;
}

function checkClock({ skewMs }: Health): Report[] {
  const seconds = Math.round(skewMs / 1000);
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return [ok('clock', `${Math.abs(seconds)} s apart from the server's`)];
  const text = `${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} the server's`;
  return [
    warning('clock', text, 'Set the clock of this machine; times of messages are shown as it tells them.'),
  ];
}

/** Of the files that hold a key. */
function checkPermissions({ source, io }: CommandContext): Report[] {
  if (process.platform === 'win32') return [];
  const paths = [configPath({ plugin: source.plugin, env: io.env }), configPath({ env: io.env })];
  return paths.flatMap((path) => {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    if (mode === undefined) return [];
    if ((mode & 0o077) === 0) return [ok('permissions', `${path} is readable by you alone`)];
    return [warning('permissions', `${path} holds a key and others may read it`, `Run: chmod 600 '${path}'`)];
  });
}

const LEAST_FREE_BYTES = 100e6;

function checkDisk({ io }: CommandContext): Report[] {
  if (statSync(io.env.home, { throwIfNoEntry: false }) === undefined) {
    return [failure('disk', `the home directory ${io.env.home} does not exist`, 'Set HOME to yours.')];
  }
  const { bavail, bsize } = statfsSync(io.env.home);
  const megabytes = Math.floor((bavail * bsize) / 1e6);
  if (bavail * bsize >= LEAST_FREE_BYTES) return [ok('disk', `${megabytes} MB free`)];
  return [
    warning(
      'disk',
      `only ${megabytes} MB free where ${io.env.home} lies`,
      'Free some: without room, what was sent cannot be noted and is sent again.',
    ),
  ];
}

async function checkTrigger(context: CommandContext): Promise<Report[]> {
  const { source, io } = context;
  if (source.trigger === undefined) {
    return [ok('hooks', `${source.plugin} has none; "${source.plugin} watch" keeps the server up to date`)];
  }
  const trigger = await source.trigger();
  const hook = hookCommand(context);
  const isInstalled = trigger.isInstalled(io.env);
  return [
    isInstalled
      ? await checkVersion(context, trigger)
      : warning('tool', `${source.name} was not found on this machine`, 'Install it, or add it to PATH.'),
    ...checkSettings(context, trigger, hook),
    ...(trigger.check?.(io.env, hook) ?? []).map((finding) => ({ about: 'hooks', ...finding })),
    ...checkLastHook(context),
  ];
}

const VERSION_LIMIT_MS = 5_000;

/** A newer version may write what this one does not know how to read. */
async function checkVersion({ source, io }: CommandContext, { program }: Trigger): Promise<Report> {
  const path = program && findProgram(io.env, program.name);
  if (program === undefined || path === undefined) {
    return ok(
      'tool',
      `${source.name} has a folder here; its program is not in PATH, so its version is unknown`,
    );
  }
  const version = await versionOfProgram(path);
  if (version === undefined) return ok('tool', `${source.name} at ${path}, which does not tell its version`);
  if (!isNewer(version, program.verified)) return ok('tool', `${source.name} ${version}`);
  return warning(
    'tool',
    `${source.name} ${version} is newer than ${program.verified}, the last one that was checked`,
    `It should work; "format" below says more. See whether there is a newer ${source.plugin}.`,
  );
}

function versionOfProgram(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(path, ['--version'], { timeout: VERSION_LIMIT_MS, windowsHide: true }, (_, stdout) => {
      done(/\d+\.\d+(\.\d+)?/.exec(String(stdout))?.[0]);
    });
  });
}

/** Whether the tool's settings call this install: adding what is there already changes nothing. */
function checkSettings({ source, io }: CommandContext, trigger: Trigger, hook: HookCommand): Report[] {
  const setup = `Run "${source.plugin} setup".`;
  if (trigger.hasOwnPlugin?.(io.env) === true) {
    return [ok('hooks', `${source.name} has its plugin ${source.plugin} switched on`)];
  }
  const reports = trigger.settings(io.env, hook).flatMap((file) => {
    try {
      const text = statSync(file.path, { throwIfNoEntry: false }) ? readFileSync(file.path, 'utf8') : '';
      if (file.retire !== undefined && file.retire(text) !== text) {
        const what = `${file.path} calls an earlier plugin, which sends the same sessions another time`;
        return [failure('hooks', what, setup)];
      }
      const [isComplete, hasOurs] = [file.add(text) === text, file.remove(text) !== text];
      if (isComplete) return hasOurs ? [ok('hooks', `${file.path} calls this install`)] : [];
      const what = hasOurs
        ? `${file.path} calls another install of ${source.plugin}, or only in part`
        : `${file.path} does not call ${source.plugin}`;
      return [failure('hooks', what, setup)];
    } catch (error) {
      const message = errorMessage(error);
      const text = message.includes(file.path) ? message : `${file.path}: ${message}`;
      return [failure('hooks', text, 'Correct the file; the tool does not read it either.')];
    }
  });
  return reports.length > 0 ? reports : [ok('hooks', `${source.name} calls ${source.plugin} already`)];
}

function checkLastHook({ source, io }: CommandContext): Report[] {
  const last = lastHook(source.plugin, io.env);
  if (last !== undefined) return [ok('last hook', `${last.event}, ${dateTime(last.at)}`)];
  return [
    warning(
      'last hook',
      'none was ever called',
      `After "${source.plugin} setup", start ${source.name} anew and say something.`,
    ),
  ];
}

/** Enough to see a format that changed, few enough not to wait for. */
const SAMPLE = 20;

function checkHistory({ source, io }: CommandContext, raws: readonly RawSession[]): Report[] {
  const folders = source.files(io.env).map(({ folder }) => folder);
  if (raws.length === 0) {
    return [
      warning(
        'history',
        `no sessions in ${[...new Set(folders)].join(', ')}`,
        `Use ${source.name} once, or see the environment variables that move its folder.`,
      ),
    ];
  }
  const problems: string[] = [];
  const notes: string[] = [];
  for (const raw of raws.slice(0, SAMPLE)) {
    try {
      for (const { session } of readSessions(source, raw, 'summary', {})) {
        for (const { message, location } of session.problems) {
          (location === undefined ? notes : problems).push(`${raw.id}: ${message}`);
        }
      }
    } catch (error) {
      problems.push(`${raw.id}: ${errorMessage(error)}`);
    }
  }
  const newest = `the newest ${Math.min(SAMPLE, raws.length)} of ${plural(raws.length, 'session')}`;
  const known =
    notes.length === 0
      ? []
      : [ok('history', `${plural(notes.length, 'note')} on ${newest}; the first: ${notes[0]}`)];
  if (problems.length === 0) return [ok('history', `${newest} read without a problem`), ...known];
  return [
    warning(
      'history',
      `${plural(problems.length, 'problem')} in ${newest}; the first: ${problems[0]}`,
      `"${source.plugin} list --json" tells them all. The rest of these sessions is synced.`,
    ),
    ...known,
  ];
}

/** Of the newest transcripts, as much as takes a second to look at. */
const SAMPLE_BYTES = 50e6;

/** Records of types that nobody has described yet: of a newer version of the tool, as a rule. */
async function checkFormat({ source }: CommandContext, raws: readonly RawSession[]): Promise<Report[]> {
  const trigger = await source.trigger?.();
  if (trigger?.unknownRecord === undefined) return [];
  const counts = new Map<string, number>();
  const files = newestTranscripts(raws);
  for (const file of files) {
    for (const { value } of jsonl(file, { report: () => undefined })) {
      const type = trigger.unknownRecord(value);
      if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  }
  if (files.length === 0) return [];
  if (counts.size === 0)
    return [ok('format', `every record of ${plural(files.length, 'file')} is of a known type`)];
  const types = [...counts].map(([type, count]) => `${type} (${count})`).join(', ');
  return [
    warning(
      'format',
      `records of unknown types, which are not synced: ${types}`,
      `See whether there is a newer ${source.plugin}. If not, report it with the version of ${source.name}.`,
    ),
  ];
}

/** Larger ones are left out rather than all behind them. */
function newestTranscripts(raws: readonly RawSession[]): string[] {
  let bytes = 0;
  return raws.slice(0, SAMPLE).flatMap(({ files }) =>
    files.filter((file) => {
      const size = statSync(file, { throwIfNoEntry: false })?.size;
      if (!file.endsWith('.jsonl') || size === undefined || bytes + size > SAMPLE_BYTES) return false;
      bytes += size;
      return true;
    }),
  );
}

function checkState(context: CommandContext, raws: readonly RawSession[], isReachable: boolean): Report[] {
  const { source, io } = context;
  const reports: Report[] = [];
  let config: Config;
  try {
    config = resolveConfig(settingsOf({ source, io })).config;
  } catch (error) {
    // Told of as "settings" already.
    if (isOpenSyncError(error)) return reports;
    throw error;
  }
  const account = accountOf(config, io.env);
  if (account !== undefined && raws.length > 0) {
    const checkpoints = checkpointsOf(context, account);
    const stamp = stampOf(source, config);
    const waiting = raws.filter(
      (raw) => checkpoints.complete().get(raw.id)?.version !== versionOf(raw, stamp),
    );
    reports.push(
      waiting.length === 0
        ? ok('sync', 'everything was sent')
        : warning(
            'sync',
            `${plural(waiting.length, 'session')} ${waiting.length === 1 ? 'waits' : 'wait'}, of ${raws.length}`,
            isReachable ? `Run "${source.plugin} sync".` : 'They are sent when the server answers.',
          ),
    );
  }
  return [...reports, ...checkLog(logFile(io.env.home, source.plugin))];
}

/** What hooks and workers could not say on a screen. */
function checkLog(file: string): Report[] {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  return [ok('log', `${file}, last: ${last}`)];
}
