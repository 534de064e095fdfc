import { createClient, type Health } from '../../client.js';
import { maskKey, resolveConfig } from '../../config.js';
import { isOpenSyncError, OpenSyncError } from '../../errors.js';
import { findSessions, stampOf, versionOf } from '../../sync.js';
import { accountOf, checkpointsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

interface Status {
  schema: 1;
  plugin: string;
  version: string;
  source: string;
  url: string | null;
  /** Masked. */
  apiKey: string | null;
  connected: boolean;
  /** Why not. */
  error: string | null;
  server: string | null;
  /** Server's clock minus ours. */
  skewMs: number | null;
  sessions: { found: number; synced: number };
}

export async function status(context: CommandContext, options: { json?: boolean }): Promise<number> {
  const { source, io } = context;
  const { config, withheldKey } = resolveConfig({ plugin: source.plugin, env: io.env });
  const account = accountOf(config);
  const raws = findSessions(source, io.env);
  const result: Status = {
    schema: 1,
    plugin: source.plugin,
    version: source.version,
    source: source.id,
    url: config.convexUrl ?? null,
    apiKey: config.apiKey === undefined ? null : maskKey(config.apiKey),
    connected: false,
    error: null,
    server: null,
    skewMs: null,
    sessions: { found: raws.length, synced: 0 },
  };
  let code: number = EXIT.ok;
  if (account === undefined) {
    result.error = `Not signed in. Run "${source.plugin} login".`;
    if (withheldKey !== undefined) result.error += ` The key in ${withheldKey} belongs to another server.`;
    code = EXIT.notSignedIn;
  } else {
    const complete = checkpointsOf(context, account).complete();
    const stamp = stampOf(source, config);
    result.sessions.synced = raws.filter(
      (raw) => complete.get(raw.id)?.version === versionOf(raw, stamp),
    ).length;
    const health = await check(context, account);
    if (isOpenSyncError(health)) {
      result.error = health.message;
      code = health.kind === 'auth' ? EXIT.notSignedIn : EXIT.failed;
    } else {
      Object.assign(result, { connected: true, server: health.server ?? 'OpenSync', skewMs: health.skewMs });
    }
  }
  io.stdout.write(
    options.json === true ? `${JSON.stringify(result, null, 2)}\n` : describe(source.name, result),
  );
  return code;
}

async function check(
  { io }: CommandContext,
  account: { url: string; apiKey: string },
): Promise<Health | OpenSyncError> {
  const client = createClient({
    ...account,
    retries: 1,
    now: io.env.now,
    ...(io.fetch && { fetch: io.fetch }),
  });
  const answer = await client.checkKey();
  if (answer.success && answer.data !== undefined) return answer.data;
  return new OpenSyncError(answer.kind ?? 'network', answer.error ?? 'The server did not answer.');
}

function describe(name: string, status: Status): string {
  const connection = status.connected ? `connected (${status.server})` : `not connected: ${status.error}`;
  const lines = [
    `Server    ${status.url ?? 'none'}`,
    `Key       ${status.apiKey ?? 'none'}`,
    `State     ${connection}`,
    `Sessions  ${status.sessions.found} of ${name} on this machine, ${status.sessions.synced} up to date on the server`,
  ];
  return `${lines.join('\n')}\n`;
}
