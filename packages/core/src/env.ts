import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import { OpenSyncError } from './errors.js';
import type { Env } from './source.js';

/**
 * The world as this process sees it.
 * @throws OpenSyncError `config` when there is no home directory
 */
export function nodeEnv(): Env {
  return { home: homeDirectory(), vars: process.env, now: () => Date.now() };
}

function homeDirectory(): string {
  const message =
    'Cannot tell where your home directory is. Set HOME (on Windows USERPROFILE) to its absolute path.';
  try {
    const home = homedir();
    if (isAbsolute(home)) return home;
  } catch (cause) {
    throw new OpenSyncError('config', message, { cause });
  }
  throw new OpenSyncError('config', message);
}
