import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { LICENCES } from './package-rules.mjs';

/** One function for each rule: what a package would be published as, in; what is wrong with it, out. */

const RANGES = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'];

/** `npm pack` leaves what only pnpm understands. */
export function localRanges({ manifest }) {
  return RANGES.flatMap((field) => Object.entries(manifest[field] ?? {}))
    .filter(([, range]) => /^(workspace|catalog|file|link|portal):/.test(range))
    .map(([name, range]) => `${name} has the range "${range}", which nobody else can install`);
}

export function installScripts({ manifest }) {
  return ['preinstall', 'install', 'postinstall', 'prepare']
    .filter((name) => manifest.scripts?.[name] !== undefined)
    .map((name) => `has a script "${name}", which npm runs or blocks where it is installed`);
}

export function missingFiles({ folder, manifest }) {
  const named = [
    ...(manifest.files ?? []),
    ...paths(manifest.exports),
    ...paths(manifest.bin),
    ...['main', 'types'].flatMap((field) => paths(manifest[field])),
    'README.md',
    'LICENSE',
    'dist/THIRD-PARTY-LICENSES',
  ];
  return named
    .filter((path) => !existsSync(join(folder, path)))
    .map((path) => `names or needs ${path}, which is not in it`);
}

/** What code and types import must come along, belong to Node or be installed: publint and attw see only some of it. */
export function unresolvedImports({ folder, manifest }) {
  const declared = RANGES.slice(0, 3).flatMap((field) => Object.keys(manifest[field] ?? {}));
  const problems = [];
  for (const path of readdirSync(join(folder, 'dist'), { recursive: true })) {
    const file = join(folder, 'dist', path);
    if (!/\.(c?js|d\.c?ts)$/.test(path) || isPage(path)) continue;
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
    for (const { fileName: name } of importedFiles) {
      if (!(name.startsWith('.') ? comesAlong(dirname(file), name) : isInstalled(name, declared)))
        problems.push(`dist/${path} imports "${name}", which will not be there`);
    }
  }
  return problems;
}

/** Run by a browser. */
const isPage = (path) => /^page[\\/]/.test(path);

function comesAlong(folder, name) {
  return [name, name.replace(/\.(c?)js$/, '.d.$1ts')].some((path) => existsSync(join(folder, path)));
}

function isInstalled(name, declared) {
  if (name.startsWith('node:') || builtinModules.includes(name)) return true;
  const [scopeOrName, rest] = name.split('/');
  return declared.includes(name.startsWith('@') ? `${scopeOrName}/${rest}` : scopeOrName);
}

/** @param options.expected names by entry point, from package-exports.json */
export function unexpectedExports({ folder, manifest }, { expected }) {
  const actual = exportedNames({ folder, manifest });
  const problems = [];
  for (const entry of new Set([...Object.keys(actual), ...Object.keys(expected ?? {})])) {
    const [is, was] = [actual[entry] ?? [], expected?.[entry] ?? []];
    for (const name of is) if (!was.includes(name)) problems.push(`exports "${name}" from "${entry}"`);
    for (const name of was)
      if (!is.includes(name)) problems.push(`no longer exports "${name}" from "${entry}"`);
  }
  return problems.map((problem) => `${problem}; if that is meant: npm run release:exports`);
}

/** Values and types, by entry point, as TypeScript sees them. */
export function exportedNames({ folder, manifest }) {
  const entries = Object.entries(manifest.exports ?? {})
    .map(([entry, target]) => [entry, target.types ?? paths(target)[0]])
    .filter(([, path]) => /\.(js|ts)$/.test(path) && existsSync(join(folder, path)));
  const files = entries.map(([, path]) => join(folder, path));
  const program = ts.createProgram(files, {
    allowJs: true,
    noLib: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
  });
  const checker = program.getTypeChecker();
  return Object.fromEntries(
    entries.map(([entry], index) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(files[index]));
      const names = module === undefined ? [] : checker.getExportsOfModule(module).map(({ name }) => name);
      return [entry, names.sort()];
    }),
  );
}

/** @param options.installed what npm installs along with it */
export function licences({ folder, manifest }, { installed }) {
  const file = join(folder, 'dist/THIRD-PARTY-LICENSES');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const bundled = [...text.matchAll(/^## (.+), (.+)$/gm)].map(([, name, license]) => ({ name, license }));
  return [manifest, ...bundled, ...installed]
    .filter(({ license }) => !LICENCES.includes(license))
    .map(({ name, license }) => `${name} has the licence "${license}", which is not on the list`);
}

/** @param options.tarball bytes */
export function sizes({ folder, manifest }, { tarball, installed, budget }) {
  if (budget === undefined) return [`${manifest.name} has no budget in package-rules.mjs`];
  const is = {
    tarball: tarball / 1000,
    unpacked: unpackedSize(folder) / 1000,
    installed: installed.length + 1,
  };
  return Object.entries(is)
    .filter(([what, size]) => size > budget[what])
    .map(([what, size]) => `${what}: ${Math.round(size)} is more than ${budget[what]}. ${budget.reason}`);
}

/** @param options.repository of the root package.json */
export function repositories({ manifest }, { repository, directory }) {
  const expected = repository === undefined ? undefined : { ...repository, directory };
  return JSON.stringify(manifest.repository) === JSON.stringify(expected)
    ? []
    : [`its repository is not that of the root package.json; run: node scripts/repository.mjs`];
}

const RULES = [
  localRanges,
  installScripts,
  missingFiles,
  unresolvedImports,
  unexpectedExports,
  licences,
  sizes,
  repositories,
];

export function checkPackage(folder, options) {
  const manifest = readManifest(folder);
  return RULES.flatMap((rule) => rule({ folder, manifest }, options));
}

/** Every package that npm would install for this one, as pnpm installed it here. */
export function installedPackages(folder, found = new Map()) {
  const manifest = readManifest(folder);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const dependency = findPackage(realpathSync(folder), name);
    // Absent: a prebuilt binary for another system.
    if (dependency === undefined || found.has(dependency)) continue;
    found.set(dependency, readManifest(dependency));
    installedPackages(dependency, found);
  }
  return [...found.values()];
}

function findPackage(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

export function unpackedSize(folder) {
  return readdirSync(folder, { recursive: true })
    .map((path) => statSync(join(folder, path)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function paths(target) {
  if (typeof target === 'string') return [target];
  return Object.values(target ?? {}).flatMap(paths);
}
