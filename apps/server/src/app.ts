import { Hono } from 'hono';
import { createAccess } from './auth.js';
import type { Database } from './database.js';
import { explain } from './database-error.js';
import { guard, securityHeaders } from './guard.js';
import type { Limits } from './rate-limit.js';
import { RequestError } from './request-error.js';
import { apiRoutes } from './routes/api.js';
import { pageRoutes } from './routes/page.js';
import { syncRoutes } from './routes/sync.js';

interface AppOptions {
  db: Database;
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  version: string;
  allowRemote: boolean;
  /** Opens the page for one user, without their key. */
  pageToken: { value: string; userId: number };
  limits: Limits;
}

/**
 * What plugins may rely on beyond the hosted server:
 * - `batch`: carries createdAt, applies what is valid, names what is not.
 * - `immediate-updates`: no update is dropped for coming soon after another.
 * - `unlimited`: no bound on the number of sessions or of messages in one.
 */
const CAPABILITIES = ['batch', 'immediate-updates', 'unlimited'];

export function createApp({ db, now, version, allowRemote, pageToken, limits }: AppOptions): Hono {
  const app = new Hono();
  const access = createAccess(db, limits, pageToken);
  app.use(securityHeaders, guard({ allowRemote }));
  app.get('/health', (context) => {
    context.header('Access-Control-Allow-Origin', '*');
    return context.json({
      status: 'ok',
      timestamp: now(),
      server: 'opensync-embedded',
      version,
      capabilities: CAPABILITIES,
    });
  });
  app.route('/', syncRoutes(db, access.byKey, now));
  app.route('/', apiRoutes(db, access.byKey));
  app.route('/', pageRoutes(db, access.toPage));
  app.notFound((context) => context.text('No matching routes found', 404));
  app.onError((error, context) => {
    if (error instanceof RequestError) return context.json({ error: error.message }, error.status);
    console.error(`${context.req.method} ${context.req.path}: ${error.message}`);
    const known = explain(error);
    if (known?.retryAfter !== undefined) context.header('Retry-After', String(known.retryAfter));
    if (known) return context.json({ error: known.text }, known.status);
    return context.json({ error: 'Internal error; the output of the server says more.' }, 500);
  });
  return app;
}
