import { readFileSync, writeFileSync } from 'node:fs';

const CLEAR_PEAK = '5';

/** Linux alone can forget the peak that a process had before; elsewhere it is that of its whole life. */
export function resetPeakMemory(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/clear_refs', CLEAR_PEAK);
  } catch (error) {
    // Some containers keep it read-only.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** Bytes. */
export function peakMemory(): number {
  const lifetime = process.resourceUsage().maxRSS * 1024;
  if (process.platform !== 'linux') return lifetime;
  const [, kilobytes] = /^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kilobytes === undefined ? lifetime : Number(kilobytes) * 1024;
}
