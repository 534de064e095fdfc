import { describe, expect, it } from 'vitest';
import { levelsIn, levelsOf, metadataOf, type PrivacyOptions } from './privacy.js';
import { type PrivacySetting, wrongPrivacyAt } from './privacy-setting.js';
import type { Session } from './types.js';
import { toWire } from './wire.js';

const options: PrivacyOptions = { home: '/home/me', ignoresCase: false, realpath: (path) => path };

function levelOf(path: string | undefined, setting: PrivacySetting, more: Partial<PrivacyOptions> = {}) {
  return levelsOf(setting, { ...options, ...more })(path);
}

const off = (path: string): PrivacySetting => ({ projects: [{ path, level: 'off' }] });

describe('the level of a project', () => {
  it('is full as long as nothing is set', () => {
    expect(levelsOf(undefined, options)('/home/me/work')).toBe('full');
    expect(levelOf(undefined, {})).toBe('full');
  });

  it('is that of the first path that matches, then the default', () => {
    const setting: PrivacySetting = {
      default: 'metadata',
      projects: [
        { path: '~/work/secret/**', level: 'off' },
        { path: '~/work', level: 'full' },
      ],
    };
    expect(levelOf('/home/me/work/secret/a', setting)).toBe('off');
    expect(levelOf('/home/me/work/open', setting)).toBe('full');
    expect(levelOf('/srv', setting)).toBe('metadata');
    expect(levelOf(undefined, setting)).toBe('metadata');
  });

  it.each([
    ['~/work/**', '/home/me/work'],
    ['~/work', '/home/me/work/deep/er'],
    ['~/work/', '/home/me/work'],
    ['~', '/home/me/anything'],
    ['/', '/anything'],
    ['**', '/anything'],
    ['**/secret', '/srv/a/secret/b'],
    ['**/secret/**', '/secret'],
    ['/srv/*/private', '/srv/a/private'],
    ['/srv/**/private', '/srv/private'],
    ['/srv/**/private', '/srv/a/b/private/c'],
    ['/srv/client-?', '/srv/client-1'],
    ['/srv/a (b)+[c]', '/srv/a (b)+[c]/d'],
    ['~/work', '/home/me/other/../work/./x'],
    ['~/work', '/home/me/work/'],
    ['C:\\work\\**', 'C:\\work\\x'],
    ['C:/work', 'C:\\work\\x'],
    ['/srv/caf\u00e9', '/srv/cafe\u0301'],
  ])('%s holds for %s', (path, project) => {
    expect(levelOf(project, off(path))).toBe('off');
  });

  it.each([
    ['~/work', '/home/me/workshop'],
    ['~/work/secret', '/home/me/work'],
    ['/srv/*/private', '/srv/a/b/private'],
    ['/srv/client-?', '/srv/client-12'],
    ['/srv/a.b', '/srv/axb'],
    ['~/work', '/home/me/work/../other'],
    ['~/Work', '/home/me/work'],
  ])('%s does not hold for %s', (path, project) => {
    expect(levelOf(project, off(path))).toBe('full');
  });

  it('does not depend on upper and lower case where folders do not', () => {
    expect(levelOf('/home/me/work', off('~/Work'), { ignoresCase: true })).toBe('off');
  });

  it('holds for the folder that a symbolic link in the path leads to', () => {
    const realpath = (path: string) => path.replace('/home/me/work', '/data/work');
    for (const project of ['/data/work/secret', '/home/me/work/secret']) {
      expect(levelOf(project, off('~/work/sec*'), { realpath })).toBe('off');
    }
  });
});

function sessionOf(id: string, fields: Partial<Session> = {}): Session {
  return { id, messages: [], calls: [], uncounted: [], problems: [], ...fields };
}

