import { OpenSyncError } from './errors.js';

/**
 * A URL as people type or paste it, to the server's address: `https://name.convex.site`, no trailing slash.
 * The scheme may be missing, `.convex.cloud` becomes `.convex.site`.
 * @throws OpenSyncError `config` when it holds more than an address or would send the key in the clear
 */
export function normalizeUrl(text: string): string {
  const url = parseUrl(text.trim());
  url.hostname = url.hostname.replace(/\.convex\.cloud$/, '.convex.site');
  if (url.username !== '' || url.password !== '') {
    throw new OpenSyncError('config', `The URL must not hold a user name or password. Use ${url.origin}.`);
  }
  if (/[^/]/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    const message = `The URL must be the server's address alone, without anything after it. Use ${url.origin}.`;
    throw new OpenSyncError('config', message);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    const message = `Plain http is for servers on this machine only. Use https://${url.host}, so that nobody on the way can read your key.`;
    throw new OpenSyncError('config', message);
  }
  return url.origin;
}

/** Without the text in its errors, which may hold a password. */
function parseUrl(text: string): URL {
  const url = tryUrl(withScheme(text));
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const message = 'This is not the URL of a server. It looks like https://your-deployment.convex.site.';
    throw new OpenSyncError('config', message);
  }
  return url;
}

function withScheme(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  const hostname = tryUrl(`http://${text}`)?.hostname ?? '';
  return `${isLoopback(hostname) ? 'http' : 'https'}://${text}`;
}

function tryUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Whether a host name, as `URL` spells it, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
