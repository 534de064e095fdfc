import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../bench/.data', import.meta.url));

/** @returns the path of a Node.js of that version, from npm, kept in bench/.data */
export function nodeOf(version) {
  const folder = join(FOLDER, `node-${version}`);
  const isWindows = process.platform === 'win32';
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
  const binary = join(folder, 'node_modules', name, isWindows ? 'bin/node.exe' : 'bin/node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--no-save', '--prefix', folder, `${name}@${version}`], {
      stdio: 'ignore',
      shell: isWindows,
    });
  }
  return binary;
}
