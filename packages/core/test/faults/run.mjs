// Bundles the harness, runs it, and removes the bundle.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './build.mjs';

const folder = mkdtempSync(join(tmpdir(), 'opensync-faults-build-'));
try {
  await bundle(['main', 'worker'], folder);
  const { main } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
  const packages = resolve(import.meta.dirname, '../../..');
  process.exitCode = await main(process.argv.slice(2), packages, join(folder, 'worker.mjs'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
