import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './processes.mjs';

/** Of JSON-RPC. */
const INVALID_REQUEST = -32600;

export const codex = {
  id: 'codex',
  name: 'Codex CLI',
  npm: '@openai/codex',
  program: 'codex',
  plugin: 'codex-sync',

  prepare({ home, modelUrl }) {
    mkdirSync(join(home, '.codex'), { recursive: true });
    writeFileSync(join(home, '.codex', 'config.toml'), config(modelUrl));
    return { env: { SCRIPTED_API_KEY: 'scripted' } };
  },

  async installPlugin(codex, repository) {
    await codex('plugin', 'marketplace', 'add', repository);
    await codex('plugin', 'add', 'codex-sync@opensync');
  },

  /** What the person does in the terminal UI after setup: says yes to the hooks. */
  async trustHooks(program, options) {
    const server = await appServer(program, options);
    const hooks = await listHooks(server, options.cwd);
    const value = Object.fromEntries(
      hooks.map(({ key, currentHash }) => [key, { trusted_hash: currentHash }]),
    );
    const edits = [{ keyPath: 'hooks.state', mergeStrategy: 'upsert', value }];
    if (hooks.length > 0) await server.call('config/batchWrite', { edits });
    await server.close();
  },

  firstTurn: (_state, prompt) => ['exec', '--skip-git-repo-check', prompt],
  nextTurn: ({ session }, prompt) => ['exec', 'resume', session, '--skip-git-repo-check', prompt],
  sessionOf: ({ stderr }) => /session id: (\S+)/.exec(stderr)?.[1],

  /** One process for several turns, as the editor extensions use it. */
  async open({ session }, program, options) {
    const server = await appServer(program, options);
    await server.call('thread/resume', { threadId: session });
    return {
      async ask(prompt) {
        await server.call('turn/start', { threadId: session, input: [{ type: 'text', text: prompt }] });
        await server.next((message) => message.method === 'turn/completed');
      },
      close: server.close,
    };
  },
};

async function listHooks(server, cwd) {
  try {
    const { data } = await server.call('hooks/list', { cwds: [cwd] });
    return data.flatMap(({ hooks }) => hooks);
  } catch (error) {
    // Older versions have no such call, and no hooks.
    if (error.code === INVALID_REQUEST) return [];
    throw error;
  }
}

/** Speaks JSON-RPC on standard input and output, a message a line. */
async function appServer(program, options) {
  const client = start(program, ['app-server'], { ...options, stdin: 'pipe' });
  const lines = createInterface({ input: client.child.stdout })[Symbol.asyncIterator]();
  let lastId = 0;
  const send = (message) => client.child.stdin.write(`${JSON.stringify(message)}\n`);
  const next = async (isWanted) => {
    for (;;) {
      const { done, value } = await lines.next();
      if (done) throw new Error(`app-server ended\n${client.output.stderr}`);
      const message = JSON.parse(value);
      if (message.error !== undefined) {
        throw Object.assign(new Error(`app-server: ${message.error.message}`), { code: message.error.code });
      }
      if (isWanted(message)) return message;
    }
  };
  const call = async (method, params) => {
    const id = ++lastId;
    send({ id, method, params });
    return (await next((message) => message.id === id)).result;
  };
  await call('initialize', { clientInfo: { name: 'opensync-test', version: '1.0.0' } });
  send({ method: 'initialized' });
  return {
    call,
    next,
    close() {
      client.child.stdin.end();
      return client.ended;
    },
  };
}

function config(modelUrl) {
  return `model = "gpt-5.5"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.scripted]
name = "scripted"
base_url = "${modelUrl}/v1"
wire_api = "responses"
env_key = "SCRIPTED_API_KEY"
`;
}
