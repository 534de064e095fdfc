import type { Config } from '../../config.js';
import { OpenSyncError } from '../../errors.js';
import { sessionsToSend, wireOf } from '../../session.js';
import type { RawSession } from '../../source.js';
import { findSessions } from '../../sync.js';
import type { SyncMessageData, SyncSessionData, Usage } from '../../types.js';
import { count, dateTime, money, printable, printableJson } from '../format.js';
import { accountOf, checkpointsOf, settings } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { type SessionRow, sessionRows, syncedBy } from '../rows.js';
import { findTarget, onlyOne } from '../select.js';

/** A session on this machine that a command is about. */
interface Opened {
  raw: RawSession;
  row: SessionRow;
  config: Config;
}

/** The session or subagent that an id, its beginning or a file names. */
export function openSession(context: CommandContext, id: string): Opened {
  const { source, io } = context;
  const config = settings(context);
  const { raws, subagent } = findTarget(findSessions(source, io.env), id);
  const [raw, ...more] = raws;
  if (raw === undefined || more.length > 0) {
    const message = `"${id}" names ${raws.length} sessions. Give the id of one: "list" shows the ids.`;
    throw new OpenSyncError('usage', message);
  }
  const account = accountOf(config, io.env);
  const syncedOf = account && syncedBy(source, config, checkpointsOf(context, account));
  const rows = sessionRows(raw, { source, config, syncedOf });
  const row = subagent === '' ? rows[0] : onlyOne(rows, `${raw.id}${subagent}`);
  if (row === undefined) {
    throw new OpenSyncError('usage', `"${id}" holds no session. "list" shows what there is.`);
  }
  return { raw, row, config };
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
  const { source, io } = context;
  const { raw, row, config } = openSession(context, id);
  const { prepared } = sessionsToSend(source, raw, 'all', { config, env: io.env });
  const sent = prepared.find(({ session }) => session.id === row.id);
  const wire = sent && wireOf(source, sent, config);
  const usages = new Map(sent?.session.messages.map((message) => [message.id, message.usage]));
  const prefix = `${source.id}:${row.id}:`;
  const messages = wire?.messages.map((message) => shown(message, prefix, usages)) ?? [];
  if (options.json === true) {
    io.stdout.write(`${printableJson({ schema: 1, session: row, messages }, 2)}\n`);
  } else if (wire === undefined) {
    io.stdout.write(
      `${printable(row.title ?? row.id)}\nNothing of it is sent: its privacy level is "off".\n`,
    );
  } else {
    print(context, row, wire.session, messages);
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

function print(
  { io }: CommandContext,
  row: SessionRow,
  sent: SyncSessionData,
  messages: readonly ShownMessage[],
): void {
  const lines = [
    row.title === null ? row.id : (sent.title ?? row.id),
    `${row.id}  ${sent.projectPath ?? ''}`,
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
