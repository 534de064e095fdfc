import { readFileSync } from 'node:fs';

/** Whether a process of this machine runs. Built-ins only: hooks ask it too. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

/** In a container without an init process nobody buries the dead, and they can still be signalled. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch (error) {
    // No /proc, or gone this very moment: signalling it has the last word.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
