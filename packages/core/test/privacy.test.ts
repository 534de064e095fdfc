import { describe, expect, it } from 'vitest';
import type { PrivacySetting } from '../src/privacy-setting.js';
import type { SyncOptions } from '../src/sync.js';
import { createWorld, MINUTE, prompt, SAFE, START, type World } from './world.js';

const SECRET: PrivacySetting = { projects: [{ path: '~/secret/**', level: 'off' }] };

/** One session of a project that is to stay here, one that may leave, one without a project. */
async function createHistory(): Promise<World> {
  const world = await createWorld(SAFE);
  const { home, write } = world;
  write(
    'hidden',
    [{ title: 'hush', projectPath: `${home}/secret/a` }, prompt('m1', 'hush')],
    START - 3 * MINUTE,
  );
  write('open', [{ title: 'Open', projectPath: `${home}/open` }, prompt('m1', 'hello')], START - 2 * MINUTE);
  write('nowhere', [{ title: 'Nowhere' }, prompt('m1', 'hello')], START - MINUTE);
  return world;
}

function syncWith(world: World, privacy: PrivacySetting, options: SyncOptions = {}) {
  return world.sync(options, { config: { privacy } });
}

function sent({ server }: World): string {
  return JSON.stringify(server.requests);
}

function sessions({ server }: World): { externalId: string; title: string }[] {
  return server.store.snapshot() as { externalId: string; title: string }[];
}

describe('a project that is off', () => {
  it('is not mentioned in any request, and is not due again', async () => {
    const world = await createHistory();
    expect(await syncWith(world, SECRET)).toMatchObject({ sessions: 2, sessionsSent: 2, failed: 0 });
    expect(sent(world)).not.toMatch(/hush|hidden|secret/);
    expect(await syncWith(world, SECRET)).toMatchObject({ sessions: 2, sessionsSent: 0, unchanged: 2 });
    expect(await syncWith(world, SECRET, { force: true })).toMatchObject({ sessionsSent: 2 });
    expect(sent(world)).not.toMatch(/hush|hidden|secret/);
  });

  it('is sent once its level allows it', async () => {
    const world = await createHistory();
    await syncWith(world, SECRET);
    expect(await syncWith(world, {})).toMatchObject({ sessionsSent: 1, messagesSent: 1 });
    expect(sessions(world).map(({ title }) => title)).toContain('hush');
  });

  it('stays on a server that got it before, and people are told, also after everything was sent again', async () => {
    const world = await createHistory();
    await syncWith(world, {});
    for (const force of [false, true, true]) {
      world.notices.length = 0;
      expect(await syncWith(world, SECRET, { force })).toMatchObject({ sessions: 2, failed: 0 });
      expect(world.notices).toEqual([
        'hidden: it is private now, but was sent before; only the server can delete it there.',
      ]);
    }
    expect(sessions(world).map(({ title }) => title)).toContain('hush');
  });

  it('leaves nothing to say to a server that has only such sessions to expect', async () => {
    const world = await createHistory();
    await syncWith(world, { default: 'off' });
    expect(world.newRequests()).toEqual([]);
  });
});

describe('a project of which only the numbers leave', () => {
  const NUMBERS: PrivacySetting = { default: 'metadata' };

  it('has sessions and messages on the server, and no word of them', async () => {
    const world = await createHistory();
    expect(await syncWith(world, NUMBERS)).toMatchObject({ sessionsSent: 3, messagesSent: 3 });
    expect(sent(world)).not.toMatch(/hush|secret|hello|Nowhere|Open"/);
    expect(sessions(world).map(({ title }) => title)).toEqual(Array(3).fill('Private session'));
  });

  it('is overwritten on a server that got its texts before', async () => {
    const world = await createHistory();
    await syncWith(world, {});
    await syncWith(world, NUMBERS);
    expect(JSON.stringify(sessions(world))).not.toMatch(/hush|hello/);
  });

  it('is whole again once its level is', async () => {
    const [world, untouched] = [await createHistory(), await createHistory()];
    await syncWith(world, NUMBERS);
    await syncWith(world, {});
    await syncWith(untouched, {});
    expect(sessions(world)).toEqual(sessions(untouched));
  });
});

it('sends the path of a project below the home directory with ~, unless that is turned off', async () => {
  const world = await createHistory();
  await world.sync();
  expect(sent(world)).toContain('"projectPath":"~/open"');
  expect(sent(world)).not.toContain(world.home);
  await world.sync({}, { config: { hideHome: false } });
  expect(sent(world)).toContain(`"projectPath":"${world.home}/open"`);
});

it('leaves the results of tools out when they are not to be sent, and says how long they were', async () => {
  const world = await createWorld(SAFE);
  const call = { type: 'tool-call', id: 't', name: 'read', args: { path: 'x' } } as const;
  const result = { type: 'tool-result', id: 't', name: 'read', result: 'größe', isError: true } as const;
  world.write('one', [{ ...prompt('m1'), role: 'assistant', parts: [call, result] }]);
  await world.sync({}, { config: { toolResults: false } });
  const content = { id: 't', name: 'read', result: '[result left out, 7 bytes]', isError: true };
  expect(sent(world)).toContain(JSON.stringify(content));
  await world.sync();
  expect(JSON.stringify(sessions(world))).toContain('größe');
});
