import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactSession, redactText, redactValue } from './redact.js';
import { homeRewriter } from './redact-home.js';
import type { Session } from './types.js';

const rewrite = homeRewriter(['/home/me']);

describe('homeRewriter', () => {
  it.each([
    ['/home/me', '~'],
    ['cd /home/me/work && ls', 'cd ~/work && ls'],
    ['It is in /home/me.', 'It is in ~.'],
    ['PATH=/home/me/bin:/home/me/.local/bin', 'PATH=~/bin:~/.local/bin'],
    ['scp host:/home/me/x .', 'scp host:~/x .'],
    ['curl -d @/home/me/x', 'curl -d @~/x'],
    ['cc -I/home/me/include -isystem/home/me/x', 'cc -I~/include -isystem~/x'],
    ['-/home/me/old\n+/home/me/new', '-~/old\n+~/new'],
    ['[file](/home/me/a.ts) <path>/home/me</path>', '[file](~/a.ts) <path>~</path>'],
    ['\u001b[32m/home/me/x\u001b[0m', '\u001b[32m~/x\u001b[0m'],
    ['{"cwd":"\\/home\\/me\\/x"}', '{"cwd":"~\\/x"}'],
    ['{"text":"first\\n/home/me/x\\n"}', '{"text":"first\\n~/x\\n"}'],
    ['file:///home/me/x file://localhost/home/me/x', 'file://~/x file://localhost~/x'],
    ['vscode://file/home/me/x.ts:3', 'vscode://file~/x.ts:3'],
    ['?path=%2Fhome%2Fme%2Fx&y=%252Fhome%252Fme%252Fx', '?path=~%2Fx&y=~%252Fx'],
    ['/srv/projects/-home-me-work/a.jsonl', '/srv/projects/-~-work/a.jsonl'],
  ])('writes the home directory as ~ in %j', (text, expected) => {
    expect(rewrite(text)).toBe(expected);
  });

  it.each([
    '/home/means',
    '/home/me-old/x',
    '/home/me.bak',
    '/home/me_2',
    '/home/mé',
    '/home/me\\ too/x',
    '%2Fhome%2Fme%20too',
    '/home',
    '/backup/home/me/x',
    './home/me',
    '$ROOT/home/me',
    'https://example.org/home/me',
    'https://home/me',
    '//home/me/x',
    'a/-home-means-x',
    'x-home-me-y',
  ])('leaves %j as it is', (text) => {
    expect(rewrite(text)).toBe(text);
  });

  it('knows the ways to write a home directory of Windows', () => {
    const windows = homeRewriter(['C:\\Users\\me']);
    for (const [text, expected] of [
      ['C:\\Users\\me\\x', '~\\x'],
      ['c:/users/ME/x', '~/x'],
      ['{"cwd":"C:\\\\Users\\\\me\\\\new"}', '{"cwd":"~\\\\new"}'],
      ['"{\\"cwd\\":\\"C:\\\\\\\\Users\\\\\\\\me\\"}"', '"{\\"cwd\\":\\"~\\"}"'],
      ['/c/Users/me/x /mnt/c/Users/me/x', '~/x ~/x'],
      ['file:///C:/Users/me/x file:///c%3A/Users/me/x', 'file://~/x file://~/x'],
      ['C%3A%5CUsers%5Cme%5Cx', '~%5Cx'],
      ['C:\\Users\\meg C:\\Users\\me-2 D:\\Users\\me', 'C:\\Users\\meg C:\\Users\\me-2 D:\\Users\\me'],
    ] as const) {
      expect(windows(text)).toBe(expected);
    }
  });

  it('knows a name with spaces and accents in each of its spellings', () => {
    const spaced = homeRewriter(['/Users/Jürgen Müller']);
    for (const text of [
      '/Users/Jürgen Müller/x',
      '/Users/Jürgen\\ Müller/x',
      '/Users/J\\u00fcrgen M\\u00fcller/x',
      '/Users/J%C3%BCrgen%20M%C3%BCller/x',
      '/Users/Jürgen Müller/x'.normalize('NFD'),
    ]) {
      expect(spaced(text)).toBe('~/x');
    }
  });

  it('takes each path that leads to it, and none that names nothing', () => {
    expect(homeRewriter(['/home/me', '/data/users/me'])('/data/users/me/x /home/me/y')).toBe('~/x ~/y');
    expect(homeRewriter(['/', 'C:\\', ''])('/ C:\\ /home')).toBe('/ C:\\ /home');
  });

  it('leaves no home directory where a path begins, and changes nothing the second time', () => {
    const piece = fc.oneof(
      fc.constantFrom('/home/me', '/home', '/me', '\\/home\\/me', '%2Fhome%2Fme', '-home-me', '~', '/', '\\'),
      fc.constantFrom(' ', '"', '\n', '\\n', ':', '=', '.', '-', '_', 'x', '%20', 'file://', 'https://h'),
      fc.string({ maxLength: 5, unit: 'binary' }),
    );
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.constantFrom(' ', '"', '\n', '=', ':', '(', ','), text, (before, edge, after) => {
        const once = rewrite(`${before}${edge}/home/me/${after}`);
        expect(once).toContain(`${edge}~/`);
        expect(rewrite(once)).toBe(once);
        const redacted = redactText(once, { homes: ['/home/me'] });
        expect(redactText(redacted, { homes: ['/home/me'] })).toBe(redacted);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('redaction with a home directory', () => {
  const homes = ['/home/me'];

  it('rewrites every string and key of a value, and keeps what has none', () => {
    expect(redactValue({ '/home/me/a': ['/home/me/b', 1] }, { homes })).toEqual({ '~/a': ['~/b', 1] });
    const value = { path: '/srv/a', list: ['/home/other'] };
    expect(redactValue(value, { homes })).toBe(value);
  });

  const session: Session = {
    id: '/home/me/id',
    title: 'Look at /home/me/x',
    projectPath: '/home/me/work',
    projectName: 'work',
    gitBranch: 'main',
    messages: [
      { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'Why is /home/me/x empty?' }] },
      {
        id: 'm2',
        role: 'assistant',
        parts: [
          { type: 'tool-call', id: 't', name: 'read', args: { path: '/home/me/x' } },
          { type: 'tool-result', id: 't', name: 'read', result: '/home/me/x: TOKEN=a1b2c3d4e5f6' },
        ],
      },
    ],
    calls: [],
    uncounted: [],
    problems: [],
  };

  it('rewrites all of a session but its id', () => {
    const result = redactSession(session, { homes });
    expect(JSON.stringify({ ...result, id: '' })).not.toContain('/home/me');
    expect(result.id).toBe('/home/me/id');
    expect(result.projectPath).toBe('~/work');
    expect(result.projectName).toBe('work');
    expect(result.messages[1]?.parts[1]).toMatchObject({ result: '~/x: TOKEN=[redacted:credential]' });
  });

  it('does not call a project in the home directory itself by the name of the user', () => {
    for (const projectPath of ['/home/me', '/home/me/']) {
      const { projectName } = redactSession({ ...session, projectPath, projectName: 'me' }, { homes });
      expect(projectName).toBe('~');
    }
  });
});
