import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../errors.js';
import type { Env } from '../source.js';
import { writeFileAtomic } from '../write-file.js';
import type { CommandContext } from './program.js';

/*
 * A word about a newer version of the plugin. The worker, for which nobody waits, asks npm once a day
 * and notes the answer; commands at a terminal read the note.
 */

const DAY_MS = 24 * 60 * 60 * 1_000;
const LIMIT_MS = 10_000;

interface Note {
  /** ms since 1970. */
  checkedAt: number;
  /** The newest one; absent when npm did not know. */
  version?: string;
}

/** Never throws and never prints: no network, no such package and a full disk are no reason to say anything. */
export async function lookForNewer({ source, io }: CommandContext): Promise<void> {
  const { env } = io;
  const { npmPackage, version: own } = source;
  if (npmPackage === undefined || isOff(env, own)) return;
  try {
    const path = notePath(env, source.plugin);
    if (Math.abs(env.now() - (readNote(path)?.checkedAt ?? 0)) < DAY_MS) return;
    const version = await askNpm(env, npmPackage);
    const note: Note = { checkedAt: env.now(), ...(version !== undefined && { version }) };
    writeFileAtomic(path, `${JSON.stringify(note)}\n`, { durable: false });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** npm knows where and how to ask: its registry, a proxy, a token. */
function askNpm({ vars }: Env, name: string): Promise<string | undefined> {
  return new Promise((done) => {
    const isWindows = process.platform === 'win32';
    const options = {
      env: { ...vars, npm_config_update_notifier: 'false', npm_config_fetch_retries: '0' },
      timeout: LIMIT_MS,
      windowsHide: true,
      // npm is a script there, which only a shell can start; the name is that of a package.
      shell: isWindows,
    };
    // Offline, without npm, or slow: asked again tomorrow.
    execFile('npm', ['view', `${name}@latest`, 'version'], options, (_, stdout) => {
      const version = String(stdout).trim();
      done(isRelease(version) ? version : undefined);
    });
  });
}

/** The line for a person; undefined when there is nothing to say. */
export function noticeOfNewer({ source, io: { env } }: CommandContext): string | undefined {
  if (source.npmPackage === undefined || isOff(env, source.version)) return undefined;
  const version = readNote(notePath(env, source.plugin))?.version;
  if (version === undefined || !isNewer(version, source.version)) return undefined;
  return `${source.plugin} ${version} is out, this is ${source.version}: npm install -g ${source.npmPackage}@latest`;
}

/** A checkout has no version, and the variables are those that other tools obey as well. */
function isOff({ vars }: Env, own: string): boolean {
  return (
    own === '0.0.0' || [vars.NO_UPDATE_NOTIFIER, vars.CI].some((value) => value !== undefined && value !== '')
  );
}

function notePath({ home }: Env, plugin: string): string {
  return join(home, `.${plugin}`, 'latest.json');
}

function readNote(path: string): Note | undefined {
  try {
    const { checkedAt, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return typeof checkedAt !== 'number' ? undefined : { checkedAt, ...(isRelease(version) && { version }) };
  } catch {
    // Not there yet, or damaged: as if nobody had asked.
    return undefined;
  }
}

function isRelease(version: unknown): version is string {
  return typeof version === 'string' && /^\d+\.\d+\.\d+$/.test(version);
}

/** Of versions of three numbers; a tool that does not tell all three is compared by those it tells. */
export function isNewer(version: string, than: string): boolean {
  const [parts, known] = [version, than].map((text) => text.split('.').map(Number));
  const at = parts?.findIndex((part, index) => part !== known?.[index]) ?? -1;
  return at !== -1 && (parts?.[at] ?? 0) > (known?.[at] ?? 0);
}
