import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

const CACHE = fileURLToPath(new URL('.cache', import.meta.url));
const INSTALL_LIMIT_MS = 600_000;

/**
 * The client from npm, kept in `.cache` for the next run.
 * @returns `{ version, folder }`; `folder` has its program
 */
export async function installClient({ id, npm }, wanted) {
  const version = await resolveVersion(npm, wanted);
  const home = join(CACHE, `${id}-${version}`);
  if (!existsSync(home)) await install(npm, version, home);
  return { version, folder: join(home, 'node_modules', '.bin') };
}

async function resolveVersion(npm, wanted = 'latest') {
  const { stdout } = await run('npm', ['view', `${npm}@${wanted}`, 'version', '--json'], npmOptions());
  const versions = stdout.trim() === '' ? [] : [JSON.parse(stdout)].flat();
  const version = versions.at(-1);
  if (version === undefined) throw new Error(`The registry has no ${npm}@${wanted}.`);
  return version;
}

async function install(npm, version, home) {
  const partial = `${home}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
    await run('npm', ['install', '--ignore-scripts', ...quiet, `${npm}@${version}`], npmOptions(partial));
    await runPostinstall(join(partial, 'node_modules', npm));
    renameSync(partial, home);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** By hand: whether npm runs it depends on npm's version, and without it two clients have no program. */
async function runPostinstall(folder) {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (scripts?.postinstall === undefined) return;
  await run('sh', ['-c', scripts.postinstall], npmOptions(folder));
}

/** As the person who runs this has npm set up, since that is where the registry is configured. */
function npmOptions(cwd = CACHE) {
  mkdirSync(cwd, { recursive: true });
  return { cwd, env: process.env, limitMs: INSTALL_LIMIT_MS };
}
