import { readFileSync } from 'node:fs';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Env } from '../auth.js';
import type { Database } from '../database.js';
import { messagePage } from '../messages.js';
import { PAGE_DIRECTORY } from '../page-directory.js';
import { queryCount, queryText } from '../query.js';
import { RequestError } from '../request-error.js';
import { searchSessions } from '../search.js';
import { messageView } from '../session-views.js';
import { findSession, listSessions, type StoredSession } from '../sessions.js';

/** Only the page's own two files may run or style; text can never become code, not even by a mistake of ours. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html' },
  { path: '/page/page.js', file: 'page.js', type: 'text/javascript' },
  { path: '/page/page.css', file: 'page.css', type: 'text/css' },
];

/** The page, and the data it reads. Unlike the API its data says null for what was never sent. */
export function pageRoutes(db: Database, access: MiddlewareHandler<Env>): Hono<Env> {
  const app = new Hono<Env>();
  for (const { path, file, type } of FILES) {
    const body = readFileSync(new URL(file, PAGE_DIRECTORY), 'utf8');
    app.get(path, (context) => {
      context.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      return context.body(body, 200, { 'Content-Type': `${type}; charset=utf-8` });
    });
  }
  app.get('/page/sessions', access, (context) =>
    context.json({ sessions: listed(db, context).map(pageView) }),
  );
  app.get('/page/session', access, (context) => {
    const session = findSession(db, context.get('userId'), queryText(context, 'id', 'Missing session ID'));
    if (!session) throw new RequestError('Session not found', 404);
    const offset = queryCount(context, 'offset', 0);
    const messages = messagePage(db, session.seq, queryCount(context, 'limit', 200), offset);
    return context.json({
      session: pageView(session),
      messages: messages.map(messageView),
      hasMore: offset + messages.length < session.messageCount,
    });
  });
  return app;
}

function listed(db: Database, context: Context<Env>): StoredSession[] {
  const query = context.req.query('q')?.trim();
  const limit = queryCount(context, 'limit', 100);
  const offset = queryCount(context, 'offset', 0);
  return query
    ? searchSessions(db, context.get('userId'), query, { match: 'all', limit, offset })
    : listSessions(db, context.get('userId'), limit, offset);
}

function pageView({ seq: _seq, implied: _implied, ...session }: StoredSession): object {
  return session;
}
