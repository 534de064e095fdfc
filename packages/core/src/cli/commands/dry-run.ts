import type { CheckpointStore } from '../../checkpoint.js';
import type { Answer, Client, Health } from '../../client.js';
import type { Config } from '../../config.js';
import { plural } from '../../plural.js';
import { type SyncContext, type SyncOptions, syncHistory } from '../../sync.js';
import type { SyncMessageData, SyncSessionData } from '../../types.js';
import { printable, printableJson } from '../format.js';
import { accountOf, checkpointsOf, connect, SOON } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';

/**
 * Prints what a sync would send now, exactly as it would be sent. It is a sync, but that its requests
 * are printed, answered with a yes and not remembered. The server is only asked what kind it is.
 */
export async function dryRun(
  context: CommandContext,
  config: Config,
  options: SyncOptions & { json: boolean },
): Promise<number> {
  const { source, io } = context;
  const tell = (text: string) => io.stderr.write(`${source.plugin}: ${printable(text)}\n`);
  const account = accountOf(config, io.env);
  const printer = options.json ? jsonPrinter(io.stdout) : requestPrinter(io.stdout);
  // A sync waits until some messages are old enough for the server; here the clock is moved instead.
  let sleptMs = 0;
  const syncContext: SyncContext = {
    source,
    config,
    env: { ...io.env, now: () => io.env.now() + sleptMs },
    client: async () => yesClient(await healthOf(context, config, tell), printer),
    checkpoints: forgetful(account && checkpointsOf(context, account)),
    sleep: async (ms) => {
      sleptMs += ms;
    },
  };
  const summary = await syncHistory(syncContext, { ...options, concurrency: 1, onNotice: tell });
  printer.end();
  const { failed, messagesSent, sessionsSent, unchanged } = summary;
  if (!options.json && failed + messagesSent + sessionsSent === 0)
    tell(`Nothing to send: ${plural(unchanged, 'session')} unchanged.`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

/** Nobody knows what a server takes that does not answer: then everything is printed, once. */
async function healthOf(
  context: CommandContext,
  config: Config,
  tell: (text: string) => void,
): Promise<Answer<Health>> {
  const { io } = context;
  const account = accountOf(config, io.env);
  const capabilities = ['immediate-updates', 'unlimited'];
  const assumed = { success: true, data: { timestamp: io.env.now(), skewMs: 0, capabilities } };
  if (account === undefined) return assumed;
  const client = await connect(context, account, SOON);
  const health = await client.health();
  if (!health.success) tell(`${health.error} This is what it would be sent.`);
  return health.success ? health : assumed;
}

interface Printer {
  print(path: string, body: { sessions: SyncSessionData[]; messages: SyncMessageData[] }): void;
  end(): void;
}

/** Takes everything and says yes. */
function yesClient(health: Answer<Health>, { print }: Printer): Client {
  return {
    health: async () => health,
    checkKey: async () => health,
    async syncSession(session) {
      print('/sync/session', { sessions: [session], messages: [] });
      return { success: true, data: { ok: true } };
    },
    async syncMessage(message) {
      print('/sync/message', { sessions: [], messages: [message] });
      return { success: true, data: { ok: true } };
    },
    async syncBatch({ sessions = [], messages = [] }) {
      print('/sync/batch', { sessions, messages });
      const counts = { sessions: sessions.length, messages: messages.length };
      return { success: true, data: { ok: true, ...counts, errors: [] } };
    },
  };
}

/** A line for each request, with its body as it would be sent. */
function requestPrinter(out: NodeJS.WritableStream): Printer {
  return {
    print(path, body) {
      const sent = path === '/sync/batch' ? body : (body.sessions[0] ?? body.messages[0]);
      out.write(`POST ${path} ${printableJson(sent)}\n`);
    },
    end: () => undefined,
  };
}

/** One object for each session, however many requests it takes; `session` is null when its fields are not sent. */
function jsonPrinter(out: NodeJS.WritableStream): Printer {
  let current: { id: string; session: SyncSessionData | null; messages: SyncMessageData[] } | undefined;
  let separator = '';
  const flush = () => {
    if (current === undefined) return;
    const { session, messages } = current;
    out.write(`${separator}\n${printableJson({ session, messages })}`);
    separator = ',';
  };
  const of = (id: string) => {
    if (current?.id !== id) {
      flush();
      current = { id, session: null, messages: [] };
    }
    return current;
  };
  out.write('{"schema":1,"dryRun":true,"sessions":[');
  return {
    print(_, { sessions, messages }) {
      for (const session of sessions) {
        const entry = of(session.externalId);
        // A hosted server is told twice, the second time without what is only told once.
        entry.session = { ...entry.session, ...session };
      }
      for (const message of messages) of(message.sessionExternalId).messages.push(message);
    },
    end() {
      flush();
      out.write(']}\n');
    },
  };
}

/** What a server has, and what it would have; nothing is written down, and nobody is kept waiting. */
function forgetful(store: CheckpointStore | undefined): CheckpointStore {
  const complete = new Map(store?.complete());
  const saved: Map<string, ReturnType<CheckpointStore['load']>> = new Map();
  let floor = store?.floor();
  return {
    complete: () => complete,
    setComplete: (id, entry) => void complete.set(id, entry),
    settled: () => store?.settled(),
    setSettled: () => undefined,
    load: (id) => (saved.has(id) ? saved.get(id) : store?.load(id)),
    save: (id, checkpoint) => void saved.set(id, checkpoint),
    has: (id) => saved.has(id) || store?.has(id) === true,
    exclusively: (_, work) => work(),
    floor: () => floor,
    setFloor(changedAt) {
      floor = changedAt;
    },
    changedAt: () => store?.changedAt(),
  };
}
