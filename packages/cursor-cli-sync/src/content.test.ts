import { describe, expect, it } from 'vitest';
import { timestampOf, transcriptContent, typedText, workspaceOf } from './content.js';

describe('what a person typed', () => {
  it.each([
    ['stands between the tags', '<user_query>\nFix it.\n</user_query>', 'Fix it.'],
    [
      'ends at the last closing tag, since people quote it',
      '<user_query>Why is </user_query> cut?</user_query>',
      'Why is </user_query> cut?',
    ],
    ['goes to the end without a closing tag', '<user_query>\nFix it.', 'Fix it.'],
    [
      'may quote a wrapper',
      '<user_query>What is <rules>x</rules>?</user_query>',
      'What is <rules>x</rules>?',
    ],
    [
      'comes without what the client puts around it',
      '<open_and_recently_viewed_files>\na\n</open_and_recently_viewed_files>\n<user_query>\nFix it.\n</user_query>\n<system_reminder>x</system_reminder>',
      'Fix it.',
    ],
    ['needs no tags', 'Fix it.', 'Fix it.'],
    [
      'is left when wrappers and the time are taken away',
      '<timestamp>Sunday, Apr 26, 2026, 9:53 PM (UTC-4)</timestamp>\n<rules kind="a">x</rules>\nFix it.\n<git_status>\nclean\n</git_status>',
      'Fix it.',
    ],
    ['is nothing in a message of context', '<user_info>\nx\n</user_info>\n<rules>y</rules>', ''],
    ['may begin with a tag that is not the client’s', '<b>Fix</b> it.', '<b>Fix</b> it.'],
  ])('%s', (_, text, typed) => {
    expect(typedText(text)).toBe(typed);
  });
});

describe('the time in front of a prompt', () => {
  it.each([
    ['Sunday, Apr 26, 2026, 9:53 PM (UTC-4)', '2026-04-27T01:53:00Z'],
    ['Thursday, Oct 9, 2025, 12:05 AM (UTC+0)', '2025-10-09T00:05:00Z'],
    ['Thursday, Oct 9, 2025, 9:23 AM (UTC+5:30)', '2025-10-09T03:53:00Z'],
    ['yesterday', undefined],
    ['Thursday, Nix 99, 2025, 9:23 AM (UTC+0)', undefined],
  ])('%s', (written, at) => {
    const text = `<timestamp>${written}</timestamp>\n<user_query>x</user_query>`;
    expect(timestampOf(text)).toBe(at === undefined ? undefined : Date.parse(at));
  });

  it('is not looked for in what was typed', () => {
    const quoted = '<user_query>\n<timestamp>Thursday, Oct 9, 2025, 9:23 AM (UTC+0)</timestamp></user_query>';
    expect(timestampOf(quoted)).toBeUndefined();
  });
});

describe('the working directory', () => {
  it('is read from the description of the machine alone', () => {
    expect(workspaceOf('<user_info>\r\nOS: x\r\n\r\nWorkspace Path: /home/dev/my app\r\n</user_info>')).toBe(
      '/home/dev/my app',
    );
    expect(workspaceOf('Workspace Path: /typed')).toBeUndefined();
    expect(workspaceOf('<user_info>\nWorkspace Path: \nShell: x\n</user_info>')).toBeUndefined();
  });
});

describe('a text of a million tags', () => {
  // Read again from each tag on, it would take hours.
  it('is read once', () => {
    const count = 300_000;
    for (const tag of ['<rules>', '<rules ', '<user_info>', '<timestamp>', '<think>', '\n', ' ']) {
      const text = tag.repeat(count);
      expect(typedText(`${text}x`).endsWith('x')).toBe(true);
      expect(workspaceOf(`<user_info>\nWorkspace Path: a${text}b`)).toBeUndefined();
      expect(transcriptContent([{ type: 'text', text }])[0]?.text).toBe(text);
    }
    expect(typedText(`${'<rules>'.repeat(count)}a</rules>b<git_status>c</git_status>`)).toBe('b');
    expect(transcriptContent(`a${'\n'.repeat(count)}[REDACTED]\n[REDACTED]`)[0]?.text).toBe('a');
  });
});
