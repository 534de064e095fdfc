import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/harness/temporary-directory.js';
import { DEAD_PROCESS } from '../../test/world.js';
import { liveFolder, STALE_MS } from './live-folder.js';
import { type Wake, wake } from './wake.js';
import { asWorker } from './worker.js';

function tool(vars: Record<string, string | undefined> = {}) {
  const home = temporaryDirectory();
  const place = { plugin: 'tiny-tool-sync', home, vars, names: ['TINY_HOME'] };
  const started: string[][] = [];
  const options: Wake = {
    ...place,
    runtime: '/bin/node',
    cli: '/lib/cli.js',
    event: 'Stop',
    start: (_program, args) => started.push(args) > 0,
  };
  return { options, folder: liveFolder(place), started };
}

describe('wake', () => {
  it('leaves a mark and starts one worker, however often it is called', () => {
    const { options, folder, started } = tool();
    for (let i = 0; i < 10; i++) wake(options);
    expect(started).toEqual([['/lib/cli.js', 'work', folder.path]]);
    expect(readFileSync(folder.mark, 'utf8')).toBe('Stop');
  });

  it('starts none while one is alive, and another one when it is dead or was not heard of for long', () => {
    const { options, folder, started } = tool();
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(folder.lock, String(process.pid));
    wake(options);
    expect(started).toHaveLength(0);
    const longAgo = (Date.now() - STALE_MS - 1_000) / 1_000;
    utimesSync(folder.lock, longAgo, longAgo);
    wake(options);
    expect(started).toHaveLength(1);
    writeFileSync(folder.lock, String(DEAD_PROCESS));
    wake(options);
    expect(started).toHaveLength(2);
  });

  it('tells histories apart that the environment chooses', () => {
    const places = [{}, { TINY_HOME: '/a' }, { TINY_HOME: '/b' }, { OPENSYNC_URL: '/a' }, { OTHER: '/a' }];
    const paths = places.map((vars) => {
      const { folder } = tool(vars);
      return folder.path.split('/').at(-1);
    });
    expect(paths[0]).toBe('default');
    expect(paths[4]).toBe('default');
    expect(new Set(paths).size).toBe(4);
  });
});

describe('the worker', () => {
  it('is alone: a second one ends at once', async () => {
    const { folder } = tool();
    mkdirSync(folder.path, { recursive: true });
    const ran: string[] = [];
    const first = asWorker(folder, async (_, onLook) => {
      onLook();
      ran.push('first');
      await sleep(400);
    });
    await sleep(200);
    await asWorker(folder, async () => void ran.push('second'));
    await first;
    expect(ran).toEqual(['first']);
    expect(existsSync(folder.lock)).toBe(false);
  });

  it('works again for a mark that was left while it was ending', async () => {
    const { options, folder, started } = tool();
    mkdirSync(folder.path, { recursive: true });
    let runs = 0;
    await asWorker(folder, async (_, onLook) => {
      onLook();
      if (++runs > 1) return;
      await sleep(20);
      wake(options);
    });
    expect(runs).toBe(2);
    expect(started).toHaveLength(0);
  });

  it('gives way to one that took over while it slept', async () => {
    const { folder } = tool();
    mkdirSync(folder.path, { recursive: true });
    await asWorker(folder, async (signal, onLook) => {
      onLook();
      writeFileSync(folder.lock, String(process.ppid));
      await new Promise((done) => signal.addEventListener('abort', done));
    });
    expect(readFileSync(folder.lock, 'utf8')).toBe(String(process.ppid));
  });
});
