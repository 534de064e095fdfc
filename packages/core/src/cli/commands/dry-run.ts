import type { Config } from '../../config.js';
import { errorMessage } from '../../errors.js';
import { sessionsToSend, wireOf } from '../../session.js';
import type { RawSession } from '../../source.js';
import { findSessions } from '../../sync.js';
import { printable } from '../format.js';
import { type CommandContext, EXIT } from '../program.js';
import type { SyncCommandOptions } from './sync.js';

/** Everything that `sync --force` would send, exactly as it would be sent. */
export function dryRun(
  context: CommandContext,
  config: Config,
  only: ((raw: RawSession) => boolean) | undefined,
  options: SyncCommandOptions,
): number {
  const { source, io } = context;
  let failed = 0;
  let first = true;
  if (options.json === true) io.stdout.write('{"schema":1,"dryRun":true,"sessions":[');
  for (const raw of findSessions(source, io.env).filter(only ?? (() => true))) {
    for (const prepared of readable(
      context,
      raw,
      () => sessionsToSend(source, raw, 'all', { config, env: io.env }).prepared,
    )) {
      if (prepared === undefined) failed++;
      if (prepared === undefined) continue;
      const { session, messages } = wireOf(source, prepared, config);
      if (options.json === true)
        io.stdout.write(`${first ? '' : ','}\n${JSON.stringify({ session, messages })}`);
      else printRequests(io.stdout, session, messages);
      first = false;
    }
  }
  if (options.json === true) io.stdout.write(']}\n');
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

function printRequests(out: NodeJS.WritableStream, session: unknown, messages: readonly unknown[]): void {
  out.write(`POST /sync/session ${JSON.stringify(session)}\n`);
  for (const message of messages) out.write(`POST /sync/message ${JSON.stringify(message)}\n`);
}

function readable<T>({ source, io }: CommandContext, raw: RawSession, read: () => T[]): (T | undefined)[] {
  try {
    return read();
  } catch (error) {
    io.stderr.write(`${source.plugin}: ${printable(`${raw.id}: ${errorMessage(error)}`)}\n`);
    return [undefined];
  }
}
