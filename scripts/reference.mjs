// Writes docs/authors/reference from core's docstrings; with --check, fails when it is not what they say.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs/authors/reference');

/** By path below the folder. */
function pagesOf(path) {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(path, name)).isFile());
  return new Map(files.sort().map((name) => [name, readFileSync(join(path, name), 'utf8')]));
}

async function write(out) {
  const app = await Application.bootstrapWithPlugins({
    options: join(root, 'typedoc.json'),
    out,
    logLevel: 'Error',
  });
  const project = await app.convert();
  if (project === undefined || app.logger.hasErrors()) throw new Error('Core does not compile.');
  await app.generateOutputs(project);
}

if (process.argv.includes('--check')) {
  const out = mkdtempSync(join(tmpdir(), 'opensync-reference-'));
  try {
    await write(out);
    const [now, kept] = [pagesOf(out), pagesOf(folder)];
    const stale = [...new Set([...now.keys(), ...kept.keys()])].filter(
      (name) => now.get(name) !== kept.get(name),
    );
    if (stale.length > 0) {
      console.error(`docs/authors/reference: ${stale.join(', ')} not as core says: run "npm run reference".`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(out, { recursive: true });
  }
} else await write(folder);
