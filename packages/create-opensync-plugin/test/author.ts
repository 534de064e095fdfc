import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../core/test/harness/temporary-directory.js';

/** A machine with nothing on it: an empty home, and a folder to work in. */
interface Author {
  home: string;
  folder: string;
  /** Runs a program and gives what it printed. @throws when it fails, with all of that */
  run(command: string, args: readonly string[], cwd?: string): string;
}

/** @param vars environment variables beside `HOME` and `PATH` */
export function newAuthor(vars: Readonly<Record<string, string>> = {}): Author {
  const place = temporaryDirectory();
  const [home, folder] = [join(place, 'home'), join(place, 'work')];
  for (const path of [home, folder]) mkdirSync(path);
  const env = { ...vars, HOME: home, PATH: process.env.PATH, npm_config_update_notifier: 'false' };
  return {
    home,
    folder,
    run(command, args, cwd = folder) {
      const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
      if (error !== undefined) throw error;
      if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status}\n${stdout}\n${stderr}`);
      return stdout;
    },
  };
}

/** Builds and tests a plugin that was written and whose dependencies are installed. */
export function buildAndTest(author: Author, project: string): void {
  author.run('npm', ['run', 'build'], project);
  expect(author.run('npm', ['test'], project)).toMatch(/Tests .*\d passed/);
}

/**
 * Puts the sample into the author's home, starts the server that came with the plugin, and syncs.
 * @param command the plugin, as people run it once it is installed
 */
export async function syncSample(author: Author, project: string, command: readonly [string, ...string[]]) {
  const [program, ...args] = command;
  cpSync(join(project, 'fixtures/sample'), author.home, { recursive: true });
  const { url, apiKey } = await startServer(author, project);
  author.run(program, [...args, 'login', '--local']);
  expect(author.run(program, [...args, 'sync'])).toMatch(/sent 1 session and 3 messages/);
  expect(author.run(program, [...args, 'sync'])).toMatch(/1 unchanged/);
  await expectSample(url, apiKey);
}

/** What the sample of the skeletons says, as the server has it. */
async function expectSample(url: string, apiKey: string): Promise<void> {
  const get = async (path: string) => {
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${apiKey}` } });
    return (await answer.json()) as unknown;
  };
  const list = await get('/api/sessions');
  expect(list).toMatchObject({
    sessions: [
      {
        externalId: 'notes',
        title: 'What is in notes.txt?',
        projectPath: '/home/dev/app',
        model: 'claude-sonnet-4-5',
        messageCount: 3,
        // 1050 fresh, 1100 from a cache; 49 written.
        promptTokens: 2150,
        completionTokens: 49,
      },
    ],
  });
  const [{ id }] = (list as { sessions: [{ id: string }] }).sessions;
  expect(await get(`/api/sessions/get?id=${id}`)).toMatchObject({
    messages: [
      { role: 'user', textContent: 'What is in notes.txt?' },
      {
        role: 'assistant',
        parts: [
          { type: 'text' },
          { type: 'tool-call', content: { name: 'read' } },
          { type: 'tool-result', content: { result: 'Buy milk.' } },
        ],
        promptTokens: 1100,
        completionTokens: 40,
      },
      { role: 'assistant', textContent: 'You want to buy milk.', promptTokens: 1050, completionTokens: 9 },
    ],
  });
}

async function startServer({ home }: Author, project: string) {
  const cli = join(project, 'node_modules/@opensync/server/dist/cli.js');
  const env = { HOME: home, PATH: process.env.PATH };
  const server = spawn(process.execPath, [cli, '--port', '0'], { env, stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = once(server, 'exit');
    if (server.kill()) await ended;
  });
  const file = join(home, '.opensync/server.json');
  while (!existsSync(file)) {
    if (server.exitCode !== null) throw new Error(`The server ended with ${server.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return JSON.parse(readFileSync(file, 'utf8')) as { url: string; apiKey: string };
}
