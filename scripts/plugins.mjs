// Writes the bundles of plugins/*, which people install from inside their tool, straight from this repository.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('..', import.meta.url));
const PLUGINS = {
  'claude-code-sync': '.claude-plugin/plugin.json',
  'codex-sync': '.codex-plugin/plugin.json',
};

for (const [name, manifest] of Object.entries(PLUGINS)) {
  const source = join(root, 'packages', name);
  const target = join(root, 'plugins', name);
  const bin = join(target, 'bin');
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  // Of what is built already, into one file: a plugin is copied around and has no install step.
  await build({
    config: false,
    entry: { cli: join(source, 'dist/cli.js') },
    outDir: bin,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    splitting: false,
    minify: true,
    silent: true,
  });
  cpSync(join(source, 'dist/hook.cjs'), join(bin, 'hook.cjs'));
  cpSync(join(source, 'dist/THIRD-PARTY-LICENSES'), join(bin, 'THIRD-PARTY-LICENSES'));
  writeFileSync(join(bin, 'package.json'), '{ "type": "module" }\n');
  setVersion(join(target, manifest), JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).version);
}

function setVersion(file, version) {
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
}
