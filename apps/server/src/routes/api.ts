import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Env } from '../auth.js';
import { readContext } from '../context.js';
import type { Database } from '../database.js';
import { exportFilename, exportJson, exportJsonl, exportMarkdown } from '../export.js';
import { wholeSession } from '../messages.js';
import { queryCount, queryText } from '../query.js';
import { RequestError } from '../request-error.js';
import { searchSessions } from '../search.js';
import { messageView, searchView, sessionView } from '../session-views.js';
import { findSession, listSessions, readStats, type StoredSession } from '../sessions.js';

const EVAL_FORMATS = ['deepeval', 'openai', 'promptfoo', 'filesystem'];

/** What people's own programs read. */
export function apiRoutes(db: Database, byKey: MiddlewareHandler<Env>): Hono<Env> {
  return new Hono<Env>()
    .get('/api/sessions', byKey, (context) => {
      const sessions = listSessions(db, context.get('userId'), queryCount(context, 'limit', 50));
      return context.json({ sessions: sessions.map(sessionView) });
    })
    .get('/api/sessions/get', byKey, (context) => {
      const session = requestedSession(db, context);
      const messages = wholeSession(db, session.seq);
      return context.json({ session: sessionView(session), messages: messages.map(messageView) });
    })
    .get('/api/search', byKey, (context) => context.json({ results: search(db, context).map(searchView) }))
    .get('/api/context', byKey, (context) => {
      const query = queryText(context, 'q', "Missing query parameter 'q'");
      const options = {
        limit: queryCount(context, 'limit', 5),
        format: context.req.query('format') || 'text',
      };
      return context.json(readContext(db, context.get('userId'), query, options));
    })
    .get('/api/export', byKey, (context) => exportSession(db, context))
    .get('/api/stats', byKey, (context) => context.json(readStats(db, context.get('userId'))))
    .get('/api/export/evals', byKey, (context) => {
      const format = context.req.query('format') || 'deepeval';
      if (!EVAL_FORMATS.includes(format)) {
        throw new RequestError(`Invalid format. Use: ${EVAL_FORMATS.join(', ')}`);
      }
      // Sessions are marked as eval-ready on the hosted dashboard; no API call does it.
      throw new RequestError('No eval-ready sessions found', 404);
    });
}

function search(db: Database, context: Context<Env>): StoredSession[] {
  const query = queryText(context, 'q', "Missing query parameter 'q'");
  const type = context.req.query('type');
  if (type === 'semantic' || type === 'hybrid') {
    throw new RequestError('This server has no embeddings. Use type=fulltext.');
  }
  const limit = queryCount(context, 'limit', 20);
  return searchSessions(db, context.get('userId'), query, { match: 'all', limit });
}

function exportSession(db: Database, context: Context<Env>): Response {
  const session = requestedSession(db, context);
  const messages = wholeSession(db, session.seq);
  const format = context.req.query('format');
  if (format === 'jsonl') return context.json(exportJsonl(session, messages));
  if (format !== 'markdown') return context.json(exportJson(session, messages));
  return context.body(exportMarkdown(session, messages), 200, {
    'Content-Type': 'text/markdown; charset=utf-8',
    'Content-Disposition': `attachment; filename="${exportFilename(session, 'md')}"`,
  });
}

function requestedSession(db: Database, context: Context<Env>): StoredSession {
  const id = queryText(context, 'id', 'Missing session ID');
  const session = findSession(db, context.get('userId'), id);
  if (!session) throw new RequestError('Session not found', 404);
  return session;
}
