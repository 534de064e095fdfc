const START = '<system-reminder>';

/**
 * A text without what the client tells the model on the side, before a prompt, behind it or around it.
 * Reminders may stand in each other. Where tags do not pair, everything from the first that is open to the last
 * end is one: rather a word too few than a reminder sent. Without any end it is text of a person about them.
 */
export function withoutReminders(text: string): string {
  const kept: string[] = [];
  let depth = 0;
  /** Where the outermost open reminder begins, where the last end behind that is, and what is not kept yet. */
  let [opened, closed, from] = [0, 0, 0];
  for (const { 0: tag, index } of text.matchAll(/<\/?system-reminder>/g)) {
    if (tag === START) {
      if (depth++ === 0) opened = index;
      continue;
    }
    if (depth === 0) continue;
    closed = index + tag.length;
    if (--depth > 0) continue;
    kept.push(text.slice(from, opened));
    from = closed;
  }
  if (depth > 0 && closed > opened) {
    kept.push(text.slice(from, opened));
    from = closed;
  }
  return from === 0 ? text : [...kept, text.slice(from)].join('').trim();
}
