import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '@opensync/server';
import { generate } from './generate.mjs';
import { benchHook } from './hook.mjs';
import { comparePair, runOnce } from './measure.mjs';
import { benchSources } from './sources.mjs';
import { listErrors, syncErrors } from './verify.mjs';

const local = (path) => fileURLToPath(new URL(path, import.meta.url));
const CLI = local('../packages/claude-code-sync/dist/cli.js');
const USAGE_SCAN = local('floors/usage-scan.mjs');
const LIST_STAT = local('floors/list-stat.mjs');

/** By name, in the order they run. Each returns rows of the table, and what was wrong with the results. */
export const CASES = {
  list: benchList,
  sync: benchSync,
  start: benchStart,
  hook: benchHook,
  sources: (options) => benchSources(options, withServer),
};

const LARGE = { size: '500MB', sessions: 700 };
const MANY = { size: '100MB', files: 10_000 };
const QUICK_LARGE = { size: '50MB', sessions: 70 };
const QUICK_MANY = { size: '10MB', files: 1_000 };

async function benchList({ runs, quick }) {
  const { config, truth } = generate(quick ? QUICK_LARGE : LARGE);
  const env = { CLAUDE_CONFIG_DIR: config };
  const compared = await comparePair(
    { args: [cli(), 'list', '--json'], env },
    { args: [USAGE_SCAN], env },
    runs,
  );
  const name = `list --json, ${describe(truth)}, cold`;
  return {
    rows: [{ name, ...compared, target: 2, memoryTarget: 250 }],
    errors: compared.outputs.flatMap((stdout) => listErrors(stdout, truth)),
  };
}

async function benchSync({ runs, quick }) {
  const { config, truth } = generate(quick ? QUICK_MANY : MANY);
  return withServer(async ({ url, apiKey, home }) => {
    const env = { CLAUDE_CONFIG_DIR: config, OPENSYNC_URL: url, OPENSYNC_API_KEY: apiKey };
    const command = { args: [cli(), 'sync', '--json'], env, home };
    const first = await runOnce(command);
    const compared = await comparePair(command, { args: [LIST_STAT], env }, 2 * runs);
    return {
      rows: [
        {
          name: `sync, ${describe(truth)}, first run`,
          measuredMs: first.cpuMs,
          memoryMb: first.memoryMb,
          note: speed(first, truth),
        },
        { name: `sync, ${describe(truth)}, nothing to do`, ...compared, target: 1.5 },
      ],
      errors: [
        ...syncErrors(first.stdout, truth, { unchanged: false }),
        ...compared.outputs.flatMap((stdout) => syncErrors(stdout, truth, { unchanged: true })),
      ],
    };
  });
}

async function benchStart({ runs }) {
  const compared = await comparePair({ args: [cli(), '--version'] }, { args: ['-e', '0'] }, runs);
  return { rows: [{ name: '--version, against node -e 0', ...compared }], errors: [] };
}

function cli() {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run "npm run build" first.`);
  return CLI;
}

/** The embedded server in this process, on loopback, with a database that is deleted afterwards. */
async function withServer(work) {
  const folder = mkdtempSync(join(tmpdir(), 'opensync-bench-'));
  try {
    const server = await startServer({ db: join(folder, 'opensync.db'), port: 0 });
    try {
      return await work({ url: server.url, apiKey: server.apiKey, home: join(folder, 'home') });
    } finally {
      await server.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe({ totals }) {
  return `${Math.round(totals.bytes / 1e6)} MB in ${totals.files} files`;
}

function speed({ wallMs, stdout }, { totals }) {
  const { sessionsSent, messagesSent } = JSON.parse(stdout);
  const perSecond = (count) => Math.round((count * 1_000) / wallMs);
  const megabytes = ((totals.bytes / 1e6) * 1_000) / wallMs;
  return `${perSecond(sessionsSent)} sessions/s, ${perSecond(messagesSent)} messages/s, ${megabytes.toFixed(1)} MB/s`;
}
