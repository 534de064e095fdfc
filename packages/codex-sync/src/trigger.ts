import { createHash } from 'node:crypto';
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
  check: (env, hook) => [...checkHooks(env, hook), ...checkPlugin(env), ...checkNotify(env, hook)],
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

const TRUSTED_ONCE = 'Codex was told to trust the hooks. Whether they have changed since, its /hooks shows.';

/** Codex runs what the person has trusted, and remembers it by the place of a hook in the file. */
function checkHooks(env: Env, hook: HookCommand): Finding[] {
  return inspectSettings(hooksPath(env), (text) => {
    requireRead(text);
    const ours = isBlank(text) ? [] : hooksOf(parseDocument(text), hook.plugin);
    if (ours.length === 0) return [];
    const { isOn, states } = hookStates(env);
    if (!isOn) {
      const remedy = 'Set "hooks" to true below "features", or run "codex features enable hooks".';
      return [{ level: 'error', text: `${configPath(env)} switches all hooks off.`, remedy }];
    }
    const files = [hooksPath(env), join(realpathSync(codexHome(env)), 'hooks.json')];
    const stateOf = ({ place }: OurHook) => files.map((file) => states[`${file}:${place}`]).find(Boolean);
    const off = ours.filter((own) => stateOf(own)?.enabled === false);
    const untrusted = ours.filter((own) => typeof stateOf(own)?.trusted_hash !== 'string');
    const modified = ours.filter((own) => {
      const trusted = stateOf(own)?.trusted_hash;
      return own.hash !== undefined && typeof trusted === 'string' && trusted !== own.hash;
    });
    const findings = [
      ...finding(untrusted, 'wait to be trusted', 'Start codex, and choose "Trust all and continue".'),
      ...finding(
        modified,
        'were changed after they were trusted, and are not run',
        'Start codex, and choose "Trust all and continue".',
      ),
      ...finding(off, 'are switched off', 'Start codex, enter /hooks, and switch them on.'),
    ];
    if (findings.length > 0) return findings;
    const isKnown = ours.every(({ hash }) => hash !== undefined);
    return [{ level: 'ok', text: isKnown ? 'Codex trusts the hooks as they are.' : TRUSTED_ONCE }];
  });
}

function finding(hooks: OurHook[], what: string, remedy: string): Finding[] {
  if (hooks.length === 0) return [];
  const events = hooks.map(({ place }) => place.split(':')[0]).join(', ');
  return [{ level: 'warning', text: `Hooks of Codex ${what}: ${events}.`, remedy }];
}

interface OurHook {
  /** `<event>:<group>:<hook>`, as Codex counts. */
  place: string;
  /** See `hashOf`. */
  hash: string | undefined;
}

function hooksOf(root: JsonNode, plugin: string): OurHook[] {
  return membersOf(memberOf(root, 'hooks')?.value).flatMap(({ name, value }) => {
    const event = name.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
    return elementsOf(value).flatMap((group, at) =>
      elementsOf(memberOf(group, 'hooks')?.value).flatMap((entry, index) => {
        const command = memberOf(entry, 'command')?.value;
        const isOurs = command?.type === 'string' && runsHook(String(jsonValue(command)), plugin);
        return isOurs ? { place: `${event}:${at}:${index}`, hash: hashOf(event, group, entry) } : [];
      }),
    );
  });
}

/** Seconds; Codex 0.169.0 fills them in where a hook has none. */
const TIME_LIMITS: Record<string, number | undefined> = {
  session_start: 600,
  user_prompt_submit: 600,
  interrupt: 1,
};

/**
 * What Codex notes of a hook when it is trusted: SHA-256 of its definition, with sorted keys and its own
 * time limit filled in. Undefined for one that `setup` would not have written so.
 * Source: openai/codex, codex-rs, hooks/src/engine/discovery.rs and config/src/fingerprint.rs.
 */
function hashOf(event: string, group: JsonNode, entry: JsonNode): string | undefined {
  const timeout = TIME_LIMITS[event];
  const { type, command, async, ...others } = jsonValue(entry) as Record<string, unknown>;
  if (timeout === undefined || membersOf(group).length > 1 || Object.keys(others).length > 0)
    return undefined;
  const hooks = [{ async: async === true, command, timeout, type }];
  const definition = JSON.stringify({ event_name: event, hooks });
  return `sha256:${createHash('sha256').update(definition).digest('hex')}`;
}

/** Trust in a plugin's hooks ends with each of its updates, silently; Codex notes a hash of all its files. */
function checkPlugin(env: Env): Finding[] {
  if (!isPluginOn(env)) return [];
  const states = Object.entries(hookStates(env).states).filter(([key]) => PLUGIN.test(key));
  if (states.some(([, state]) => typeof state?.trusted_hash === 'string'))
    return [{ level: 'ok', text: TRUSTED_ONCE }];
  const text = 'The hooks of the plugin in Codex wait to be trusted.';
  return [{ level: 'warning', text, remedy: 'Start codex, and choose "Trust all and continue".' }];
}

/** As `codex plugin add` names it, `<plugin>@<marketplace>`. */
const PLUGIN = /^codex-sync@/;

function isPluginOn(env: Env): boolean {
  let isOn = false;
  inspectSettings(configPath(env), (text) => {
    const { plugins = {} } = readToml(text) as { plugins?: Record<string, { enabled?: unknown }> };
    isOn = Object.entries(plugins).some(([name, { enabled }]) => PLUGIN.test(name) && enabled !== false);
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
