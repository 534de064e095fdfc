// Runs a task on a machine that has Node and npm and nothing else: fetches pnpm, installs, builds, goes on.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const { packageManager: PNPM } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const root = fileURLToPath(new URL('..', import.meta.url));
const [task = 'build', ...args] = process.argv.slice(2);

const SCRIPT_TESTS = ['package-checks', 'run', 'start'].map((name) => `scripts/${name}.test.mjs`);

const tasks = {
  build: () => turbo('build'),
  async start() {
    await turbo('build', '--filter=@opensync/server', '--filter=./packages/*-sync');
    // In this process, so that Ctrl-C reaches it and nothing stays behind.
    const { start } = await import('./start.mjs');
    process.exitCode = await start(args);
  },
  async test() {
    await turbo('build');
    await pnpm('exec', 'vitest', 'run', ...args);
  },
  async check() {
    await pnpm('exec', 'biome', 'check', '.');
    await run(process.execPath, ['packages/core/scripts/build-prices.mjs', '--check']);
    await run(process.execPath, ['scripts/reference.mjs', '--check']);
    await turbo('build', 'typecheck', 'lint:package');
    await run(process.execPath, ['--test', '--test-reporter=dot', ...SCRIPT_TESTS]);
    await inTemporaryFolder((folder) => pack(folder));
    if (!args.includes('--no-tests')) await pnpm('exec', 'vitest', 'run', ...args);
  },
  async 'test:clients'() {
    await turbo('build', '--filter=@opensync/server', '--filter=./packages/*-sync');
    await run(process.execPath, ['clients/run.mjs', ...args]);
  },
  async 'test:page'() {
    await turbo('build', '--filter=@opensync/server');
    process.env.OPENSYNC_TEST_PAGE = '1';
    await pnpm('exec', 'vitest', 'run', 'apps/server/test/page', ...args);
  },
  async 'test:create'() {
    await turbo('build', '--filter=create-opensync-plugin');
    const vitest = ['exec', 'vitest', 'run', '--root', 'packages/create-opensync-plugin'];
    await pnpm(...vitest, '--config', 'vitest.npm.config.ts', ...args);
  },
  async plugins() {
    await turbo('build');
    await run(process.execPath, ['scripts/plugins.mjs']);
  },
  async 'release:version'() {
    await pnpm('exec', 'changeset', 'version');
    await run(process.execPath, ['scripts/repository.mjs']);
    await tasks.plugins();
    await pnpm('exec', 'biome', 'check', '--write', '.');
  },
  async 'release:pack'() {
    await turbo('build');
    await pack(resolve(args[0] ?? 'packed'));
  },
  async 'release:exports'() {
    await turbo('build');
    await inTemporaryFolder((folder) => pack(folder, '--update'));
    await pnpm('exec', 'biome', 'format', '--write', 'scripts/package-exports.json');
  },
  reference: () => run(process.execPath, ['scripts/reference.mjs', ...args]),
  'release:rehearse': () => run(process.execPath, ['scripts/rehearse-release.mjs', ...args]),
  'test:faults': () => run(process.execPath, ['packages/core/test/faults/run.mjs', ...args]),
  'test:fuzz': () => run(process.execPath, ['packages/core/test/fuzz/run.mjs', ...args]),
  async bench() {
    await turbo('build');
    await run(process.execPath, ['bench/run.mjs', ...args]);
  },
};

function turbo(...turboArgs) {
  return pnpm('exec', 'turbo', 'run', ...turboArgs, '--output-logs=errors-only', '--no-update-notifier');
}

/** Every package as it would be published, checked: npm's own `pack` leaves `catalog:` and `workspace:` in. */
async function pack(folder, ...checkArgs) {
  await pnpm('-r', 'pack', '--pack-destination', folder, '--silent');
  await run(process.execPath, ['scripts/check-packages.mjs', folder, ...checkArgs]);
}

async function inTemporaryFolder(action) {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-packed-'));
  try {
    await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `--prefer-offline`: without a network, npx would otherwise wait more than a minute for each call. */
function pnpm(...pnpmArgs) {
  return run('npx', ['--yes', '--prefer-offline', PNPM, ...pnpmArgs]);
}

function run(command, commandArgs) {
  const env = {
    ...process.env,
    DO_NOT_TRACK: '1',
    TURBO_TELEMETRY_DISABLED: '1',
    npm_config_update_notifier: 'false',
  };
  // On Windows npx is a batch file, which only a shell can start.
  const shell = process.platform === 'win32' && command === 'npx';
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, { cwd: root, stdio: 'inherit', env, shell });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(Object.assign(new Error(`${commandArgs.join(' ')}: ${signal ?? `exit ${code}`}`), { code }));
    });
  });
}

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`OpenSync needs Node.js 20 or newer; this is ${process.version}.`);
  process.exit(1);
}
if (!Object.hasOwn(tasks, task)) {
  console.error(`Unknown task "${task}". Tasks: ${Object.keys(tasks).join(', ')}.`);
  process.exit(2);
}
try {
  await pnpm('install', '--frozen-lockfile', '--reporter=append-only', '--silent');
  await tasks[task]();
} catch (error) {
  console.error(error.message);
  process.exitCode = typeof error.code === 'number' ? error.code : 1;
}
