import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './processes.mjs';

export const opencode = {
  id: 'opencode',
  name: 'OpenCode',
  npm: 'opencode-ai',
  program: 'opencode',
  plugin: 'opencode-sync',
  /** It keeps a call that was cut off, without its tokens: the session's are then unknown. */
  keepsKilledCalls: true,

  prepare({ home, modelUrl }) {
    const folder = join(home, '.config', 'opencode');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'opencode.json'), `${JSON.stringify(config(modelUrl), null, 2)}\n`);
    return {
      env: {
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        // It installs a package of its own as soon as it has a plugin, and waits a minute for a registry
        // that it cannot reach.
        npm_config_registry: execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim(),
      },
    };
  },

  // With a title, or it asks the model for one, which is billed and written down nowhere.
  firstTurn: (_state, prompt) => ['run', '--title', 'Scripted', prompt],
  nextTurn: (_state, prompt) => ['run', '--continue', prompt],

  /** One process for several turns, as desktop and web clients use it. */
  async open(_state, program, options) {
    const client = start(program, ['serve', '--port', '0', '--hostname', '127.0.0.1'], options);
    const url = await listening(client);
    const request = async (path, body) => {
      const answer = await fetch(`${url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const [session] = await request('/session');
    return {
      ask: (text) => request(`/session/${session.id}/message`, { parts: [{ type: 'text', text }] }),
      async close() {
        client.child.kill('SIGTERM');
        return client.ended;
      },
    };
  },
};

function listening({ child, output, ended }) {
  return new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)?.[0];
      if (url !== undefined) resolve(url);
    });
    ended.then(({ stderr }) => reject(new Error(`serve ended\n${stderr}`)), reject);
  });
}

function config(modelUrl) {
  const model = { name: 'Scripted', limit: { context: 1_000_000, output: 8_000 } };
  return {
    $schema: 'https://opencode.ai/config.json',
    model: 'scripted/scripted-1',
    small_model: 'scripted/scripted-1',
    autoupdate: false,
    share: 'disabled',
    permission: { bash: 'allow' },
    provider: {
      scripted: {
        // One of those that are built in; any other would be fetched.
        npm: '@ai-sdk/anthropic',
        name: 'Scripted',
        options: { baseURL: `${modelUrl}/v1`, apiKey: 'scripted' },
        models: { 'scripted-1': model },
      },
    },
  };
}
