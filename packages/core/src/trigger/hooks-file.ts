import { isDeepStrictEqual } from 'node:util';
import { OpenSyncError } from '../errors.js';
import type { HookCommand, SettingsFile } from '../source.js';
import { commandLine, runsHook } from './command-line.js';
import {
  appendValue,
  behindBom,
  documentOf,
  elementsOf,
  isBlank,
  type JsonMember,
  type JsonNode,
  type JsonRules,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  removeValue,
  replaceValue,
  withoutBom,
  withoutComments,
} from './json-text.js';

export interface HooksFileOptions extends JsonRules {
  path: string;
  hook: HookCommand;
  /** Names of the tool's events, and what an entry holds beside the command, such as a timeout. */
  events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Whether an event has `[{"hooks": [entry]}]` rather than `[entry]`. */
  grouped?: boolean;
  /** What the shell runs where the hook cannot, when the tool waits for an output. */
  instead?: string;
}

/** A JSON file with `{"hooks": {"<event>": […]}}`, as most tools have it. */
export function hooksFile(options: HooksFileOptions): SettingsFile {
  return {
    path: options.path,
    add: (text) =>
      behindBom(text, (body) =>
        Object.keys(options.events).reduce(
          (result, event) => withEntry(result, event, options),
          withoutEntries(documentOf(body), options, surplus),
        ),
      ),
    remove: (text, before) =>
      behindBom(text, (body) => (isBlank(body) ? body : withoutAny(body, before, options))),
  };

  /** Of an event that is not wanted any more, and all but the first of one that is. */
  function surplus(entries: Entry[]): Entry | undefined {
    return entries.find(
      ({ event: { name } }, at) =>
        !Object.hasOwn(options.events, name) || entries.findIndex(({ event }) => event.name === name) < at,
    );
  }
}

function withEntry(text: string, event: string, options: HooksFileOptions): string {
  const root = parseDocument(text, options);
  const entry = entryFor(event, options);
  const own = entriesIn(root, options).find((found) => found.event.name === event);
  if (own !== undefined)
    return isDeepStrictEqual(jsonValue(own.node), entry) ? text : replaceValue(text, own.node, entry);
  const item = options.grouped === true ? { hooks: [entry] } : entry;
  const hooks = memberOf(root, 'hooks')?.value;
  if (hooks === undefined) return appendValue(text, root, { [event]: [item] }, 'hooks');
  if (hooks.type !== 'object') throw new OpenSyncError('config', '"hooks" is not an object');
  const list = memberOf(hooks, event)?.value;
  if (list === undefined) return appendValue(text, hooks, [item], event);
  if (list.type !== 'array') throw new OpenSyncError('config', `"hooks.${event}" is not an array`);
  return appendValue(text, list, item);
}

function entryFor(
  event: string,
  { hook, events, grouped, instead }: HooksFileOptions,
): Record<string, unknown> {
  const command = commandLine(hook, event, instead);
  return { ...(grouped === true && { type: 'command' }), command, ...events[event] };
}

/** An entry of ours. */
interface Entry {
  node: JsonNode;
  event: JsonMember;
  /** From the inside out: what holds the entry, what holds that, up to the event. */
  within: { container: JsonNode; child: JsonNode }[];
}

function entriesIn(root: JsonNode, { hook, grouped }: HooksFileOptions): Entry[] {
  const isOurs = (node: JsonNode) => {
    const command = memberOf(node, 'command')?.value.value;
    return typeof command === 'string' && runsHook(command, hook.plugin);
  };
  return membersOf(memberOf(root, 'hooks')?.value).flatMap((event) => {
    const list = event.value;
    if (grouped !== true) {
      return elementsOf(list)
        .filter(isOurs)
        .map((node) => ({ node, event, within: [{ container: list, child: node }] }));
    }
    return elementsOf(list).flatMap((group) => {
      const hooks = memberOf(group, 'hooks')?.value;
      return elementsOf(hooks)
        .filter(isOurs)
        .map((node) => ({
          node,
          event,
          within: [
            { container: hooks as JsonNode, child: node },
            { container: list, child: group },
          ],
        }));
    });
  });
}

function withoutAny(text: string, before: string | undefined, options: HooksFileOptions): string {
  const removed = withoutEntries(text, options, ([first]) => first, before);
  const isEmpty =
    removed !== text &&
    membersOf(parseDocument(removed, options)).length === 0 &&
    withoutComments(removed) === removed;
  return isEmpty && before !== undefined && isBlank(before) ? withoutBom(before) : removed;
}

/** Takes out entry after entry, and with it what would be left empty and was not there `before`. */
function withoutEntries(
  text: string,
  options: HooksFileOptions,
  pick: (entries: Entry[]) => Entry | undefined,
  before = '',
): string {
  const root = parseDocument(text, options);
  const entry = pick(entriesIn(root, options));
  if (entry === undefined) return text;
  const kept = memberOf(parseDocument(documentOf(withoutBom(before)), options), 'hooks');
  const hooks = memberOf(root, 'hooks') as JsonMember;
  const levels = [...entry.within];
  if (memberOf(kept?.value, entry.event.name) === undefined) {
    levels.push({ container: hooks.value, child: entry.event.property });
    if (kept === undefined) levels.push({ container: root, child: hooks.property });
  }
  const stop = levels.findIndex(({ container }, at) => {
    const around = levels[at + 1]?.child;
    return container.children?.length !== 1 || around === undefined || hasComment(text, around, entry.node);
  });
  const outermost = levels[stop];
  if (outermost === undefined) return text;
  return withoutEntries(removeValue(text, outermost.container, outermost.child), options, pick, before);
}

/** Whether somebody has written a comment into it, beside what is ours. */
function hasComment(text: string, node: JsonNode, own: JsonNode): boolean {
  const around =
    text.slice(node.offset, own.offset) + text.slice(own.offset + own.length, node.offset + node.length);
  return withoutComments(around) !== around;
}
