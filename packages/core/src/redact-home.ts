/**
 * The home directory of the user as `~`: it is in most paths of a session, and tells who they are.
 */

type RewriteHome = (text: string) => string;

/** Between the segments of a path: a slash or backslashes, as they are, escaped once or more, or URL-encoded. */
const separator = String.raw`(?:\\{0,8}\/|\\{1,8}|%(?:25)?(?:2F|5C))`;
/** What a path goes on with when its last name is longer than the one of the home directory. */
const goesOn = String.raw`(?![\p{L}\p{N}_-]|\.[\p{L}\p{N}_-]|\\ |\\u(?!00[0-7])[\da-fA-F]{4}|%(?:25)?(?:2[0Dd]|3\d|4[1-9A-Fa-f]|5[\dAaFf]|6[1-9A-Fa-f]|7[\dAa]|[89A-Fa-f][\dA-Fa-f]))`;
/**
 * Where a path can begin: not behind a name, unless that is the letter of an escape, a flag (`-I/home`)
 * or the host in the URL of an editor. On web sites such a path belongs to the site.
 */
const begins = new RegExp(
  [
    String.raw`(?<![\p{L}\p{N}_.~%$*)\]}\/\\]|[\p{L}\p{N}_]-)`,
    String.raw`(?<=\\[nrtbfv0]|\\u[\da-fA-F]{4}|\[[\d;]{0,12}m|%[\da-fA-F]{2})`,
    String.raw`(?<=(?<![\p{L}\p{N}_-])-[A-Za-z]{1,12})`,
    String.raw`(?<=(?<![a-z\d])(?!https?:)[a-z][a-z\d+.-]{1,30}:\\{0,8}\/\\{0,8}\/[\p{L}\p{N}_.+@$-]{0,100})`,
  ].join('|'),
  'uy',
);

/**
 * `text` with the home directory written as `~` wherever a path begins with it: `/home/me/x` and not
 * `/home/means`. In plain text, in JSON, in URLs, and as some tools name a folder after a path, `-home-me-x`.
 * @param homes absolute paths of the directory: more than one when symbolic links lead to it
 */
export function homeRewriter(homes: readonly string[]): RewriteHome {
  const rewriters = [...new Set(homes)]
    .sort((a, b) => b.length - a.length)
    .flatMap((home) => rewriterOf(home) ?? []);
  return (text) => {
    // What is rewritten may show that a path begins behind it.
    for (let [before, result] = ['', text]; ; ) {
      [before, result] = [result, rewriters.reduce((part, rewrite) => rewrite(part), result)];
      if (result === before) return result;
    }
  };
}

/** Undefined for a home without a name, such as `/`. */
function rewriterOf(home: string): RewriteHome | undefined {
  const drive = /^([A-Za-z]):[\\/]/.exec(home)?.[1];
  const names = home
    .slice(drive === undefined ? 0 : 3)
    .split(drive === undefined ? '/' : /[\\/]/)
    .filter(Boolean);
  if (names.length === 0) return undefined;
  const flags = drive === undefined ? 'gu' : 'giu';
  const path = new RegExp(`${startOf(drive)}${names.map(nameIn).join(separator)}${goesOn}`, flags);
  const folder = new RegExp(
    String.raw`(?<=[\\/])${drive === undefined ? '' : `${drive}-`}-${names.map(nameInFolder).join('-')}(?![\p{L}\p{N}_])`,
    flags,
  );
  // Most texts do not name it at all, and a look for one word costs little.
  const rarest = [...names].filter((name) => /^[\w.]+$/.test(name)).sort((a, b) => b.length - a.length)[0];
  const hint = rarest === undefined ? undefined : new RegExp(escaped(rarest), drive === undefined ? '' : 'i');
  return (text) => {
    if (hint?.test(text) === false) return text;
    return text
      .replace(path, (found, at: number) => (isBeginning(text, at) ? '~' : found))
      .replace(folder, '-~');
  };
}

/** The root: on Windows also as Git Bash (`/c/`) and WSL (`/mnt/c/`) write it, and as in `file:///C:/`. */
function startOf(drive: string | undefined): string {
  if (drive === undefined) return separator;
  const colon = '(?::|%(?:25)?3A)';
  return `(?:${separator}?${drive}${colon}${separator}|${separator}(?:mnt${separator})?${drive}${separator})`;
}

/** A name as it stands in a path: plain, in either form of its accents, escaped for a shell or for JSON, URL-encoded. */
function nameIn(name: string): string {
  const forms = [name.normalize('NFC'), name.normalize('NFD'), name].flatMap((form) => [
    form,
    form.replace(/[^\p{L}\p{N}_.-]/gu, '\\$&'),
    JSON.stringify(form).slice(1, -1),
    unicodeEscaped(form),
    encodeURIComponent(form.toWellFormed()),
    encodeURI(form.toWellFormed()),
  ]);
  return `(?:${[...new Set(forms)].map(escaped).join('|')})`;
}

function unicodeEscaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function nameInFolder(name: string): string {
  return escaped(name.replace(/[^A-Za-z\d]/g, '-'));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function isBeginning(text: string, at: number): boolean {
  begins.lastIndex = at;
  return begins.test(text);
}
