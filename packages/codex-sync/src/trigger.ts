import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Env,
  type Finding,
  type HookCommand,
  OpenSyncError,
  type SettingsFile,
  type Trigger,
} from '@opensync/core/plugin';
import {
  elementsOf,
  findProgram,
  hooksFile,
  inspectSettings,
  isBlank,
  type JsonNode,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  runsHook,
} from '@opensync/core/trigger';
import { unknownRecord } from './known-records.js';
import { addNotify, isNotified, readToml, removeNotify } from './notify.js';
import { codexHome } from './read.js';

/*
 * The end of a turn is told by `notify`; these are for what it does not tell. The client prints the name of
 * every hook that it waits for, and a warning for one that does not wait at its end: hence `async`, and no
 * SessionEnd. Until the next event the worker watches the files.
 */
const EVENTS = {
  SessionStart: { async: true },
  UserPromptSubmit: { async: true },
  Interrupt: { async: true },
};

export const trigger: Trigger = {
  unknownRecord,
  program: { name: 'codex', verified: '0.169.0' },
  isInstalled: (env) => findProgram(env, 'codex') !== undefined || existsSync(codexHome(env)),
  settings: (env, hook) => [hooksJson(env, hook), configToml(env, hook)],
  afterSetup: [
    'At its next start, Codex says "Hooks need review": choose "Trust all and continue", or review them first.',
    'Until then, turns are synced when they are complete, and not before.',
  ],
  hasOwnPlugin: isPluginOn,
  check: (env, hook) => [...checkHooks(env, hook), ...checkNotify(env, hook)],
};

const hooksPath = (env: Env) => join(codexHome(env), 'hooks.json');
const configPath = (env: Env) => join(codexHome(env), 'config.toml');

function hooksJson(env: Env, hook: HookCommand): SettingsFile {
  const file = hooksFile({ path: hooksPath(env), hook, events: EVENTS, grouped: true, strict: true });
  return {
    ...file,
    add(text) {
      requireRead(text);
      return file.add(text);
    },
  };
}

/**
 * Codex leaves out the whole file for any of these.
 * @throws OpenSyncError `config`
 */
function requireRead(text: string): void {
  if (isBlank(text)) return;
  const root = parseDocument(text, { strict: true });
  const [names, events] = [root, memberOf(root, 'hooks')?.value].map((node) =>
    membersOf(node).map(({ name }) => name),
  );
  const unknown = names?.find((name) => name !== 'hooks' && name !== 'description');
  if (unknown !== undefined) {
    throw new OpenSyncError('config', `"${unknown}" is not a setting of this file, and Codex refuses it`);
  }
  const twice = [names, events].flatMap(
    (list) => list?.filter((name, at) => list.indexOf(name) !== at) ?? [],
  );
  if (twice.length > 0)
    throw new OpenSyncError('config', `"${twice[0]}" is in it twice, which Codex refuses`);
}

function configToml(env: Env, hook: HookCommand): SettingsFile {
  return {
    path: configPath(env),
    add: (text) => addNotify(text, hook),
    remove: (text, before) => removeNotify(text, hook.plugin, before),
  };
}

/** Codex runs what the person has trusted, and remembers it by the place of a hook in the file. */
function checkHooks(env: Env, hook: HookCommand): Finding[] {
  return inspectSettings(hooksPath(env), (text) => {
    requireRead(text);
    const places = isBlank(text) ? [] : placesOfOurs(parseDocument(text), hook.plugin);
    if (places.length === 0) return [];
    const { isOn, states } = hookStates(env);
    if (!isOn) {
      const remedy = 'Set "hooks" to true below "features", or run "codex features enable hooks".';
      return [{ level: 'error', text: `${configPath(env)} switches all hooks off.`, remedy }];
    }
    const files = [hooksPath(env), join(realpathSync(codexHome(env)), 'hooks.json')];
    const stateOf = (place: string) => files.map((file) => states[`${file}:${place}`]).find(Boolean);
    const off = places.filter((place) => stateOf(place)?.enabled === false);
    const untrusted = places.filter((place) => typeof stateOf(place)?.trusted_hash !== 'string');
    return [
      ...finding(untrusted, 'wait to be trusted', 'Start codex, and choose "Trust all and continue".'),
      ...finding(off, 'are switched off', 'Start codex, enter /hooks, and switch them on.'),
      ...(untrusted.length + off.length === 0
        ? [
            {
              level: 'ok' as const,
              text: 'Codex was told to trust the hooks. Whether they have changed since, its /hooks shows.',
            },
          ]
        : []),
    ];
  });
}

function finding(places: string[], what: string, remedy: string): Finding[] {
  if (places.length === 0) return [];
  const events = places.map((place) => place.split(':')[0]).join(', ');
  return [{ level: 'warning', text: `Hooks of Codex ${what}: ${events}.`, remedy }];
}

/** `<event>:<group>:<hook>`, as Codex counts. */
function placesOfOurs(root: JsonNode, plugin: string): string[] {
  return membersOf(memberOf(root, 'hooks')?.value).flatMap(({ name, value }) => {
    const event = name.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
    return elementsOf(value).flatMap((group, at) =>
      elementsOf(memberOf(group, 'hooks')?.value).flatMap((entry, index) => {
        const command = memberOf(entry, 'command')?.value;
        const isOurs = command?.type === 'string' && runsHook(String(jsonValue(command)), plugin);
        return isOurs ? `${event}:${at}:${index}` : [];
      }),
    );
  });
}

/** As `codex plugin add` writes it. */
function isPluginOn(env: Env): boolean {
  let isOn = false;
  inspectSettings(configPath(env), (text) => {
    const { plugins = {} } = readToml(text) as { plugins?: Record<string, { enabled?: unknown }> };
    isOn = Object.entries(plugins).some(
      ([name, { enabled }]) => /^codex-sync@/.test(name) && enabled !== false,
    );
    return [];
  });
  return isOn;
}

interface HookState {
  enabled?: unknown;
  trusted_hash?: unknown;
}

/** What the person has said of hooks. */
function hookStates(env: Env): { isOn: boolean; states: Record<string, HookState | undefined> } {
  const result = { isOn: true, states: {} };
  inspectSettings(configPath(env), (text) => {
    const { features, hooks } = readToml(text) as {
      features?: { hooks?: unknown };
      hooks?: { state?: Record<string, HookState> };
    };
    result.isOn = features?.hooks !== false;
    result.states = hooks?.state ?? {};
    return [];
  });
  return result;
}

function checkNotify(env: Env, hook: HookCommand): Finding[] {
  return inspectSettings(configPath(env), (text) => {
    if (isNotified(text, hook) || isPluginOn(env)) return [];
    const remedy = `Run "${hook.plugin} setup" again; what is in its place goes on working.`;
    return [
      { level: 'warning', text: `"notify" in ${configPath(env)} does not call ${hook.plugin}.`, remedy },
    ];
  });
}
