import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Options } from 'tsup';

export type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

const FILE = 'THIRD-PARTY-LICENSES';

/**
 * Writes `THIRD-PARTY-LICENSES` into the folder of a build: whose code is in the bundle and on what terms, which
 * most licences ask for.
 * @param derived files of one's own that were made from other people's work, and the files in which their terms stand
 */
export function thirdPartyLicenses(derived: Readonly<Record<string, string>> = {}): EsbuildPlugin {
  return onBundled(derived, (notices, folder) => {
    const head = 'What this package contains of other people, and on what terms.';
    const texts = notices.length === 0 ? ['Nothing: only its own code.'] : notices;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, FILE), `${[head, ...texts].join('\n\n')}\n`);
  });
}

/** For bundles that stand alone, where nobody would look for a licence. */
export function nothingOfOthers(): EsbuildPlugin {
  return onBundled({}, (notices) => {
    if (notices.length > 0) throw new Error(`bundles other people's code:\n${notices.join('\n')}`);
  });
}

function onBundled(
  derived: Readonly<Record<string, string>>,
  report: (notices: string[], folder: string) => void,
): EsbuildPlugin {
  const termsOf = new Map(Object.entries(derived).map(([file, terms]) => [resolve(file), terms]));
  return {
    name: 'third-party-licenses',
    setup(build) {
      build.onEnd(({ metafile }) => {
        const notices = new Set<string>();
        for (const output of Object.values(metafile?.outputs ?? {})) {
          for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
            if (bytesInOutput === 0) continue;
            const terms = termsOf.get(resolve(path));
            if (terms !== undefined) notices.add(readFileSync(terms, 'utf8').trim());
            for (const notice of noticesOf(resolve(path))) notices.add(notice);
          }
        }
        report([...notices].sort(), resolve(build.initialOptions.outdir ?? 'dist'));
      });
    },
  };
}

/** Of the package that a file belongs to, and of whatever that contains of others. */
function noticesOf(file: string): string[] {
  if (!/[\\/]node_modules[\\/]/.test(file)) return [];
  const manifest = packageOf(dirname(file));
  const { folder, name, version, license } = manifest;
  const found = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = found === undefined ? declaredTerms(manifest) : readFileSync(join(folder, found), 'utf8');
  const contained = join(folder, 'dist', FILE);
  const [, ...others] = existsSync(contained)
    ? readFileSync(contained, 'utf8')
        .trim()
        .split(/\n\n(?=## )/)
    : [];
  return [`## ${name} ${version}, ${license}\n\n${text.trim()}`, ...others];
}

/** The text of the licence that a package names and leaves out, as some do. */
function declaredTerms({ author, license, name, version }: Manifest): string {
  const holder = typeof author === 'string' ? author : author?.name;
  if (license !== 'MIT' || holder === undefined)
    throw new Error(
      `${name} ${version} is bundled and comes without a licence text: ask its author for one.`,
    );
  return ownLicense().replace(/^Copyright .*$/m, `Copyright (c) ${holder}`);
}

/** The MIT licence, under which this package comes. */
function ownLicense(): string {
  const above = (folder: string): string =>
    existsSync(join(folder, 'LICENSE')) ? join(folder, 'LICENSE') : above(dirname(folder));
  return readFileSync(above(dirname(fileURLToPath(import.meta.url))), 'utf8');
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
