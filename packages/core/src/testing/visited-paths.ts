import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const VISITORS = [
  'open',
  'openSync',
  'readFile',
  'readFileSync',
  'createReadStream',
  'readdir',
  'readdirSync',
  'opendir',
  'opendirSync',
  'exists',
  'existsSync',
  'access',
  'accessSync',
  'stat',
  'statSync',
  'lstat',
  'lstatSync',
  'realpath',
  'realpathSync',
  'readlinkSync',
  'copyFileSync',
  'cpSync',
] as const;

/** Absolute paths of what `work` opens, lists or asks about by way of `node:fs`, while it runs. */
export function visitedPaths(work: () => void): string[] {
  const visited: string[] = [];
  const original = Object.fromEntries(VISITORS.map((name) => [name, fs[name]]));
  for (const name of VISITORS) {
    const call = fs[name] as (...args: unknown[]) => unknown;
    const noting = (...args: unknown[]): unknown => {
      // A number is a file that was opened before.
      if (typeof args[0] !== 'number') visited.push(pathOf(args[0]));
      return call(...args);
    };
    // `realpathSync.native` and its like.
    Object.assign(fs, { [name]: Object.assign(noting, call) });
  }
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    Object.assign(fs, original);
    syncBuiltinESMExports();
  }
  return visited;
}

function pathOf(argument: unknown): string {
  return resolve(argument instanceof URL ? fileURLToPath(argument) : String(argument));
}
