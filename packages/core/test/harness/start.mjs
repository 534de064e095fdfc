// Bundles a harness, runs its `main`, and leaves nothing behind.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './build.mjs';

/** @param source folder with `main.ts` and `worker.ts` */
export async function start(source, name) {
  // In memory, where there is such a folder: thousands of small files cost least there.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `opensync-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  await bundle([join(source, 'main.ts'), join(source, 'worker.ts')], folder);
  const { main } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
  process.exitCode = await main(process.argv.slice(2), resolve(import.meta.dirname, '../../..'), folder);
}
