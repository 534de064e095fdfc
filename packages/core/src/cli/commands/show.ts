import { OpenSyncError } from '../../errors.js';
import { type PreparedSession, sessionsToSend, wireOf } from '../../session.js';
import { findSessions } from '../../sync.js';
import type { SyncMessageData, Usage } from '../../types.js';
import { count, dateTime, money, printable } from '../format.js';
import { accountOf, checkpointsOf, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { type SessionRow, sessionRows, syncedBy } from '../rows.js';
import { findTargets } from '../select.js';

/** A session, its row and how it was read. */
export interface Opened {
  prepared: PreparedSession;
  row: SessionRow;
}

/** Opens the session that an id (or its beginning) names, subagents by their full id. */
export function openSession(context: CommandContext, id: string): Opened {
  const { source, io } = context;
  const config = settings(context);
  const [raw, ...more] = findTargets(findSessions(source, io.env), [id]);
  if (raw === undefined || more.length > 0) throw new OpenSyncError('usage', `"${id}" is not one session.`);
  const prepared = sessionsToSend(source, raw, { config, env: io.env });
  const account = accountOf(config);
  const syncedOf = account && syncedBy(source, config, checkpointsOf(context, account));
  const rows = sessionRows(raw, { source, config, syncedOf });
  const one = id.includes('/') ? prepared.find(({ session }) => session.id === id) : prepared[0];
  const row = rows.find((candidate) => candidate.id === one?.session.id);
  if (one === undefined || row === undefined) {
    throw new OpenSyncError('usage', `"${id}" holds no session. "list" shows what there is.`);
  }
  return { prepared: one, row };
}

interface ShownMessage {
  id: string;
  role: string;
  createdAt: number | null;
  model: string | null;
  text: string;
  parts: { type: string; content: unknown }[];
  usage: Usage | null;
}

export async function show(
  context: CommandContext,
  id: string,
  options: { json?: boolean },
): Promise<number> {
  const { prepared, row } = openSession(context, id);
  const wire = wireOf(context.source, prepared, settings(context));
  const usages = new Map(prepared.session.messages.map((message) => [message.id, message.usage]));
  const prefix = `${context.source.id}:${prepared.session.id}:`;
  const messages = wire.messages.map((message) => shown(message, prefix, usages));
  if (options.json === true) {
    context.io.stdout.write(`${JSON.stringify({ schema: 1, session: row, messages }, null, 2)}\n`);
  } else {
    print(context, row, messages);
  }
  return EXIT.ok;
}

function shown(
  message: SyncMessageData,
  prefix: string,
  usages: Map<string, Usage | undefined>,
): ShownMessage {
  const id = message.externalId.slice(prefix.length);
  return {
    id,
    role: message.role,
    createdAt: message.createdAt ?? null,
    model: message.model ?? null,
    text: message.textContent ?? '',
    parts: message.parts ?? [],
    usage: usages.get(id) ?? null,
  };
}

function print({ io }: CommandContext, row: SessionRow, messages: readonly ShownMessage[]): void {
  const lines = [
    row.title ?? row.id,
    `${row.id}  ${row.projectPath ?? ''}`,
    `${dateTime(row.createdAt)} to ${dateTime(row.updatedAt)}  ${row.models.join(', ')}`,
    `${count(row.promptTokens)} tokens in, ${count(row.completionTokens)} out, ${money(row.cost)}`,
  ];
  io.stdout.write(`${lines.map(printable).join('\n')}\n`);
  for (const message of messages) {
    io.stdout.write(
      `\n── ${message.role}  ${dateTime(message.createdAt)}  ${printable(message.model ?? '')}\n`,
    );
    for (const part of message.parts) io.stdout.write(`${printable(partText(part))}\n`);
  }
}

function partText({ type, content }: { type: string; content: unknown }): string {
  if (typeof content === 'string') return content;
  const fields = content as { name?: string; args?: unknown; result?: string; text?: string };
  if (type === 'tool-call') return `→ ${fields.name} ${JSON.stringify(fields.args)}`;
  if (type === 'tool-result') return `← ${fields.result}`;
  return fields.text ?? JSON.stringify(content);
}
