import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeOf } from '../scripts/node-versions.mjs';
import { comparePair } from './measure.mjs';

/*
 * What a tool waits for when it calls our hook, against `node -e 0`. Two cases: a worker is alive, as
 * during a session, and a worker has to be started, as at its beginning.
 */

const local = (path) => fileURLToPath(new URL(path, import.meta.url));
const HOOK = local('../packages/claude-code-sync/dist/hook.cjs');
const SIZES = [
  ['100 KB', 100e3],
  ['5 MB', 5e6],
  ['50 MB', 50e6],
];

/** @param options.nodes versions of Node.js to measure with, fetched from npm; without it this one */
export async function benchHook({ runs, nodes = [] }) {
  const rows = [];
  const errors = [];
  for (const node of nodes.length === 0 ? [process.execPath] : nodes.map(nodeOf)) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    for (const [size, bytes] of SIZES) {
      for (const [state, prepare] of Object.entries(STATES)) {
        const home = prepareHome(bytes);
        const before = () => prepare(join(home, '.claude-code-sync/live/default'));
        const byShell = process.platform !== 'win32';
        const hook = { node, args: [HOOK, 'claude-code-sync', 'Stop'], home, before, byShell };
        const compared = await comparePair(hook, { node, args: ['-e', '0'], byShell }, 3 * runs);
        rows.push({ name: `hook, ${version}, ${size}, ${state}`, ...compared, target: 1.25 });
        if (!existsSync(join(home, '.claude-code-sync/live/default/mark')))
          errors.push(`hook, ${version}: left no mark`);
        // The last worker may still be on its way out.
        rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      }
    }
  }
  return { rows, errors };
}

const STATES = {
  'worker alive'(folder) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'lock'), String(process.pid));
  },
  // Nobody is signed in, so that the worker ends at once and is not measured along.
  'worker started': (folder) => rmSync(folder, { recursive: true, force: true }),
};

function prepareHome(bytes) {
  const home = mkdtempSync(join(tmpdir(), 'opensync-bench-'));
  const project = join(home, '.claude/projects/-work');
  mkdirSync(project, { recursive: true });
  const line = `${JSON.stringify({ type: 'user', uuid: 'u', message: { role: 'user', content: 'x'.repeat(900) } })}\n`;
  writeFileSync(join(project, 'session.jsonl'), line.repeat(Math.ceil(bytes / line.length)));
  return home;
}
