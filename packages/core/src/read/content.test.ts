import { describe, expect, it } from 'vitest';
import { partsOf, textOf } from './content.js';

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
