import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const TURN_LIMIT_MS = 120_000;
const started = new Set();

/**
 * Starts a program in a process group of its own, so that it ends with everything it started in the
 * foreground. `ended` never rejects for an exit code: `{ code, signal, stdout, stderr, endedAt }`.
 */
export function start(command, args, { cwd, env, stdin = 'ignore', limitMs = TURN_LIMIT_MS }) {
  const child = spawn(command, args, { cwd, env, stdio: [stdin, 'pipe', 'pipe'], detached: true });
  started.add(child);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text;
    });
  }
  const ended = new Promise((resolve, reject) => {
    const timer = globalThis.setTimeout(() => {
      killGroup(child);
      reject(new Error(`${describe(args)} did not end within ${limitMs / 1000} s.\n${tail(output)}`));
    }, limitMs);
    child.once('error', reject);
    let endedAt;
    child.once('exit', () => {
      endedAt = Date.now();
    });
    // Later than "exit" when something that was left behind still holds the output.
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      started.delete(child);
      resolve({ code, signal, ...output, endedAt });
    });
  });
  // Whoever waits for it sees the error; a client that is killed has nobody waiting.
  ended.catch(() => undefined);
  return { child, output, ended, kill: () => killGroup(child) };
}

/** Runs a program to its end. @throws when it fails, with what it printed */
export async function run(command, args, options) {
  const result = await start(command, args, options).ended;
  if (result.code === 0) return result;
  throw new Error(`${describe(args)}: ${result.signal ?? `exit ${result.code}`}\n${tail(result)}`);
}

export function tail({ stdout, stderr }) {
  return `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
}

export function killAll() {
  for (const child of started) killGroup(child);
}

function killGroup({ pid }) {
  if (pid === undefined) return;
  signal(-pid);
}

/** Background workers leave the group of the client on purpose; they are known by the home they work for. */
export async function killBackground(home) {
  // The second look finds what a process of the first one was just starting.
  for (let look = 0; look < 2; look++) {
    const found = processesWithHome(home);
    if (found.length === 0) return;
    for (const pid of found) signal(pid);
    await setTimeout(200);
  }
}

function signal(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function processesWithHome(home) {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axeww', '-o', 'pid=,command='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`HOME=${home} `))
      .map((line) => Number.parseInt(line, 10));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`HOME=${home}`))
    .map(Number);
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch (error) {
    // It ended meanwhile, or belongs to somebody else.
    if (['ENOENT', 'EACCES', 'ESRCH', 'EPERM'].includes(error.code)) return [];
    throw error;
  }
}

function describe(args) {
  return args.join(' ').slice(0, 200);
}
