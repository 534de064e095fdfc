// The whole release, but into a registry on this machine: see docs/releasing.md.
// Works on a clone of the last commit in a temporary folder, and ends only what it started. Linux and macOS.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startRegistry, untilAnswers } from './local-registry.mjs';
import { nodeOf } from './node-versions.mjs';
import { readOptions } from './options.mjs';
import { readManifest, unpackedSize } from './package-checks.mjs';

const USAGE = `Usage: npm run release:rehearse [-- --nodes 20,24] [--keep]

  --nodes VERSIONS   of Node.js to install with, from npm (default 20,22,24,26)
  --keep             leave the temporary folder, and say where it is
`;

const { values: options } = readOptions(USAGE, {
  options: { nodes: { type: 'string', default: '20,22,24,26' }, keep: { type: 'boolean', default: false } },
});
const nodes = options.nodes.split(',');
const npm = process.env.npm_execpath;
const repository = fileURLToPath(new URL('..', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'opensync-release-'));
const clone = join(root, 'clone');
const tarballs = join(root, 'tarballs');

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
let registry;
process.on('exit', () => {
  registry?.stop();
  if (options.keep) console.log(`Kept: ${root}`);
  else rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});
try {
  process.exitCode = await rehearse();
} catch (error) {
  console.error(`The rehearsal broke off. ${error.message}`);
  process.exitCode = 1;
} finally {
  // Or this process would wait for it.
  registry?.stop();
}

async function rehearse() {
  say('Versions, bundles and tarballs, on a clone of the last commit');
  run('git', ['clone', '--quiet', repository, clone], root);
  npmRun('release:version');
  run('git', ['add', '--all']);
  run('git', [
    '-c',
    'user.name=rehearsal',
    '-c',
    'user.email=rehearsal@localhost',
    'commit',
    '-qm',
    'Versions',
  ]);
  npmRun('release:pack', tarballs);

  say('The bundles in plugins/ are what this commit builds');
  npmRun('plugins');
  run('git', ['diff', '--exit-code', '--stat']);

  const packages = readdirSync(tarballs).map(unpack);
  say('A registry on this machine; published twice, the second time there is nothing to do');
  const own = packages.map(({ name }) => name);
  registry = await startRegistry({ folder: join(root, 'registry'), own, npm });
  for (const _ of ['first', 'second'])
    run(process.execPath, ['scripts/publish.mjs', tarballs], clone, registry.env);

  for (const one of packages) {
    say(`${one.name}@${one.version}`);
    one.installs = [];
    for (const version of nodes) one.installs.push(await installAndUse(one, version));
  }
  console.log(`\n${table(packages)}`);
  return packages.every(({ installs }) => installs.every(({ problem }) => problem === undefined)) ? 0 : 1;
}

function unpack(file) {
  const folder = join(root, 'unpacked', file);
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', join(tarballs, file), '-C', folder]);
  const manifest = readManifest(join(folder, 'package'));
  return { ...manifest, tarball: statSync(join(tarballs, file)).size, unpacked: unpackedSize(folder) };
}

/** As a user would, in an empty home. */
async function installAndUse(manifest, version) {
  const home = join(root, 'homes', `${manifest.name}-${version}`);
  const prefix = join(home, 'prefix');
  mkdirSync(prefix, { recursive: true });
  const node = nodeOf(version);
  const env = {
    ...registry.env,
    HOME: home,
    PATH: [dirname(node), join(prefix, 'bin'), process.env.PATH].join(delimiter),
    npm_config_prefix: prefix,
    npm_config_cache: join(home, 'npm-cache'),
  };
  try {
    const started = performance.now();
    execFileSync(node, [npm, 'install', '--global', manifest.name], { env, stdio: 'pipe', cwd: home });
    const seconds = (performance.now() - started) / 1000;
    const lib = join(prefix, 'lib');
    const exec = (file, args, more) =>
      execFileSync(file, args, { env: { ...env, ...more }, cwd: lib, encoding: 'utf8', stdio: 'pipe' });
    await use(manifest, { exec, node, env, home, bin: join(prefix, 'bin') });
    console.log(`  Node ${version}: ok`);
    return { seconds, installed: countPackages(lib) };
  } catch (error) {
    console.error(`  Node ${version}: ${error.message}`);
    return { problem: error.message };
  }
}

async function use(manifest, { exec, node, env, home, bin }) {
  for (const entry of Object.keys(manifest.exports ?? {})) {
    // The first is data; the second needs the user's own vitest.
    if (entry.endsWith('.json') || entry === './testing') continue;
    exec(node, ['--input-type=module', '--eval', `await import('${manifest.name}${entry.slice(1)}')`]);
  }
  for (const command of Object.keys(manifest.bin ?? {})) {
    const program = join(bin, command);
    expect(exec(program, ['--version']).trim() === manifest.version, '--version is that of the package');
    expect(exec(program, ['--help']).includes(command), '--help names the command');
    if (manifest.opensync?.samples !== undefined) {
      const { sessions } = JSON.parse(exec(program, ['list', '--json'], samplesOf(manifest)));
      expect(sessions.length > 0, 'list --json shows the samples');
    }
    if (manifest.name === '@opensync/server') await startAndStop(program, { env, home });
  }
}

function samplesOf({ name, opensync }) {
  const { home, env = {} } = opensync.samples;
  const places = { ...(home && { HOME: home }), ...env };
  return Object.fromEntries(
    Object.entries(places).map(([key, path]) => [key, join(clone, 'packages', name, path)]),
  );
}

async function startAndStop(program, { env, home }) {
  const server = spawn(program, ['--port', '0'], { env, cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = await firstUrl(server.stdout);
    await untilAnswers(`${url}/health`);
  } finally {
    server.kill();
  }
  const [code] = await once(server, 'exit');
  expect(code === 0, `the server ends well: ${code}`);
}

async function firstUrl(stream) {
  for await (const line of createInterface({ input: stream })) {
    const [url] = line.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('the server said no URL');
}

function expect(is, what) {
  if (!is) throw new Error(`not so: ${what}`);
}

function countPackages(folder) {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return 0;
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((rest) => `${name}/${rest}`) : [name],
    )
    .reduce((sum, name) => sum + 1 + countPackages(join(modules, name)), 0);
}

function table(packages) {
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const head = [
    'package',
    'version',
    'tarball',
    'unpacked',
    'packages',
    'install',
    ...nodes.map((v) => `Node ${v}`),
  ];
  const rows = packages.map(({ name, version, tarball, unpacked, installs }) => {
    const done = installs.filter(({ problem }) => problem === undefined);
    const seconds = done.map((install) => install.seconds).sort((a, b) => a - b);
    const range = seconds.length === 0 ? '–' : `${seconds[0].toFixed(1)}–${seconds.at(-1).toFixed(1)} s`;
    const installed = [...new Set(done.map((install) => install.installed))].join(', ');
    const results = installs.map(({ problem }) => (problem === undefined ? 'ok' : 'FAILED'));
    return [name, version, kB(tarball), kB(unpacked), installed, range, ...results];
  });
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function say(text) {
  console.log(`\n== ${text}`);
}

function npmRun(task, ...args) {
  run(process.execPath, [npm, 'run', '--silent', task, '--', ...args], clone, {
    GITHUB_REPOSITORY: 'rehearsal/opensync',
  });
}

function run(file, args, cwd = clone, env = {}) {
  execFileSync(file, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
}
