// The main job on one machine: the embedded server, and every history of this machine in it.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import {
  checkpointFolder,
  createClient,
  discover,
  follow,
  loadConfig,
  nodeEnv,
  openCheckpoints,
  syncHistory,
} from '@opensync/core';
import { startServer } from '@opensync/server';
import { readOptions } from './options.mjs';

const USAGE = `Usage: npm start [-- --once] [--port N] [--db FILE]

Starts the embedded OpenSync server on this machine, syncs the history of every coding tool found
here into it, and keeps following.

  --once      sync once and exit; the data stays
  --port N    port of the server (default 4747, or PORT)
  --db FILE   database (default ~/.opensync/opensync.db)
`;

/** @returns exit code */
export async function start(args) {
  const options = optionsOf(args);
  const plugins = await loadPlugins();
  const found = plugins.filter(({ source }) => discover(source, nodeEnv()).length > 0);
  const setting = found.length > 0 ? ownHistory(found) : samples(plugins);
  const server = await startServer({
    db: options.db ?? setting.db,
    home: homedir(),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  const stopped = interrupted();
  try {
    console.log(`\n${setting.headline}\n`);
    let failed = 0;
    for (const plugin of setting.plugins)
      failed += report(plugin.source, await sync(plugin, setting, server, stopped));
    if (!stopped.aborted) await announce(server, { ...setting, db: options.db ?? setting.db }, options);
    if (!options.once) await keepUp(setting, server, stopped);
    return options.once && failed > 0 ? 1 : 0;
  } finally {
    await server.close();
    if (stopped.aborted) console.log('\nStopped. The data stays.');
  }
}

function optionsOf(args) {
  const options = {
    once: { type: 'boolean', default: false },
    port: { type: 'string' },
    db: { type: 'string' },
  };
  return readOptions(USAGE, { args, options }, ({ values }) => {
    const port = values.port ?? process.env.PORT;
    if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new Error(`--port "${port}" is not a port.`);
    return { ...values, port: port === undefined ? undefined : Number(port) };
  });
}

/** Every package `*-sync` of this repository. */
async function loadPlugins() {
  const packages = fileURLToPath(new URL('../packages', import.meta.url));
  const plugins = [];
  for (const name of readdirSync(packages).filter((folder) => folder.endsWith('-sync'))) {
    const folder = join(packages, name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { source } = await import(pathToFileURL(join(folder, 'dist/index.js')).href);
    plugins.push({ source, folder, samples: manifest.opensync?.samples });
  }
  return plugins;
}

function ownHistory(plugins) {
  const env = nodeEnv();
  const names = plugins.map(({ source }) => source.name).join(', ');
  return {
    headline: `Found on this machine: ${names}.`,
    plugins,
    envOf: () => env,
    home: env.home,
    db: join(env.home, '.opensync', 'opensync.db'),
  };
}

/** Sample histories, in a folder that every such run begins anew. */
function samples(plugins) {
  const folder = join(homedir(), '.opensync', 'samples');
  rmSync(folder, { recursive: true, force: true });
  const withSamples = plugins.filter((plugin) => plugin.samples !== undefined);
  const names = plugins.map(({ source }) => source.name).join(', ');
  return {
    headline: `SAMPLES: no history of ${names} was found on this machine. These are sample sessions from
this repository, in a throw-away database (${folder}).`,
    plugins: withSamples,
    envOf(plugin) {
      const { home, env = {} } = plugin.samples;
      const pathOf = (path) => join(plugin.folder, path);
      const vars = Object.entries(env).map(([name, path]) => [name, pathOf(path)]);
      return {
        ...nodeEnv(),
        home: home === undefined ? folder : pathOf(home),
        vars: Object.fromEntries(vars),
      };
    },
    home: folder,
    db: join(folder, 'opensync.db'),
    isSample: true,
  };
}

function contextOf({ source, ...plugin }, setting, { url, apiKey }) {
  const env = setting.envOf(plugin);
  // Samples may lie in a home of their own, and nothing is written into that.
  const place = { ...env, home: setting.home };
  const checkpoints = checkpointFolder({ env: place, sourceId: source.id, url, apiKey });
  return {
    source,
    env,
    config: loadConfig({ plugin: source.plugin, env: place, flags: { convexUrl: url, apiKey } }),
    client: createClient({ url, apiKey }),
    checkpoints: openCheckpoints(checkpoints, env.now),
  };
}

async function sync(plugin, setting, server, signal) {
  const notices = [];
  const context = contextOf(plugin, setting, server);
  const summary = await syncHistory(context, { signal, onNotice: (text) => notices.push(text) });
  return { ...summary, notices };
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** @returns how many sessions failed */
function report(source, summary) {
  const { sessions, sessionsSent, messagesSent, unchanged, failed, durationMs, notices } = summary;
  console.log(
    `  ${source.name}: ${plural(sessions, 'session')}, sent ${plural(sessionsSent, 'session')} and ${plural(messagesSent, 'message')}, ` +
      `${unchanged} unchanged, ${failed} failed, in ${(durationMs / 1000).toFixed(1)} s`,
  );
  for (const notice of notices) console.log(`    ${stripVTControlCharacters(notice)}`);
  if (summary.stopped !== undefined) console.log(`    Stopped: ${summary.stopped.message}`);
  return failed;
}

async function announce({ url, openUrl, apiKey }, setting, { once }) {
  const answer = await fetch(`${url}/api/stats`, { headers: { authorization: `Bearer ${apiKey}` } });
  const { sessionCount, messageCount, totalTokens, totalCost } = await answer.json();
  const what = setting.isSample ? 'sample sessions' : 'sessions';
  const number = new Intl.NumberFormat('en-US');
  console.log(`
OpenSync holds ${number.format(sessionCount)} ${what}: ${number.format(messageCount)} messages, ${number.format(totalTokens)} tokens, $${totalCost.toFixed(2)} of known cost
`);
  if (once) {
    console.log(`Done. The server is stopped; the data is in ${setting.db}. "npm start" shows it.`);
    return;
  }
  console.log(`  Look at them  ${openUrl}
  API           ${url}
  API key       in ${join(homedir(), '.opensync', 'server.json')}

Following this machine. Press Ctrl-C to stop.`);
}

/** Aborted by Ctrl-C and by whoever else ends the process. */
function interrupted() {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => controller.abort());
  return controller.signal;
}

async function keepUp(setting, server, signal) {
  const following = setting.plugins.map((plugin) => {
    const { source } = plugin;
    const notices = [];
    return follow(source.files(setting.envOf(plugin)), () => contextOf(plugin, setting, server), {
      signal,
      onNotice: (text) => notices.push(text),
      onSync: (summary) => report(source, { ...summary, notices: notices.splice(0) }),
    });
  });
  await Promise.all(following);
}
