import { statSync } from 'node:fs';
import { diffArrays } from 'diff';
import { OpenSyncError } from '../../errors.js';
import type { Trigger } from '../../source.js';
import {
  applyPlan,
  type InstallPlan,
  planRemoval,
  planSetup,
  type SettingsChange,
} from '../../trigger/install.js';
import { spreadOut } from '../../trigger/json-text.js';
import { oneLine } from '../format.js';
import { hookCommand, lastingHookCommand } from '../hook-command.js';
import { accountOf, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

interface SetupOptions {
  remove?: boolean;
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Connects the tool with the plugin, or disconnects it, by editing the tool's own settings. */
export async function setup(context: CommandContext, options: SetupOptions): Promise<number> {
  const { source } = context;
  refuseSudo(context);
  const trigger = await source.trigger?.();
  if (trigger === undefined) return withoutTrigger(context, options);
  return options.remove === true ? disconnect(context, trigger, options) : connect(context, trigger, options);
}

/** @throws OpenSyncError `config` for a plugin that no tool calls, unless that is what is wanted */
function withoutTrigger(context: CommandContext, options: SetupOptions): number {
  const { name, plugin } = context.source;
  const hint = `"${plugin} watch" keeps the server up to date, "${plugin} sync" sends what there is.`;
  if (options.remove !== true)
    throw new OpenSyncError('config', `${plugin} has nothing that ${name} could call. ${hint}`);
  const outcome = {
    action: 'remove' as const,
    result: `${name} does not call ${plugin}. Nothing was changed.`,
    next: [],
  };
  report(context, options, { changes: [] }, outcome);
  return EXIT.ok;
}

/** What root writes into somebody's home, they cannot read or change any more. */
function refuseSudo({ io }: CommandContext): void {
  if (process.getuid?.() !== 0) return;
  const owner = statSync(io.env.home, { throwIfNoEntry: false })?.uid ?? 0;
  if (owner === 0) return;
  const message = `${io.env.home} is somebody else's. Run this as the person who uses the tool, without sudo.`;
  throw new OpenSyncError('usage', message);
}

async function connect(context: CommandContext, trigger: Trigger, options: SetupOptions): Promise<number> {
  const { source, io } = context;
  if (!trigger.isInstalled(io.env)) {
    const message = `${source.name} is not on this machine: neither its program nor its folder is there. Nothing was changed.`;
    throw new OpenSyncError('config', message);
  }
  const hook = lastingHookCommand(context);
  const isSignedIn = accountOf(settings(context), io.env) !== undefined;
  const plan = planSetup({ plugin: source.plugin, env: io.env }, trigger.settings(io.env, hook));
  const isNew = plan.changes.length > 0;
  await carryOut(context, plan, options);
  const problems = (trigger.check?.(io.env, hook) ?? [])
    .filter(({ level }) => level === 'error')
    .map(({ text, remedy = '' }) => `${text} ${remedy}`.trim());
  report(context, options, plan, {
    action: 'setup',
    result: `${source.name} is set up${howFar({ isNew, isSignedIn, isInForce: problems.length === 0 })}`,
    problems,
    next: [
      ...problems,
      ...(isNew ? (trigger.afterSetup ?? []) : []),
      ...(isSignedIn ? [] : [`Nobody is signed in yet: run "${source.plugin} login".`]),
    ],
  });
  return EXIT.ok;
}

function howFar(is: { isNew: boolean; isSignedIn: boolean; isInForce: boolean }): string {
  if (!is.isInForce) return ', but not all of it is in force:';
  if (!is.isNew) return ' already.';
  return is.isSignedIn ? ': its sessions are synced as they happen.' : ', but nothing is synced yet.';
}

/** Works when the tool is gone, and from any copy of the plugin. */
async function disconnect(context: CommandContext, trigger: Trigger, options: SetupOptions): Promise<number> {
  const { source, io } = context;
  const files = trigger.settings(io.env, hookCommand(context));
  const plan = planRemoval({ plugin: source.plugin, env: io.env }, files);
  await carryOut(context, plan, options);
  report(context, options, plan, {
    action: 'remove',
    result:
      plan.changes.length > 0 || plan.left.length > 0
        ? `${source.name} is not connected any more${plan.left.length > 0 ? ', but for what follows' : ''}.`
        : `${source.name} was not set up. Nothing was changed.`,
    next: plan.left.map(
      (path) => `${path} has been changed since: take out by hand what names ${source.plugin}.`,
    ),
  });
  return EXIT.ok;
}

async function carryOut(context: CommandContext, plan: InstallPlan, options: SetupOptions): Promise<void> {
  if (options.dryRun === true) return;
  if (plan.changes.length > 0 && options.yes !== true) await confirm(context, plan, options);
  applyPlan(plan);
}

async function confirm({ io }: CommandContext, plan: InstallPlan, options: SetupOptions): Promise<void> {
  if (options.json === true || io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    const hint = 'Add --yes to change the settings, or --dry-run to see what would change.';
    throw new OpenSyncError('usage', `There is no terminal to ask on. ${hint}`);
  }
  const prompts = await import('@clack/prompts');
  io.stdout.write(describe(plan));
  const answer = await prompts.confirm({ message: 'Change these files?' });
  if (answer !== true) throw new OpenSyncError('usage', 'Cancelled. Nothing was changed.');
}

interface Outcome {
  action: 'setup' | 'remove';
  /** In plain words. */
  result: string;
  /** What is left to do, a sentence each. */
  next: string[];
  /** Those of them that a dry run can tell already. */
  problems?: string[];
}

function report(
  { source, io }: CommandContext,
  options: SetupOptions,
  plan: Pick<InstallPlan, 'changes'>,
  outcome: Outcome,
): void {
  const isDry = options.dryRun === true;
  if (options.json === true) {
    const { action, next } = outcome;
    const changed = !isDry && plan.changes.length > 0;
    const files = plan.changes.map(describeChange);
    const json = { schema: 1, plugin: source.plugin, action, dryRun: isDry, changed, files, next };
    io.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
    return;
  }
  // A person who was asked has seen it.
  if (isDry || options.yes === true) io.stdout.write(describe(plan));
  const lines =
    isDry && plan.changes.length > 0
      ? ['Nothing was changed.', ...(outcome.problems ?? [])]
      : [outcome.result, ...outcome.next];
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

interface ChangeReport {
  path: string;
  change: 'create' | 'edit' | 'delete';
}

function describeChange({ path, target, after }: SettingsChange): ChangeReport {
  const change = target.bytes === undefined ? 'create' : after === undefined ? 'delete' : 'edit';
  return { path, change };
}

/** For people: which files, and what goes and comes in them. */
function describe(plan: Pick<InstallPlan, 'changes'>): string {
  const lines = plan.changes.flatMap((change) => {
    const { path, change: what } = describeChange(change);
    return [`${what} ${path}`, ...changedLines(textOf(change.target.bytes), textOf(change.after))];
  });
  return lines.map((line) => `${line}\n`).join('');
}

function textOf(bytes: Buffer | undefined): string {
  return bytes?.toString() ?? '';
}

/**
 * What goes and what comes, without lines that only open or close something. JSON is compared value by
 * value: what else is on a line is nobody's business, and may be a key.
 */
function changedLines(before: string, after: string): string[] {
  const changes = diffArrays(linesOf(before), linesOf(after), {
    comparator: (old, now) => keyOf(old) === keyOf(now),
  });
  return changes.flatMap(({ added, removed, value }) => {
    if (!added && !removed) return [];
    const lines = value.filter((line) => /[^{}[\]\s,]/.test(line));
    return lines.map((line) => `  ${added ? '+' : '-'} ${indented(line)}`);
  });
}

function indented(line: string): string {
  const [indent = ''] = /^[ \t]*/.exec(line) ?? [];
  return `${indent}${oneLine(line, Number.POSITIVE_INFINITY).replace(/,$/, '')}`;
}

function linesOf(text: string): string[] {
  return spreadOut(text).split('\n');
}

/** Whether it ends with a comma or is closed at once depends on what follows. */
function keyOf(line: string): string {
  return line.trim().replace(/[\]}]*,?$/, '');
}
