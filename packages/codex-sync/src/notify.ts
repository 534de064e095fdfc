import { isDeepStrictEqual } from 'node:util';
import { type HookCommand, OpenSyncError } from '@opensync/core/plugin';
import { behindBom, callsItself, hookIndex, withoutBom } from '@opensync/core/trigger';
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';

/*
 * `notify` of config.toml: one command and no more. Whatever stands there is called by ours with the same
 * argument, behind a "--", and comes back when ours goes.
 */

/** Part of ours behind Node.js, script and plugin. */
const EVENT = 'notify';
const CHAIN = '--';

/** @throws OpenSyncError `config` when it is not TOML, or `notify` no list of texts */
export function addNotify(text: string, { node, script, plugin }: HookCommand): string {
  return behindBom(text, (body) => {
    const notify = notifyIn(body);
    if (notify === undefined) return inserted(body, line([node, script, plugin, EVENT]));
    const { command } = notify;
    const at = hookIndex(command, plugin);
    const ours =
      at === -1
        ? [node, script, plugin, EVENT, CHAIN, ...command]
        : command.with(at, node).with(at + 1, script);
    return isDeepStrictEqual(ours, command) ? body : replaced(body, notify.range, list(ours));
  });
}

/** @param before what the text was before `addNotify`: a chained command gets its own spelling back */
export function removeNotify(text: string, plugin: string, before = ''): string {
  return behindBom(text, (body) => {
    const notify = notifyIn(body);
    const rest = notify && commandWithout(notify.command, plugin);
    if (notify === undefined || rest === notify.command) return body;
    if (rest === undefined) return withoutLine(body, notify.lineRange);
    const original = notifyIn(withoutBom(before));
    const spelling = isDeepStrictEqual(original?.command, rest) ? original?.text : undefined;
    return replaced(body, notify.range, spelling ?? list(rest));
  });
}

/** Takes out the command of an earlier plugin, `<plugin> hook agent-turn-complete`. */
export function retireNotify(text: string, plugin: string): string {
  return behindBom(text, (body) => {
    const notify = notifyIn(body);
    const [, script] = /^(?:ba|z)?sh -l?c (.*)$/.exec(notify?.command.join(' ') ?? '') ?? [];
    const isEarlier = callsItself(script ?? notify?.command.join(' ') ?? '', plugin);
    return notify !== undefined && isEarlier ? withoutLine(body, notify.lineRange) : body;
  });
}

/** What `notify` was without ours: the same when ours is not in it, undefined when there was none. */
function commandWithout(command: string[], plugin: string): string[] | undefined {
  const at = hookIndex(command, plugin);
  if (at === -1) return command;
  const end = command.indexOf(EVENT, at) + 1;
  // Not as we write it: whose it is, is not for us to say.
  if (end === 0) return command;
  const isChain = command[end] === CHAIN;
  if (at === 0 && !isChain) return undefined;
  return [...command.slice(0, at), ...command.slice(isChain ? end + 1 : end)];
}

/** Whether `notify` starts this very hook, directly or behind another program. */
export function isNotified(text: string, hook: HookCommand): boolean {
  return addNotify(text, hook) === text;
}

/** The settings as values. */
export function readToml(text: string): Record<string, unknown> {
  return getStaticTOMLValue(parse(withoutBom(text))) as Record<string, unknown>;
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.1' });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const place = `line ${error.lineNumber}, column ${error.column + 1}`;
    throw new OpenSyncError('config', `not valid TOML at ${place} (${error.message})`, { cause: error });
  }
}

type Range = readonly [start: number, end: number];

interface Notify {
  command: string[];
  /** Of the value. */
  range: Range;
  /** The value as it is written. */
  text: string;
  /** Of the name and the value. */
  lineRange: Range;
}

function notifyIn(text: string): Notify | undefined {
  const [top] = parse(text).body;
  for (const node of top.body) {
    if (nameOf(node) !== 'notify') continue;
    if (node.type !== 'TOMLKeyValue' || node.key.keys.length > 1 || node.value.type !== 'TOMLArray') break;
    const command = getStaticTOMLValue(node.value);
    if (!Array.isArray(command) || !command.every((part) => typeof part === 'string')) break;
    return { command, range: node.value.range, text: text.slice(...node.value.range), lineRange: node.range };
  }
  if (!top.body.some((node) => nameOf(node) === 'notify')) return undefined;
  throw new OpenSyncError('config', '"notify" is not a list of texts, which Codex refuses to start with');
}

function nameOf({ key }: AST.TOMLKeyValue | AST.TOMLTable): string | undefined {
  const [first] = key.keys;
  return first?.type === 'TOMLQuoted' ? first.value : first?.name;
}

function list(command: readonly string[]): string {
  // A TOML text is a JSON text, but for one control character.
  return `[${command.map((part) => JSON.stringify(part).replaceAll('\x7f', '\\u007f')).join(', ')}]`;
}

function line(command: readonly string[]): string {
  return `${EVENT} = ${list(command)}`;
}

/** Behind the last setting that is in no table, so that comments stay with what they are about. */
function inserted(text: string, setting: string): string {
  const lineBreak = /\r?\n/.exec(text)?.[0] ?? '\n';
  const last = parse(text).body[0].body.findLast(({ type }) => type === 'TOMLKeyValue');
  if (last === undefined) return setting + lineBreak + text;
  const end = text.indexOf('\n', last.range[1]);
  if (end === -1) return text + lineBreak + setting;
  return text.slice(0, end + 1) + setting + lineBreak + text.slice(end + 1);
}

function replaced(text: string, [start, end]: Range, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function withoutLine(text: string, [start, end]: Range): string {
  const [before, after] = [text.slice(0, start), text.slice(end)];
  const lineEnd = /^[ \t]*(\r?\n|$)/.exec(after)?.[0];
  // A comment behind it is somebody else's.
  if (lineEnd === undefined) return before + after.trimStart();
  return !lineEnd.endsWith('\n')
    ? before.replace(/\r?\n[ \t]*$/, '')
    : before.replace(/[ \t]+$/, '') + after.slice(lineEnd.length);
}