describe('the level of a subagent', () => {
  const setting = off('/secret');
  const levels = (...sessions: Session[]) =>
    Object.fromEntries(levelsIn(sessions, levelsOf(setting, options)));

  it('is that of its own project', () => {
    const parent = sessionOf('p', { projectPath: '/secret' });
    const child = sessionOf('p/a', { parentId: 'p', projectPath: '/open' });
    expect(levels(parent, child)).toEqual({ p: 'off', 'p/a': 'full' });
  });

  it('is that of its parent when it has no project', () => {
    const parent = sessionOf('p', { projectPath: '/secret' });
    const child = sessionOf('p/a', { parentId: 'p' });
    const grandchild = sessionOf('p/b', { parentId: 'p/a' });
    expect(levels(parent, child, grandchild)).toEqual({ p: 'off', 'p/a': 'off', 'p/b': 'off' });
  });

  it('is the default when nobody knows a project, even when they name each other as parents', () => {
    expect(levels(sessionOf('a', { parentId: 'b' }), sessionOf('b', { parentId: 'a' }))).toEqual({
      a: 'full',
      b: 'full',
    });
  });
});

describe('metadataOf', () => {
  const word = 'hush-hush';
  const usage = { input: 3, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 4, reasoning: null };
  const session = sessionOf('s', {
    title: word,
    projectPath: `/home/me/${word}`,
    projectName: word,
    gitBranch: word,
    createdAt: 1000,
    updatedAt: 5000,
    calls: [{ id: 'c', model: 'm', createdAt: 1000, usage }],
    messages: [
      { id: 'm1', role: 'user', createdAt: 1000, parts: [{ type: 'text', text: word }] },
      {
        id: 'm2',
        role: 'assistant',
        model: 'm',
        createdAt: 2000,
        usage,
        parts: [
          { type: 'thinking', text: word },
          { type: 'tool-call', id: 't', name: 'read', args: { [word]: word } },
          { type: 'tool-result', id: 't', name: 'read', result: word, isError: true },
          { type: 'file', mediaType: 'image/png', bytes: 7 },
        ],
      },
    ],
  });
  const wireOf = (one: Session) => toWire(one, { source: 'tiny', cost: 0.5, thinking: true });

  it('leaves numbers, times, models, roles and names of tools, and no word of anyone', () => {
    const { session: header, messages } = wireOf(metadataOf(session));
    expect(JSON.stringify({ header, messages })).not.toContain('hush');
    expect(header).toEqual({
      externalId: 's',
      source: 'tiny',
      title: 'Private session',
      model: 'm',
      createdAt: 1000,
      promptTokens: 3,
      completionTokens: 4,
      cost: 0.5,
      durationMs: 4000,
    });
    expect(messages.map(({ parts }) => parts)).toEqual([
      [{ type: 'text', content: '[9 characters]' }],
      [
        { type: 'tool-call', content: { id: 't', name: 'read', args: {} } },
        {
          type: 'tool-result',
          content: { id: 't', name: 'read', result: '[9 characters]', isError: true },
        },
        { type: 'text', content: '[image/png, 7 bytes]' },
      ],
    ]);
    expect(messages[1]).toMatchObject({
      role: 'assistant',
      model: 'm',
      promptTokens: 3,
      completionTokens: 4,
    });
  });

  it('has the same messages as the whole session, so that a server counts alike', () => {
    const outline = (one: Session) =>
      wireOf(one).messages.map(({ externalId, role, createdAt }) => ({ externalId, role, createdAt }));
    expect(outline(metadataOf(session))).toEqual(outline(session));
  });
});

describe('the setting', () => {
  it.each([
    [{}, undefined],
    [{ default: 'off' }, undefined],
    [{ projects: [{ path: '~/x', level: 'metadata' }] }, undefined],
    ['off', []],
    [{ default: 'none' }, ['default']],
    [{ project: [] }, ['project']],
    [{ projects: {} }, ['projects']],
    [{ projects: [{ path: 'work', level: 'off' }] }, ['projects', '0']],
    [{ projects: [{ path: '/a', level: 'off' }, { path: '/b' }] }, ['projects', '1']],
    [{ projects: [{ path: '/a', level: 'off', recursive: false }] }, ['projects', '0']],
  ])('%j is wrong at %j', (value, at) => {
    expect(wrongPrivacyAt(value)).toEqual(at);
  });
});
