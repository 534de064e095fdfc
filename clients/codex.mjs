import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run, start } from './processes.mjs';

const BYPASS_TRUST = '--dangerously-bypass-hook-trust';

export const codex = {
  id: 'codex',
  name: 'Codex CLI',
  npm: '@openai/codex',
  program: 'codex',
  plugin: 'codex-sync',

  async prepare({ home, modelUrl, program, options }) {
    mkdirSync(join(home, '.codex'), { recursive: true });
    writeFileSync(join(home, '.codex', 'config.toml'), config(modelUrl));
    // A person trusts the hooks in the terminal UI; there is no command for it.
    const { stdout } = await run(program, ['--help'], options);
    const flags = stdout.includes(BYPASS_TRUST) ? [BYPASS_TRUST] : [];
    return { env: { SCRIPTED_API_KEY: 'scripted' }, flags };
  },

  firstTurn: ({ flags }, prompt) => [...flags, 'exec', '--skip-git-repo-check', prompt],
  nextTurn: ({ flags, session }, prompt) => [
    ...flags,
    'exec',
    'resume',
    session,
    '--skip-git-repo-check',
    prompt,
  ],
  sessionOf: ({ stderr }) => /session id: (\S+)/.exec(stderr)?.[1],

  /** One process for several turns, as the editor extensions use it. */
  async open({ flags, session }, program, options) {
    const client = start(program, [...flags, 'app-server'], { ...options, stdin: 'pipe' });
    const messages = createInterface({ input: client.child.stdout })[Symbol.asyncIterator]();
    let lastId = 0;
    const send = (message) => client.child.stdin.write(`${JSON.stringify(message)}\n`);
    const until = async (isWanted) => {
      for (;;) {
        const { done, value } = await messages.next();
        if (done) throw new Error(`app-server ended\n${client.output.stderr}`);
        const message = JSON.parse(value);
        if (message.error !== undefined) throw new Error(`app-server: ${JSON.stringify(message.error)}`);
        if (isWanted(message)) return;
      }
    };
    const call = (method, params) => {
      const id = ++lastId;
      send({ id, method, params });
      return until((message) => message.id === id);
    };
    await call('initialize', { clientInfo: { name: 'opensync-test', version: '1.0.0' } });
    send({ method: 'initialized' });
    await call('thread/resume', { threadId: session });
    return {
      async ask(prompt) {
        await call('turn/start', { threadId: session, input: [{ type: 'text', text: prompt }] });
        await until((message) => message.method === 'turn/completed');
      },
      async close() {
        client.child.stdin.end();
        return client.ended;
      },
    };
  },
};

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
