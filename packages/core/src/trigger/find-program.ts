import { statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Env } from '../source.js';

/** Where a program lies on the user's PATH. */
export function findProgram({ vars }: Env, name: string): string | undefined {
  const folders = (vars.PATH ?? vars.Path ?? '').split(delimiter).filter((folder) => folder !== '');
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', '.ps1'] : [''];
  return folders
    .flatMap((folder) => endings.map((ending) => join(folder, name + ending)))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}
