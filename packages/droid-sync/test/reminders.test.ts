import { describe, expect, it } from 'vitest';
import { homeOf, preparedOf } from './home.js';

const reminder = (text: string) => `<system-reminder>${text}</system-reminder>`;

describe('a text without reminders', () => {
  it('is what is shown of a prompt between two of them in one block', () => {
    const message = (id: string, text: string) => ({
      type: 'message',
      id,
      message: { role: 'user', content: [{ type: 'text', text }] },
    });
    const lines = [
      { type: 'session_start', id: 's1', cwd: '/home/dev/app' },
      message('u1', reminder('Friday')),
      message('u2', `${reminder('Friday')}\nMend it\n${reminder('Be brief')}`),
    ];
    const [prepared] = preparedOf(homeOf({ '-w/s1.jsonl': lines }));
    expect(prepared?.session.messages).toMatchObject([
      { id: 'u2', role: 'user', parts: [{ type: 'text', text: 'Mend it' }] },
    ]);
    expect(prepared?.session.title).toBe('Mend it');
  });
});
