// What `npm run check` holds the packages to. See docs/releasing.md.

/** Licences that ask for no more than to be named, alone or joined: what is bundled or installed has one of them. */
export const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
];

/**
 * The first whose name fits. `tarball` and `unpacked` are kB (1,000 bytes); `installed` is the number of
 * packages that npm puts on the disk, this one and optional ones included. Each is some 15 % over what it was
 * when it was set, so that growth is a decision and not an accident.
 */
const BUDGETS = [
  {
    name: /^@opensync\/core$/,
    tarball: 125,
    unpacked: 470,
    installed: 19,
    reason:
      'Not minified, with types of everything. It depends on what plugins bundle, and on SQLite for Node 20.',
  },
  {
    name: /^@opensync\/server$/,
    tarball: 30,
    unpacked: 110,
    installed: 8,
    reason:
      'An HTTP router, a command line, a validator, and SQLite for Node 20; the page is files without a framework.',
  },
  {
    name: /-sync$/,
    tarball: 170,
    unpacked: 560,
    installed: 4,
    reason:
      'One package, everything bundled: prices, redaction, validation, the command line and its prompts. ' +
      'The other three are SQLite for Node 20, where a tool keeps its history in a database.',
  },
  {
    name: /^create-/,
    tarball: 60,
    unpacked: 250,
    installed: 1,
    reason: 'Templates and a few prompts, fetched anew each time it is run.',
  },
];

/** Known and not mended yet; one that no longer happens is a problem itself. */
export const KNOWN = [];

export function budgetOf(name) {
  return BUDGETS.find((budget) => budget.name.test(name));
}
