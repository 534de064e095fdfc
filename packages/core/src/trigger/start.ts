import type { spawn } from 'node:child_process';
import { lstatSync } from 'node:fs';

/** Starts a program that outlives this process, its terminal and a kill of its group. @returns whether it runs */
export type Start = (program: string, args: string[], env: NodeJS.ProcessEnv) => boolean;

/** @param load `spawn` of `node:child_process`, which takes longer to load than all else that a hook does */
export function startWith(load: () => typeof spawn): Start {
  return (program, args, env) => {
    const child = load()(program, args, { detached: true, stdio: 'ignore', windowsHide: true, env });
    // That there is no process id says the same, and sooner; without a listener it would end the tool.
    child.on('error', () => undefined);
    child.unref();
    return child.pid !== undefined;
  };
}

const SETSID = '/usr/bin/setsid';
const SCRIPT = '"$@" </dev/null >/dev/null 2>&1 &';

/**
 * Turns this process into a shell with a session of its own, which starts the program and ends with 0:
 * that takes less than loading `node:child_process`. It does not return then, so it must be the last
 * thing that happens. Undefined where Node.js cannot (before 22.15) or there is no such `setsid`: on
 * macOS, on Windows, and in Busybox, whose own (a link) does not wait.
 */
export function becomeStarter(): Start | undefined {
  const { execve } = process as { execve?(file: string, args: string[], env: NodeJS.ProcessEnv): never };
  const isThere = lstatSync(SETSID, { throwIfNoEntry: false })?.isFile() === true;
  if (execve === undefined || !isThere) return undefined;
  return (program, args, env) =>
    execve(SETSID, ['setsid', '--wait', '/bin/sh', '-c', SCRIPT, 'sh', program, ...args], env);
}

interface ProcessWrap {
  Process: new () => {
    spawn(options: {
      file: string;
      args: string[];
      envPairs: string[];
      detached: boolean;
      stdio: { type: 'ignore' }[];
    }): number;
  };
}

/**
 * What `spawn` does underneath, for Node.js 20 alone: it cannot become another program, and it gets no
 * more releases (end of life: April 2026) that could change its inside.
 */
export function spawnOfNode20(): Start | undefined {
  const { binding } = process as { binding?(name: 'process_wrap'): ProcessWrap };
  if (binding === undefined || process.platform === 'win32' || !process.versions.node.startsWith('20.'))
    return undefined;
  return (program, args, env) => {
    const { Process } = binding('process_wrap');
    const ignored = { type: 'ignore' } as const;
    const failure = new Process().spawn({
      file: program,
      args: [program, ...args],
      envPairs: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      detached: true,
      stdio: [ignored, ignored, ignored],
    });
    return failure === 0;
  };
}
