import type { MiddlewareHandler } from 'hono';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Keeps foreign web pages out. A page whose name was re-pointed to 127.0.0.1 (DNS rebinding) gives
 * itself away by the Host header, any other by its Origin. Programs send no Origin.
 */
export function guard(options: { allowRemote: boolean }): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!options.allowRemote && !isLoopback(host.replace(/:\d*$/, ''))) {
      return context.json({ error: 'This server answers to localhost and 127.0.0.1 only.' }, 403);
    }
    const origin = context.req.header('origin');
    if (origin !== undefined && !isOwnOrigin(origin, host) && context.req.path !== '/health') {
      return context.json({ error: 'Requests from other web pages are refused.' }, 403);
    }
    return next();
  };
}

/** On every answer. Nothing is for caches or for other sites. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  context.header('X-Content-Type-Options', 'nosniff');
  context.header('Referrer-Policy', 'no-referrer');
  context.header('Cross-Origin-Resource-Policy', 'same-origin');
  context.header('Cache-Control', 'no-store');
};

/** Compares host and port only, so that a proxy may add TLS in front of the server. */
function isOwnOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
