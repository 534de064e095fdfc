import { spawn } from 'node:child_process';
import { errorMessage } from '../../errors.js';
import { follow } from '../../trigger/follow.js';
import { liveFolderAt } from '../../trigger/live-folder.js';
import { logFile, logIfPossible } from '../../trigger/log.js';
import { startWith } from '../../trigger/start.js';
import { wake } from '../../trigger/wake.js';
import { asWorker, letGo, onMark } from '../../trigger/worker.js';
import { printable } from '../format.js';
import { programPath, requireAccount, settings, syncContextsOf } from '../open.js';
import { type CommandContext, EXIT } from '../program.js';
import { describe } from './sync.js';

/** Keeps the server up to date until Ctrl-C. */
export async function watch(context: CommandContext, { quiet }: { quiet?: boolean }): Promise<number> {
  const { source, io } = context;
  const { url } = requireAccount(context, settings(context));
  const tell = (text: string) => {
    if (quiet !== true) io.stdout.write(`${text}\n`);
  };
  const news = createNews((text) => io.stderr.write(`${source.plugin}: ${printable(text)}\n`));
  tell(`Keeping ${url} up to date with ${source.name}. Press Ctrl-C to stop.`);
  await follow(source.files(io.env), syncContextsOf(context), {
    signal: io.signal ?? interrupted(),
    onSync: (summary) => tell(`${timeOf(io.env.now())} ${describe(summary)}`),
    onLook: news.nextLook,
    onNotice: news.say,
  });
  return EXIT.ok;
}

function timeOf(now: number): string {
  return new Date(now).toTimeString().slice(0, 8);
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}

/** Long enough that the hooks of a session seldom have to start another one, and gone within a minute. */
const IDLE_MS = 40_000;

/** The worker that a hook starts. It has no screen: what it has to say is in the log. */
export async function work(context: CommandContext, path: string): Promise<number> {
  const { source, io } = context;
  const folder = liveFolderAt(path);
  const file = logFile(io.env.home, source.plugin);
  const contextOf = syncContextsOf(context);
  const signedOut = `not signed in: run "${source.plugin} login"`;
  const say = (text: string) => logIfPossible(file, text);
  const news = createNews((text) => say(printable(text)));
  try {
    if (contextOf() === undefined) {
      say(signedOut);
      letGo(folder);
      return EXIT.notSignedIn;
    }
    const contextOrNews = () => {
      const found = contextOf();
      if (found === undefined) news.say(signedOut);
      return found;
    };
    await asWorker(folder, (signal, onLook) =>
      follow(source.files(io.env), contextOrNews, {
        signal,
        idleMs: IDLE_MS,
        onLook() {
          onLook();
          news.nextLook();
        },
        listen: (ring) => onMark(folder, ring),
        onSync(summary) {
          if (summary.sessionsSent + summary.messagesSent > 0) say(describe(summary));
        },
        onNotice: news.say,
      }),
    );
    return EXIT.ok;
  } catch (error) {
    say(`the worker ended: ${errorMessage(error)}`);
    letGo(folder);
    return EXIT.failed;
  }
}

/** What goes wrong goes wrong at every look: it is said when it was not said at the look before. */
function createNews(say: (text: string) => void) {
  let [before, now] = [new Set<string>(), new Set<string>()];
  return {
    nextLook() {
      [before, now] = [now, new Set()];
    },
    say(text: string) {
      if (!before.has(text) && !now.has(text)) say(text);
      now.add(text);
    },
  };
}

/** What `hook.cjs` does, at the cost of a whole command: for whoever calls it by hand or from a script. */
export function hook({ source, io }: CommandContext, event: string): number {
  wake({
    plugin: source.plugin,
    home: io.env.home,
    vars: io.env.vars,
    names: source.variables ?? [],
    runtime: process.execPath,
    cli: programPath(io),
    event,
    start: startWith(() => spawn),
  });
  return EXIT.ok;
}
