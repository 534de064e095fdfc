import { Hono } from 'hono';
import type { Database } from './database.js';
import { guard, securityHeaders } from './guard.js';
import { RequestError } from './request-error.js';
import { apiRoutes } from './routes/api.js';
import { pageRoutes } from './routes/page.js';
import { syncRoutes } from './routes/sync.js';

export interface AppOptions {
  db: Database;
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  version: string;
  allowRemote: boolean;
  /** Opens the page for one user, without their key. */
  pageToken: { value: string; userId: number };
}

/**
 * What plugins may rely on beyond the hosted server:
 * - `batch`: carries createdAt, applies what is valid, names what is not.
 * - `immediate-updates`: no update is dropped for coming soon after another.
 * - `unlimited`: no bound on the number of sessions or of messages in one.
 */
const CAPABILITIES = ['batch', 'immediate-updates', 'unlimited'];

export function createApp({ db, now, version, allowRemote, pageToken }: AppOptions): Hono {
  const app = new Hono();
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
  app.route('/', syncRoutes(db, now));
  app.route('/', apiRoutes(db));
  app.route('/', pageRoutes(db, pageToken));
  app.notFound((context) => context.text('No matching routes found', 404));
  app.onError((error, context) => {
    if (error instanceof RequestError) return context.json({ error: error.message }, error.status);
    console.error(`${context.req.method} ${context.req.path}: ${error.message}`);
    return context.json({ error: 'Internal error; the output of the server says more.' }, 500);
  });
  return app;
}
