import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];
const MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The Chromium of this machine, or what the variable CHROMIUM names. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...candidates, MACOS].find((path) => path !== '' && existsSync(path));
}

/** Debian's package. */
export function installBrowser(): string {
  try {
    execFileSync('apt-get', ['update'], { stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium-headless-shell'], {
      stdio: 'ignore',
    });
  } catch (cause) {
    throw new Error(
      'No Chromium here, and apt-get cannot install one. Install it, or set CHROMIUM to its path.',
      { cause },
    );
  }
  return findBrowser() ?? 'chromium-headless-shell';
}
