import type { Need } from '@opensync/core/plugin';

/*
 * Which lines are parsed at all, decided on their first bytes. Leaving one out has to be exact, keeping
 * one never has. A quoted key or value is: inside a JSON string its quotes would be escaped.
 */

const HEAD_BYTES = 512;
const HEAD = /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"(\w+)"(?:,"payload":\{"type":"(\w+)")?/;

const EVENTS = [
  'user_message',
  'agent_message',
  'token_count',
  'task_started',
  'thread_settings_applied',
  'entered_review_mode',
  'exited_review_mode',
];
const SHOWN_ITEMS = ['UserMessage', 'AgentMessage', 'EnteredReviewMode', 'ExitedReviewMode'];

/** Leaves out what the client keeps for itself and for the model; for a summary also the output of tools. */
export function filterFor(need: Need): (line: Buffer) => boolean {
  return (line) => {
    const head = line.toString('latin1', 0, Math.min(line.length, HEAD_BYTES));
    const [, type, kind] = HEAD.exec(head) ?? [];
    if (type === 'world_state') return false;
    if (kind === undefined) return true;
    if (type === 'event_msg') return isEvent(kind, head, line, need);
    return type !== 'response_item' || isItem(kind, head, need);
  };
}

function isEvent(kind: string, head: string, line: Buffer, need: Need): boolean {
  if (kind !== 'item_completed') return EVENTS.includes(kind);
  const item = /"item":\{"type":"(\w+)"/.exec(head)?.[1];
  if (item === undefined || SHOWN_ITEMS.includes(item)) return true;
  // Of everything else only whether it failed.
  return need === 'all' && line.includes('"status":"failed"');
}

function isItem(kind: string, head: string, need: Need): boolean {
  if (kind === 'additional_tools') return false;
  if (kind === 'message') return !head.includes('"role":"developer"');
  return need === 'all' || !kind.endsWith('_output');
}

/** Of the history that a fork goes on from: the models and the running totals. */
export function isAccounting(line: Buffer): boolean {
  const head = line.toString('latin1', 0, Math.min(line.length, HEAD_BYTES));
  const [, type, kind] = HEAD.exec(head) ?? [];
  return type === undefined || type === 'session_meta' || type === 'turn_context' || kind === 'token_count';
}
