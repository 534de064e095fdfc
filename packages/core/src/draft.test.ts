import { describe, expect, it } from 'vitest';
import { draftSession, filePart } from './draft.js';
import type { Message } from './types.js';

const prompt = (id: string, text: string, fields: Partial<Message> = {}): Message => ({
  id,
  role: 'user',
  parts: [{ type: 'text', text }],
  ...fields,
});
const caller = (): Message => ({
  id: 'a1',
  role: 'assistant',
  parts: [
    { type: 'tool-call', id: 'c1', name: 'read', args: {} },
    { type: 'tool-call', id: 'c2', name: 'bash', args: {} },
  ],
});

describe('a draft of a session', () => {
  it('takes times, title and the name of the project from what it holds', () => {
    const draft = draftSession('s1');
    draft.session.projectPath = '/home/dev/app/';
    draft.addMessage(prompt('1', ' \n', { createdAt: 5 }));
    draft.addMessage(prompt('2', 'notice', { createdAt: 9, injected: true }));
    draft.addMessage(prompt('3', ' Mend it \n', { createdAt: 7 }));
    expect(draft.finish()).toMatchObject([
      { id: 's1', createdAt: 5, updatedAt: 9, title: 'Mend it', projectName: 'app' },
    ]);
  });

  it('keeps what a record said', () => {
    const draft = draftSession('s1');
    Object.assign(draft.session, { title: 'Named', projectName: 'other', projectPath: 'C:\\app' });
    draft.addMessage(prompt('1', 'Mend it'));
    expect(draft.finish()).toMatchObject([{ title: 'Named', projectName: 'other' }]);
  });

  it('leaves copies out of its times, and takes its title from them only when it has nothing else', () => {
    const draft = draftSession('s1');
    draft.addMessage(prompt('1', 'Copied', { createdAt: 1, copied: true }));
    expect(draft.finish()).toMatchObject([{ title: 'Copied' }]);
    expect(draft.session.createdAt).toBeUndefined();

    const fork = draftSession('s2');
    fork.addMessage(prompt('1', 'Copied', { createdAt: 1, copied: true }));
    fork.addMessage(prompt('2', 'Own', { createdAt: 3 }));
    expect(fork.finish()).toMatchObject([{ title: 'Own', createdAt: 3, updatedAt: 3 }]);
  });

  it('puts results behind their calls, whatever order they come in, and keeps the last of an id', () => {
    const draft = draftSession('s1');
    draft.addMessage(caller());
    draft.addResult({ id: 'c2', result: 'two', isError: true });
    draft.addResult({ id: 'c1', result: 'on' });
    draft.addResult({ id: 'c1', result: 'one' });
    expect(draft.session.messages[0]?.parts).toEqual([
      { type: 'tool-call', id: 'c1', name: 'read', args: {} },
      { type: 'tool-result', id: 'c1', name: 'read', result: 'one' },
      { type: 'tool-call', id: 'c2', name: 'bash', args: {} },
      { type: 'tool-result', id: 'c2', name: 'bash', result: 'two', isError: true },
    ]);
  });

  it('puts results that come in a message behind their calls as well', () => {
    const draft = draftSession('s1');
    draft.addMessage(caller());
    const answer = { type: 'tool-result', id: 'c2', name: 'unknown', result: 'two' } as const;
    const lost = { ...answer, id: 'c9' };
    draft.addMessage({ ...prompt('u1', 'Go on'), parts: [answer, lost, { type: 'text', text: 'Go on' }] });
    expect(draft.session.messages.map(({ parts }) => parts.map(({ type }) => type))).toEqual([
      ['tool-call', 'tool-call', 'tool-result'],
      ['text'],
    ]);
    expect(draft.session.messages[0]?.parts[2]).toMatchObject({ name: 'bash', result: 'two' });
    expect(draft.session.problems).toHaveLength(1);
  });

  it('reports a result without a call', () => {
    const draft = draftSession('s1');
    draft.addResult({ id: 'c9', result: 'lost', location: { file: '/f', line: 3 } });
    expect(draft.session.problems).toMatchObject([{ location: { file: '/f', line: 3 } }]);
  });

  it('notes calls, and those that are not on its bill with the reason', () => {
    const draft = draftSession('s1');
    const location = { file: '/f', line: 2 };
    draft.addCall({ id: 'r1' });
    draft.addCall({ id: 'r2', location }, 'a failed request');
    expect(draft.session.calls).toEqual([{ id: 'r1' }]);
    expect(draft.session.uncounted).toEqual([{ id: 'r2', reason: 'a failed request', location }]);
  });

  it('names each unknown type of records once', () => {
    const draft = draftSession('s1');
    for (const type of ['new', 'new', undefined, 7]) draft.leaveOut(type, { file: '/f', line: 1 });
    expect(draft.session.problems).toEqual([
      { message: 'Records of the unknown type "new" were left out.', location: { file: '/f', line: 1 } },
      { message: 'Records without a type were left out.', location: { file: '/f', line: 1 } },
    ]);
  });

  it('is a session of its calls when it shows no message, since they were billed', () => {
    const draft = draftSession('s1');
    draft.session.projectPath = '/home/dev/app';
    draft.addMessage({ id: '1', role: 'assistant', parts: [] });
    draft.addCall({ id: 'r1', createdAt: 7 });
    draft.addCall({ id: 'r2', createdAt: 5 });
    draft.addCall({ id: 'r3' });
    expect(draft.finish()).toMatchObject([
      { calls: [{ id: 'r1' }, { id: 'r2' }, { id: 'r3' }], createdAt: 5, updatedAt: 7, projectName: 'app' },
    ]);
  });

  it('is none of calls that are not on its bill', () => {
    const draft = draftSession('s1');
    draft.addCall({ id: 'r1' }, 'a failed request');
    expect(draft.finish()).toEqual([]);
  });

  it('is no session without a message and a call, and takes no message that says nothing', () => {
    const draft = draftSession('s1');
    draft.addMessage({ id: '1', role: 'assistant', parts: [] });
    expect(draft.finish()).toEqual([]);
  });
});

describe('a file', () => {
  it('is named with its size and without its bytes', () => {
    expect(filePart('image/png', 'AAAA')).toEqual({ type: 'file', mediaType: 'image/png', bytes: 3 });
    expect(filePart(undefined, undefined)).toEqual({ type: 'file', mediaType: 'application/octet-stream' });
  });
});
