import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startWith, wake } from '@opensync/core/hook';
import { VARIABLES } from './variables.js';

/*
 * The plugin inside OpenCode, which calls every export of this file: there is one. It runs in the tool's
 * own Bun, must not throw, print or wait, and hands everything to a worker of its own process. So what
 * ends with the tool loses nothing, in versions with and without `dispose`.
 */

/** Something was said or changed. The worker reads from the database what it was. */
const EVENTS = new Set([
  'session.created',
  'session.updated',
  'session.idle',
  'session.error',
  'session.compacted',
]);

interface OpenCodeEvent {
  event?: { type?: unknown };
}

export default async function opencode() {
  // What an earlier session left behind.
  notify('start');
  return {
    event: async ({ event }: OpenCodeEvent) => {
      if (typeof event?.type === 'string' && EVENTS.has(event.type)) notify(event.type);
    },
  };
}

/** The tool's binary is a whole Bun when it is told so: no Node.js is needed beside it. */
function notify(event: string): void {
  try {
    wake({
      plugin: 'opencode-sync',
      home: homedir(),
      vars: { ...process.env, BUN_BE_BUN: '1' },
      names: VARIABLES,
      runtime: process.execPath,
      cli: fileURLToPath(new URL('./cli.js', import.meta.url)),
      event,
      start: startWith(() => spawn),
    });
  } catch {
    // A disk that is full, a home that is gone: the tool must not notice, and the next event tries again.
    return;
  }
}
