import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, OpenSyncError } from '../errors.js';
import { isLoopback } from '../url.js';
import type { Account } from './open.js';

/**
 * The embedded server that was started last on this machine, from the file it keeps; undefined when none
 * ever was.
 * @throws OpenSyncError `config` when the file cannot be read
 */
export function localServer(home: string): Account | undefined {
  const file = join(home, '.opensync', 'server.json');
  try {
    const { url, apiKey } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Account>;
    if (typeof url === 'string' && typeof apiKey === 'string') return { url, apiKey };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (errorCode(error) === undefined && !(error instanceof SyntaxError)) throw error;
  }
  throw new OpenSyncError(
    'config',
    `Cannot read ${file}. Start the embedded server again to renew it: "opensync-server", or "npm start" in its repository.`,
  );
}

/** An embedded server takes another port when its own is taken: it is known by its key. */
export function whereItIsNow(account: Account, home: string): Account {
  if (!isLoopback(new URL(account.url).hostname)) return account;
  try {
    const local = localServer(home);
    return local?.apiKey === account.apiKey ? local : account;
  } catch (error) {
    // Of no use, and no reason not to try the address that was saved.
    if (error instanceof OpenSyncError) return account;
    throw error;
  }
}
