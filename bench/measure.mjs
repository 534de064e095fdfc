import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PRELOAD = fileURLToPath(new URL('resource-usage.cjs', import.meta.url));

/**
 * Runs Node once, in an environment of its own.
 * @param command.node its binary; default: the one that runs this
 * @param command.args what follows `node`
 * @param command.env added to PATH and HOME
 * @param command.before called first, not measured
 * @param command.home kept home directory; without it every run gets an empty one
 * @param command.byShell bash looks at the clock: for a program that becomes another one. It sees all of
 *   the process, from its start to its end, in ms, and no memory
 * @returns CPU (user and system), wall time, peak memory and stdout
 */
export async function runOnce({ node = process.execPath, args, env = {}, home, before, byShell = false }) {
  before?.();
  const folder = mkdtempSync(join(tmpdir(), 'opensync-bench-'));
  const vars = { ...env, HOME: home ?? folder, USERPROFILE: home ?? folder };
  try {
    return byShell ? await runByShell(node, args, vars) : await run(node, args, vars, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(node, args, env, folder) {
  const usageFile = join(folder, 'usage.json');
  const outFile = join(folder, 'stdout');
  const out = openSync(outFile, 'w');
  const startedAt = performance.now();
  const child = spawn(node, ['--require', PRELOAD, ...args], {
    env: { PATH: process.env.PATH, ...env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', out, 'inherit'],
  });
  const [code, signal] = await once(child, 'exit');
  const wallMs = performance.now() - startedAt;
  closeSync(out);
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${signal ?? code}.`);
  const { cpuMicros, maxRssKb } = JSON.parse(readFileSync(usageFile, 'utf8'));
  return {
    cpuMs: cpuMicros / 1_000,
    wallMs,
    memoryMb: maxRssKb / 1_024,
    stdout: readFileSync(outFile, 'utf8'),
  };
}

async function runByShell(node, args, env) {
  const startedAt = performance.now();
  const script = 'TIMEFORMAT="%3U %3S"; time "$@"';
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, 'bash', node, ...args], {
    env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
  });
  const cpuMs = stderr.split(' ').reduce((sum, seconds) => sum + 1_000 * Number(seconds), 0);
  if (!(cpuMs > 0)) throw new Error(`node ${args.join(' ')} printed ${JSON.stringify(stderr)}.`);
  return { cpuMs, wallMs: performance.now() - startedAt, stdout };
}

/**
 * Runs a command and its floor in turn, so that whatever else the machine does meets both.
 * The first pair fills the page cache and is not counted.
 */
export async function comparePair(command, floor, runs) {
  const pairs = [];
  for (let i = 0; i <= runs; i++)
    pairs.push({ measured: await runOnce(command), floor: await runOnce(floor) });
  const counted = pairs.slice(1);
  const ratios = counted.map((pair) => pair.measured.cpuMs / pair.floor.cpuMs);
  return {
    measuredMs: median(counted.map((pair) => pair.measured.cpuMs)),
    floorMs: median(counted.map((pair) => pair.floor.cpuMs)),
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    ...(!command.byShell && { memoryMb: Math.max(...pairs.map((pair) => pair.measured.memoryMb)) }),
    outputs: pairs.map((pair) => pair.measured.stdout),
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)];
}
