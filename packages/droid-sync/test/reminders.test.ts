import { describe, expect, it } from 'vitest';
import { withoutReminders } from '../src/reminders.js';
import { homeOf, preparedOf } from './home.js';

const reminder = (text: string) => `<system-reminder>${text}</system-reminder>`;

describe('a text without reminders', () => {
  it('is what stands before, between and behind them', () => {
    expect(withoutReminders(`${reminder('a')}\nMend it\n${reminder('b')}`)).toBe('Mend it');
    expect(withoutReminders(`Mend${reminder('a')} it`)).toBe('Mend it');
    expect(withoutReminders(`\n${reminder('a\nb')} ${reminder('c')}\n`)).toBe('');
  });

  it('is as it was when there are none, or a person asks about them', () => {
    for (const text of [' Mend it\n', '', 'What is <system-reminder>?', 'And </system-reminder>?'])
      expect(withoutReminders(text)).toBe(text);
  });

  it('holds nothing of one that speaks of reminders itself', () => {
    expect(withoutReminders(`${reminder(`a ${reminder('b')} c`)} Mend it`)).toBe('Mend it');
    expect(withoutReminders(`Mend it ${reminder('the tag <system-reminder> is ours')}`)).toBe('Mend it');
  });

  it('takes time in proportion to its length', () => {
    const time = (count: number) => {
      const text = `${'<system-reminder>'.repeat(count)}x`;
      const begun = performance.now();
      withoutReminders(text);
      withoutReminders('</system-reminder>'.repeat(count));
      withoutReminders(reminder('x').repeat(count));
      return performance.now() - begun;
    };
    // What is quadratic takes minutes for this.
    expect(time(300_000)).toBeLessThan(5_000);
  });

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
