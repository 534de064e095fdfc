import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import type { HookCommand } from '../source.js';
import { commandLine, hookIndex, runsHook } from './command-line.js';

/** A hook that prints its arguments, in a folder whose name a shell would take apart. */
function installed(): HookCommand {
  const folder = join(temporaryDirectory(), `it's "a" $HOME \\ folder`);
  mkdirSync(folder);
  const script = join(folder, 'hook.cjs');
  writeFileSync(script, 'console.log(process.argv.slice(2).join(" ")); console.error("noise");');
  return { node: process.execPath, script, plugin: 'my-sync' };
}

const shells = ['sh', 'bash', 'dash', 'zsh'].filter(
  (shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0,
);

function run(shell: string, command: string) {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', command], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe.runIf(process.platform !== 'win32').each(shells)('a command line in %s', (shell) => {
  it('hands over plugin and event, whatever the folders are called, and shows no errors', () => {
    expect(run(shell, commandLine(installed(), 'Stop'))).toEqual({
      status: 0,
      stdout: 'my-sync Stop\n',
      stderr: '',
    });
  });

  it.each([
    ['Node.js', { ...installedNowhere(), node: '/nowhere/node' }],
    ['the plugin', installedNowhere()],
  ])('says nothing and fails nothing when %s is gone', (_what, hook) => {
    expect(run(shell, commandLine(hook, 'Stop'))).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('gives a tool that waits for an answer the one it wants', () => {
    const command = commandLine(installedNowhere(), 'stop', "echo '{}'");
    expect(run(shell, command)).toEqual({ status: 0, stdout: '{}\n', stderr: '' });
  });
});

function installedNowhere(): HookCommand {
  return { node: process.execPath, script: '/nowhere/hook.cjs', plugin: 'my-sync' };
}

describe('commandLine', () => {
  it('quotes for Windows where the paths are those of Windows', () => {
    const hook = {
      node: 'C:\\Program Files\\nodejs\\node.exe',
      script: 'C:\\Users\\me\\my-sync\\dist\\hook.cjs',
      plugin: 'my-sync',
    };
    expect(commandLine(hook, 'Stop')).toBe(
      '"C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\me\\my-sync\\dist\\hook.cjs" my-sync Stop',
    );
  });
});

describe('runsHook', () => {
  it.each([
    "'/usr/bin/node' '/a b/dist/hook.cjs' my-sync Stop 2>/dev/null || :",
    '"C:\\node.exe" "C:\\x\\hook.cjs" my-sync Stop',
    '/usr/bin/node /x/hook.cjs my-sync',
    "env A=1 node '/x/it'\\''s/hook.cjs' my-sync Stop",
  ])('knows %s', (command) => {
    expect(runsHook(command, 'my-sync')).toBe(true);
  });

  it.each([
    "node '/x/hook.cjs' other-sync Stop",
    "node '/x/hook.cjs' my-sync-too Stop",
    "node '/x/webhook.cjs' my-sync Stop",
    'echo my-sync hook.cjs',
    "node '/x/hook.cjs.bak' my-sync",
  ])('takes %s for somebody else’s', (command) => {
    expect(runsHook(command, 'my-sync')).toBe(false);
  });
});

describe('hookIndex', () => {
  it('is where our part of an argument list begins', () => {
    expect(hookIndex(['node', '/x/hook.cjs', 'my-sync', 'notify'], 'my-sync')).toBe(0);
    expect(hookIndex(['sh', '-c', 'x', 'node', 'C:\\x\\hook.cjs', 'my-sync'], 'my-sync')).toBe(3);
  });

  it('is -1 when it is not in it', () => {
    expect(hookIndex(['node', '/x/hook.cjs', 'other-sync'], 'my-sync')).toBe(-1);
    expect(hookIndex(['/x/hook.cjs', 'my-sync'], 'my-sync')).toBe(-1);
    expect(hookIndex([], 'my-sync')).toBe(-1);
  });
});
