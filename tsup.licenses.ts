import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Options } from 'tsup';

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const FILE = 'THIRD-PARTY-LICENSES';

/** Files of this repository that were made from other people's work, and where their terms stand. */
const DERIVED: Record<string, string> = {
  'packages/core/src/prices.json': 'packages/core/scripts/prices-licenses.txt',
};

/** Writes into `dist` whose code is in a bundle and on what terms, which most licences ask for. */
export function thirdPartyLicenses(): EsbuildPlugin {
  return onBundled((notices, folder) => {
    const head = 'What this package contains of other people, and on what terms.';
    const texts = notices.length === 0 ? ['Nothing: only its own code.'] : notices;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, FILE), `${[head, ...texts].join('\n\n')}\n`);
  });
}

/** For bundles that stand alone, where nobody would look for a licence. */
export function nothingOfOthers(): EsbuildPlugin {
  return onBundled((notices) => {
    if (notices.length > 0) throw new Error(`bundles other people's code:\n${notices.join('\n')}`);
  });
}

function onBundled(report: (notices: string[], folder: string) => void): EsbuildPlugin {
  return {
    name: 'third-party-licenses',
    setup(build) {
      build.onEnd(({ metafile }) => {
        const notices = new Set<string>();
        for (const output of Object.values(metafile?.outputs ?? {})) {
          for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
            const notice = bytesInOutput > 0 ? noticeOf(resolve(file)) : undefined;
            if (notice !== undefined) notices.add(notice);
          }
        }
        report([...notices].sort(), resolve(build.initialOptions.outdir ?? 'dist'));
      });
    },
  };
}

function noticeOf(file: string): string | undefined {
  const derived = DERIVED[relative(ROOT, file).replaceAll('\\', '/')];
  if (derived !== undefined) return readFileSync(join(ROOT, derived), 'utf8').trim();
  if (!/[\\/]node_modules[\\/]/.test(file)) return undefined;
  const manifest = packageOf(dirname(file));
  const { folder, name, version, license } = manifest;
  const found = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = found === undefined ? declaredTerms(manifest) : readFileSync(join(folder, found), 'utf8');
  if (text === undefined) throw new Error(`${name} ${version} is bundled and comes without a licence text`);
  return `## ${name} ${version}, ${license}\n\n${text.trim()}`;
}

/** The text of the licence that a package names and leaves out, as some do. */
function declaredTerms({ author, license }: Manifest): string | undefined {
  const holder = typeof author === 'string' ? author : author?.name;
  if (license !== 'MIT' || holder === undefined) return undefined;
  return readFileSync(join(ROOT, 'LICENSE'), 'utf8').replace(/^Copyright .*$/m, `Copyright (c) ${holder}`);
}

interface Manifest {
  folder: string;
  name: string;
  version: string;
  license: string;
  author?: string | { name?: string };
}

/** The nearest package.json that is more than a marker of the module format. */
function packageOf(folder: string): Manifest {
  const file = join(folder, 'package.json');
  const manifest = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  return manifest.version === undefined ? packageOf(dirname(folder)) : { ...manifest, folder };
}
