import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Env,
  type HookCommand,
  OpenSyncError,
  type SettingsFile,
  type Trigger,
} from '@opensync/core/plugin';
import {
  appendValue,
  behindBom,
  documentOf,
  elementsOf,
  findProgram,
  inspectSettings,
  isBlank,
  type JsonNode,
  memberOf,
  membersOf,
  parseDocument,
  removeValue,
  replaceValue,
  withoutBom,
} from '@opensync/core/trigger';
import { dataFolder } from './read.js';

export const trigger: Trigger = {
  program: { name: 'opencode', verified: '1.18.33' },
  isInstalled: (env) =>
    findProgram(env, 'opencode') !== undefined ||
    existsSync(configFolder(env)) ||
    existsSync(dataFolder(env)),
  settings,
  afterSetup: ['OpenCode loads plugins when it starts: restart it where it is running.'],
};

/** `$XDG_CONFIG_HOME/opencode`, by default `~/.config/opencode`. */
function configFolder({ home, vars }: Env): string {
  const base = vars.XDG_CONFIG_HOME;
  return join(base ? resolve(base) : join(home, '.config'), 'opencode');
}

/** All that the client merges. Ours goes into one of them, and is found in any. */
function settings(env: Env, hook: HookCommand): SettingsFile[] {
  const own = env.vars.OPENCODE_CONFIG ? [resolve(env.vars.OPENCODE_CONFIG)] : [];
  const files = ['opencode.jsonc', 'opencode.json', 'config.json'].map((name) =>
    join(configFolder(env), name),
  );
  const all = [...new Set([...own, ...files])];
  const url = pathToFileURL(join(dirname(hook.script), 'opencode.js')).href;
  const chosen =
    all.find((path) => hasOurs(path, url)) ?? own[0] ?? files.find((path) => existsSync(path)) ?? files[1];
  return all.map((path) => ({
    path,
    add: (text) => (path === chosen ? behindBom(text, (body) => withPlugin(body, url)) : text),
    remove: (text, before = '{}') =>
      behindBom(text, (body) =>
        isBlank(body) ? body : withoutPlugin(body, oursAt(url), withoutBom(before)),
      ),
    retire: (text) =>
      behindBom(text, (body) => (isBlank(body) ? body : withoutPlugin(body, isPredecessor, '{}'))),
  }));
}

function hasOurs(path: string, url: string): boolean {
  let found = false;
  // A file that cannot be read is an error where it is edited, and not here.
  inspectSettings(path, (text) => {
    const entries = isBlank(text) ? [] : entriesIn(parseDocument(withoutBom(text)));
    found = entries
      .map(({ spec }) => String(spec.value))
      .some((spec) => isPackage(spec) || oursAt(url)(spec));
    return [];
  });
  return found;
}

interface Entry {
  /** The element of the list: a text, or a list of a text and options. */
  element: JsonNode;
  /** The text in it. */
  spec: JsonNode;
}

function entriesIn(root: JsonNode): Entry[] {
  return elementsOf(memberOf(root, 'plugin')?.value).flatMap((element) => {
    const spec = element.type === 'array' ? element.children?.[0] : element;
    return spec?.type === 'string' ? { element, spec } : [];
  });
}

/** Installed by the client from a registry, as somebody has written it by hand. */
const isPackage = (spec: string) => /^opencode-sync(@|$)/.test(spec);

/** The earlier plugin. */
const isPredecessor = (spec: string) => /^opencode-sync-plugin(@|$)/.test(spec);

const oursAt = (url: string) => (spec: string) =>
  spec === url || /^file:.*\/opencode-sync\/(.*\/)?opencode\.js$/.test(spec);

/** @throws OpenSyncError `config` when it is not what the client would read */
function withPlugin(text: string, url: string): string {
  const document = documentOf(text);
  const root = parseDocument(document);
  const entries = entriesIn(root);
  if (entries.some(({ spec }) => isPackage(String(spec.value)))) return text;
  const ours = entries.find(({ spec }) => oursAt(url)(String(spec.value)));
  if (ours !== undefined) return ours.spec.value === url ? text : replaceValue(document, ours.spec, url);
  const list = memberOf(root, 'plugin')?.value;
  if (list === undefined) return appendValue(document, root, [url], 'plugin');
  if (list.type !== 'array') throw new OpenSyncError('config', '"plugin" is not an array');
  return appendValue(document, list, url);
}

function withoutPlugin(text: string, isWanted: (spec: string) => boolean, before: string): string {
  const root = parseDocument(text);
  const ours = entriesIn(root).find(({ spec }) => isWanted(String(spec.value)));
  const plugin = memberOf(root, 'plugin');
  if (ours === undefined || plugin === undefined) return text;
  const stays = memberOf(parseDocument(documentOf(before)), 'plugin') !== undefined;
  const isLast = elementsOf(plugin.value).length === 1 && !stays;
  const removed = isLast
    ? removeValue(text, root, plugin.property)
    : removeValue(text, plugin.value, ours.element);
  const isEmpty = membersOf(parseDocument(removed)).length === 0;
  return isEmpty && isBlank(before) ? before : withoutPlugin(removed, isWanted, before);
}
