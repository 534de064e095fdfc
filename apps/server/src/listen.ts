import type { Server, ServerOptions } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** How long a request in progress may keep the server from closing. */
const CLOSING_MS = 300;

/** A plugin or a browser holds a handful. What is above is closed at once and may come again. */
const MAX_CONNECTIONS = 500;

/** Milliseconds that a connection may take up a place. Clients send all of a request at once. */
export const TIMEOUTS = {
  /** From the connection, or the answer before, to the end of the headers. */
  headersTimeout: 15_000,
  /** To the end of the body: 16 MiB over a slow line. */
  requestTimeout: 120_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  /** Without a byte in either direction: of an answer that is not read. */
  idleTimeout: 120_000,
} satisfies ServerOptions & { idleTimeout: number };

export interface Listener {
  port: number;
  close(): Promise<void>;
}

/** Rejects with the system's error when the address cannot be had. */
export function listen(
  app: Hono,
  host: string,
  port: number,
  { idleTimeout, ...serverOptions } = TIMEOUTS,
): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    // The adapter would swap the process's Request and Response for its own; this is a guest in other programs.
    overrideGlobalObjects: false,
    serverOptions,
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(idleTimeout);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ port: actual, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
