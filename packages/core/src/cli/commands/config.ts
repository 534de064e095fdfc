import {
  type Config,
  configPath,
  DEFAULTS,
  maskKey,
  parseSetting,
  resolveConfig,
  SETTING_NAMES,
  type SettingName,
  updateConfig,
} from '../../config.js';
import { OpenSyncError } from '../../errors.js';
import { table } from '../format.js';
import { settingsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

/** Prints one setting as it is in force, or all with where they come from. A key is never printed whole. */
export async function configGet(
  { source, io }: CommandContext,
  name: string | undefined,
  options: { json?: boolean },
): Promise<number> {
  const { config, origins } = resolveConfig(settingsOf({ source, io }));
  if (name !== undefined && !isSetting(name)) {
    throw new OpenSyncError(
      'usage',
      `There is no setting "${name}". There are: ${SETTING_NAMES.join(', ')}.`,
    );
  }
  const names = name === undefined ? SETTING_NAMES : [name];
  const entries = names.map((key) => ({ key, ...inForce(config, key, origins[key]) }));
  if (options.json === true) {
    const settings = Object.fromEntries(
      entries.map(({ key, value, origin }) => [key, { value: value ?? null, origin: origin ?? null }]),
    );
    io.stdout.write(`${JSON.stringify({ schema: 1, settings }, null, 2)}\n`);
  } else if (name !== undefined) {
    io.stdout.write(`${textOf(entries[0]?.value)}\n`);
  } else {
    const rows = entries.map(({ key, value, origin }) => [key, textOf(value), origin ?? '']);
    io.stdout.write(table(['SETTING', 'VALUE', 'FROM'], rows, new Set()));
  }
  return EXIT.ok;
}

function isSetting(name: string): name is SettingName {
  return (SETTING_NAMES as string[]).includes(name);
}

function inForce(config: Config, name: SettingName, origin: string | undefined) {
  if (name === 'apiKey' && config.apiKey !== undefined) return { value: maskKey(config.apiKey), origin };
  if (config[name] !== undefined) return { value: config[name], origin };
  const value = (DEFAULTS as Config)[name];
  return { value, origin: value === undefined ? undefined : 'default' };
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export async function configSet(
  { source, io }: CommandContext,
  name: string,
  value: string,
): Promise<number> {
  updateConfig(parseSetting(name, value), { plugin: source.plugin, env: io.env });
  io.stdout.write(`Set ${name} in ${configPath({ plugin: source.plugin, env: io.env })}.\n`);
  return EXIT.ok;
}

export async function configPaths({ source, io }: CommandContext): Promise<number> {
  io.stdout.write(`${configPath({ plugin: source.plugin, env: io.env })}\n${configPath({ env: io.env })}\n`);
  return EXIT.ok;
}
