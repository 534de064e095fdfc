import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { start } from './processes.mjs';

export const claudeCode = {
  id: 'claude-code',
  name: 'Claude Code',
  npm: '@anthropic-ai/claude-code',
  program: 'claude',
  plugin: 'claude-code-sync',

  prepare({ modelUrl }) {
    return {
      env: {
        ANTHROPIC_BASE_URL: modelUrl,
        ANTHROPIC_API_KEY: 'scripted',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
      },
      flags: ['--model', 'claude-opus-4-8', '--allowed-tools', 'Bash(echo:*)'],
      session: randomUUID(),
    };
  },

  async installPlugin(claude, repository) {
    await claude('plugin', 'marketplace', 'add', repository);
    await claude('plugin', 'install', 'claude-code-sync@opensync');
  },

  firstTurn: ({ flags, session }, prompt) => [...flags, '--session-id', session, '-p', prompt],
  nextTurn: ({ flags, session }, prompt) => [...flags, '--resume', session, '-p', prompt],

  /** One process for several turns, as programs use it that have Claude Code inside. */
  async open({ flags, session }, program, options) {
    const stream = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
    const client = start(program, [...flags, '--resume', session, '-p', ...stream], {
      ...options,
      stdin: 'pipe',
    });
    const lines = createInterface({ input: client.child.stdout })[Symbol.asyncIterator]();
    return {
      async ask(prompt) {
        const message = { type: 'user', message: { role: 'user', content: prompt } };
        client.child.stdin.write(`${JSON.stringify(message)}\n`);
        for (;;) {
          const { done, value } = await lines.next();
          if (done) throw new Error(`ended in the middle of a turn\n${client.output.stderr}`);
          if (JSON.parse(value).type === 'result') return;
        }
      },
      async close() {
        client.child.stdin.end();
        return client.ended;
      },
    };
  },
};
