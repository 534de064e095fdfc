// Live syncing with the real clients, from npm, against a scripted model. See README.md.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from '../scripts/options.mjs';
import { claudeCode } from './claude-code.mjs';
import { codex } from './codex.mjs';
import { installClient } from './install.mjs';
import { opencode } from './opencode.mjs';
import { killAll, killBackground } from './processes.mjs';
import { testClient } from './scenario.mjs';

const CLIENTS = [claudeCode, codex, opencode];
const USAGE = `Usage: npm run test:clients [-- [--by-sync | --by-plugin] [--keep] [client[@version]...]]

  client[@version]  ${CLIENTS.map(({ id }) => id).join(', ')}; all of them without one. The newest version
                    of the registry without @version
  --by-sync         do not set the plugin up; run its "sync" after each turn
  --by-plugin       let the client install the plugin from this repository, where it can
  --keep            leave the temporary folders, and say where they are
`;

async function main() {
  const options = optionsOf();
  const folders = cleanUpOnSignals();
  const findings = [];
  for (const { client, version } of options.clients) {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'opensync-clients-')));
    folders.add(root);
    const report = (finding) => findings.push(print({ client, ...finding }));
    try {
      const installed = await installClient(client, version);
      console.log(`\n${client.name} ${installed.version}`);
      await testClient(client, { ...installed, root, how: options.how, report });
    } catch (error) {
      report({ what: `${client.name} gave up`, problem: error.message });
    }
    if (options.keep) console.log(`  kept: ${root}`);
    else rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    folders.delete(root);
  }
  const failed = findings.filter(({ problem }) => problem !== undefined).length;
  console.log(`\n${findings.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function optionsOf() {
  const options = {
    'by-sync': { type: 'boolean', default: false },
    'by-plugin': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  };
  return readOptions(USAGE, { allowPositionals: true, options }, ({ values, positionals }) => {
    const clients =
      positionals.length > 0 ? positionals.map(namedClient) : CLIENTS.map((client) => ({ client }));
    const how = values['by-sync'] ? 'sync' : values['by-plugin'] ? 'plugin' : 'setup';
    return { clients, how, keep: values.keep };
  });
}

function namedClient(name) {
  const [id, version] = name.split('@');
  const client = CLIENTS.find((candidate) => candidate.id === id);
  if (client === undefined) throw new Error(`There is no client "${id}".`);
  return { client, version };
}

function print(finding) {
  const { what, latencyMs, problem } = finding;
  const latency = latencyMs === undefined ? '' : `${latencyMs} ms`;
  console.log(`  ${problem === undefined ? 'ok    ' : 'FAILED'}  ${what.padEnd(50)} ${latency.padStart(8)}`);
  if (problem !== undefined) console.log(problem.replaceAll(/^/gm, '          '));
  return finding;
}

/** @returns the set of temporary folders that a signal has to take away */
function cleanUpOnSignals() {
  const folders = new Set();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, async () => {
      killAll();
      for (const root of folders) {
        for (const home of ['plain', 'synced']) await killBackground(join(root, home));
        rmSync(root, { recursive: true, force: true, maxRetries: 3 });
      }
      // What the interrupted run went on to start meanwhile.
      killAll();
      process.exit(1);
    });
  }
  return folders;
}

process.exitCode = await main();
