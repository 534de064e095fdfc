import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { tinySource } from '../../test/tiny-source.js';
import { createCli } from './create-cli.js';

/** What the shell would read. */
async function complete(...args: string[]): Promise<string> {
  return completeIn(temporaryDirectory(), ...args);
}

async function completeIn(home: string, ...args: string[]): Promise<string> {
  const stdout = new PassThrough();
  const env = { home, vars: {}, now: () => 0 };
  expect(await createCli(tinySource).run(['complete', ...args], { env, stdout })).toBe(0);
  return String(stdout.read());
}

describe('completion', () => {
  it('knows the commands, but none that only a hook calls', async () => {
    const found = await complete('--', '');
    for (const command of ['login', 'sync', 'watch', 'config'])
      expect(found).toMatch(new RegExp(`^${command}\t`, 'm'));
    expect(found).not.toMatch(/^work\t/m);
  });

  it('knows the options of a command', async () => {
    expect(await complete('--', 'sync', '--dry')).toMatch(/^--dry-run\t/);
  });

  it('knows the names of settings', async () => {
    expect(await complete('--', 'config', 'set', 'priv')).toMatch(/^privacy\t/);
  });

  it('knows the values of settings that are on or off', async () => {
    expect(await complete('--', 'config', 'set', 'thinking', '')).toMatch(/^true\t\nfalse\t\n/);
    expect(await complete('--', 'config', 'set', 'prices', '')).toMatch(/^:\d+\n$/);
  });

  it.each(['show', 'explain', 'sync'])(
    'knows the sessions for %s, but no name that a shell would run',
    async (command) => {
      const home = temporaryDirectory();
      mkdirSync(join(home, '.tiny'));
      for (const id of ['aaaa1', 'bbbb1', 'aaaa$(reboot)'])
        writeFileSync(join(home, `.tiny/${id}.jsonl`), '');
      const found = await completeIn(home, '--', command, 'aa');
      expect(found).toMatch(/^aaaa1\t\d{4}-/);
      expect(found).not.toMatch(/bbbb1|reboot/);
    },
  );

  it.each(['bash', 'zsh', 'fish', 'powershell'])(
    'has a script for %s that calls the plugin',
    async (shell) => {
      const script = await complete(shell);
      expect(script).toContain('tiny-tool-sync');
      expect(script).toContain(' complete ');
      if (shell === 'bash') execFileSync('bash', ['-n'], { input: script });
    },
  );

  it('runs nothing of what stands on the command line', async () => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, 'script'), await complete('bash'));
    const words = `tiny-tool-sync show '$(touch ${folder}/ran)' '"half' ''`;
    const stubs = `_get_comp_words_by_ref() { words=(${words}); cword=4; cur=''; prev=''; }
tiny-tool-sync() { printf '<%s>' "$@" > ${folder}/asked; }`;
    const script = `${stubs}\n. ${folder}/script; __tiny_tool_sync_complete; true`;
    execFileSync('bash', ['-c', script], { stdio: 'ignore' });
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toContain(`<show><$(touch ${folder}/ran)><"half>`);
  });
});
