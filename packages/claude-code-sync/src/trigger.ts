import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Env, Finding, Trigger } from '@opensync/core/plugin';
import {
  findProgram,
  hooksFile,
  inspectSettings,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  withoutBom,
} from '@opensync/core/trigger';
import { unknownRecord } from './known-records.js';
import { configFolder } from './read.js';

const EVENTS = {
  SessionStart: {},
  UserPromptSubmit: {},
  Stop: {},
  SubagentStop: {},
  // Seconds. Without it, all hooks of this event together have 1.5.
  SessionEnd: { timeout: 10 },
};

export const trigger: Trigger = {
  unknownRecord,
  program: { name: 'claude', verified: '2.1.331' },
  isInstalled: (env) => findProgram(env, 'claude') !== undefined || existsSync(configFolder(env)),
  settings: (env, hook) => [hooksFile({ path: settingsPath(env), hook, events: EVENTS, grouped: true })],
  afterSetup: ['A session that is open now takes part when it is started again.'],
  hasOwnPlugin: (env) => isPluginOn(settingsPath(env)),
  check: (env) => inspectSettings(settingsPath(env), (text) => check(settingsPath(env), text)),
};

function settingsPath(env: Env): string {
  return join(configFolder(env), 'settings.json');
}

/** As `/plugin install` writes it. A file that cannot be read is an error where it is edited. */
function isPluginOn(path: string): boolean {
  let isOn = false;
  inspectSettings(path, (text) => {
    const plugins = memberOf(parseDocument(withoutBom(text)), 'enabledPlugins')?.value;
    isOn = membersOf(plugins).some(
      ({ name, value }) => /^claude-code-sync@/.test(name) && jsonValue(value) === true,
    );
    return [];
  });
  return isOn;
}

function check(path: string, text: string): Finding[] {
  // Comments are edited around, since the next version may take them.
  const disabled = memberOf(parseDocument(withoutBom(text), { strict: true }), 'disableAllHooks')?.value;
  if (disabled === undefined || jsonValue(disabled) !== true) return [];
  const remedy = 'Take "disableAllHooks" out of it.';
  return [{ level: 'error', text: `${path} switches all hooks off.`, remedy }];
}
