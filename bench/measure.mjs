import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOAD = fileURLToPath(new URL('resource-usage.cjs', import.meta.url));

/**
 * Runs Node once, in an environment of its own.
 * @param command.node its binary; default: the one that runs this
 * @param command.args what follows `node`
 * @param command.env added to PATH and HOME
 * @param command.before called first, not measured
 * @param command.home kept home directory; without it every run gets an empty one
 * @returns CPU (user and system), wall time, peak memory and stdout
 */
export async function runOnce({ node = process.execPath, args, env = {}, home, before }) {
  before?.();
  const folder = mkdtempSync(join(tmpdir(), 'opensync-bench-'));
  try {
    return await run(node, args, { ...env, HOME: home ?? folder, USERPROFILE: home ?? folder }, folder);
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
    memoryMb: Math.max(...pairs.map((pair) => pair.measured.memoryMb)),
    outputs: pairs.map((pair) => pair.measured.stdout),
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)];
}
