import { describe, expect, it } from 'vitest';
import { partsOf, textOf, withoutElements } from './content.js';

describe('the content of a message', () => {
  it('may be a text', () => {
    expect(partsOf('Mend it')).toEqual([{ type: 'text', text: 'Mend it' }]);
    expect([partsOf(''), partsOf(undefined), partsOf(7)]).toEqual([[], [], []]);
  });

  it('may be blocks, in either spelling', () => {
    const call = (id: string) => ({ type: 'tool-call', id, name: 'read', args: { path: 'a' } });
    expect(
      partsOf([
        { type: 'thinking', thinking: 'Hm.', signature: 'x' },
        { type: 'text', text: 'Look:' },
        { type: 'tool_use', id: 'c1', name: 'read', input: { path: 'a' } },
        { type: 'toolCall', id: 'c2', name: 'read', arguments: { path: 'a' } },
      ]),
    ).toEqual([{ type: 'thinking', text: 'Hm.' }, { type: 'text', text: 'Look:' }, call('c1'), call('c2')]);
  });

  it('may be results of tools', () => {
    const content = [
      { type: 'text', text: 'no such file' },
      { type: 'image', data: 'AAAA' },
    ];
    expect(partsOf([{ type: 'tool_result', tool_use_id: 'c1', content, is_error: true }])).toEqual([
      { type: 'tool-result', id: 'c1', name: 'unknown', result: 'no such file\n[image]', isError: true },
    ]);
  });

  it('keeps of a file its kind and size', () => {
    const blocks = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'image', mimeType: 'image/gif', data: 'AAAA' },
      { type: 'document' },
    ];
    expect(partsOf(blocks)).toEqual([
      { type: 'file', mediaType: 'image/png', bytes: 3 },
      { type: 'file', mediaType: 'image/gif', bytes: 3 },
      { type: 'file', mediaType: 'document' },
    ]);
    expect(textOf([{ type: 'text', text: 'See' }, ...blocks])).toBe(
      'See\n[image/png]\n[image/gif]\n[document]',
    );
  });

  it('leaves out what says nothing or is of another kind', () => {
    expect(partsOf([null, 'x', { type: 'text', text: ' ' }, { type: 'tool_use' }, { type: 'new' }])).toEqual(
      [],
    );
  });
});

describe('a text without the elements of a tool', () => {
  const without = (text: string) => withoutElements(text, ['note', 'git_status']);
  const note = (text: string) => `<note>${text}</note>`;

  it('is what stands before, between and behind them', () => {
    expect(without(`${note('a')}\nMend it\n${note('b')}`)).toBe('Mend it');
    expect(without(`Mend${note('a')} it<git_status at="9:00">clean</git_status>`)).toBe('Mend it');
    expect(without(`\n${note('a\nb')} ${note('c')}\n`)).toBe('');
  });

  it('is as it was when there are none, or a person asks about them', () => {
    for (const text of [' Mend it\n', '', 'What is <note>?', 'And </note>?', '<notes>x</notes>'])
      expect(without(text)).toBe(text);
  });

  it('holds nothing of one that speaks of such elements itself', () => {
    expect(without(`${note(`a ${note('b')} c`)} Mend it`)).toBe('Mend it');
    expect(without(`Mend it ${note('the tag <note> is ours')}`)).toBe('Mend it');
    expect(without(`${note('of <git_status> and </git_status>')} Mend it`)).toBe('Mend it');
    expect(without(`What is <git_status>? ${note('b')}`)).toBe('What is <git_status>?');
  });

  it('takes time in proportion to its length', () => {
    const begun = performance.now();
    for (const part of [
      '<note>',
      '</note>',
      '<note ',
      note('x'),
      '<note><git_status>',
      '<git_status></note>',
    ])
      without(`${part.repeat(300_000)}x`);
    // What is quadratic takes minutes for this.
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
