import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

/** The built plugin as a person uses it: its commands, in the home of the test. */
export function openPlugin(name, options) {
  const cli = fileURLToPath(new URL(`../packages/${name}/dist/cli.js`, import.meta.url));
  if (!existsSync(cli)) throw new Error(`${name} is not built: run "npm run build" first.`);
  const command = (...args) => run(process.execPath, [cli, ...args], options);
  return {
    signIn: ({ url, apiKey }) => command('login', '--url', url, '--api-key', apiKey),
    /** From here on the client calls the plugin by itself. */
    setUp: () => command('setup', '--yes'),
    sync: () => command('sync'),
    /** What it says of the hooks that is not well. */
    async complaints() {
      const { stdout } = await command('doctor', '--json');
      return JSON.parse(stdout).findings.filter(({ about, level }) => about === 'hooks' && level !== 'ok');
    },
    async list() {
      const { stdout } = await command('list', '--json');
      return JSON.parse(stdout).sessions;
    },
  };
}
