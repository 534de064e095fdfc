import { execFileSync } from 'node:child_process';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tinySource } from '../../test/tiny-source.js';
import { temporaryDirectory } from '../../test/world.js';
import { createCli } from './create-cli.js';

/** What the shell would read. The library prints with `console.log`. */
async function complete(...args: string[]): Promise<string> {
  const lines: unknown[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  onTestFinished(() => log.mockRestore());
  const env = { home: temporaryDirectory(), vars: {}, now: () => 0 };
  expect(await createCli(tinySource).run(['complete', ...args], { env })).toBe(0);
  return lines.join('\n');
}

describe('completion', () => {
  it('knows the commands, but none that only a hook calls', async () => {
    const found = await complete('--', '');
    for (const command of ['login', 'sync', 'setup', 'config'])
      expect(found).toMatch(new RegExp(`^${command}\t`, 'm'));
    expect(found).not.toMatch(/^work\t/m);
  });

  it('knows the options of a command', async () => {
    expect(await complete('--', 'sync', '--dry')).toMatch(/^--dry-run\t/);
  });

  it('knows the names of settings', async () => {
    expect(await complete('--', 'config', 'set', 'priv')).toMatch(/^privacy\t/);
  });

  it.each(['bash', 'zsh', 'fish', 'powershell'])(
    'has a script for %s that calls the plugin',
    async (shell) => {
      const script = await complete(shell);
      expect(script).toContain('tiny-tool-sync');
      expect(script).toContain(' complete ');
      if (shell === 'bash') execFileSync('bash', ['-n'], { input: script });
    },
  );
});
