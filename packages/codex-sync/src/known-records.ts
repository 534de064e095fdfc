/*
 * Types of lines that are known, and either read or known to hold nothing that is synced
 * (docs/formats/codex.md). Lines of the oldest clients have no payload; their types are those of items.
 */

const ITEMS = [
  'additional_tools',
  'agent_message',
  'compaction',
  'custom_tool_call',
  'custom_tool_call_output',
  'function_call',
  'function_call_output',
  'image_generation_call',
  'local_shell_call',
  'message',
  'reasoning',
  'tool_search_call',
  'tool_search_output',
  'web_search_call',
];

const EVENTS = [
  'agent_message',
  'agent_reasoning',
  'agent_reasoning_raw_content',
  'context_compacted',
  'entered_review_mode',
  'exited_review_mode',
  'item_completed',
  'task_complete',
  'task_started',
  'thread_goal_updated',
  'thread_rolled_back',
  'thread_settings_applied',
  'token_count',
  'turn_aborted',
  'user_message',
];

const KNOWN = new Set([
  ...ITEMS,
  ...ITEMS.map((type) => `response_item/${type}`),
  ...EVENTS.map((type) => `event_msg/${type}`),
  'compacted',
  'inter_agent_communication_metadata',
  'session_meta',
  'token_usage_record',
  'turn_context',
  'world_state',
]);

/** The type of a line that nobody has described yet. */
export function unknownRecord(value: unknown): string | undefined {
  const { type, payload, record_type, id, thread_name } = (value ?? {}) as Record<string, unknown>;
  // The oldest clients begin with a line about the session and mark states; the index of names has no types.
  if (typeof type !== 'string') {
    const isKnown =
      record_type !== undefined ||
      (id !== undefined && (thread_name !== undefined || 'timestamp' in (value as object)));
    return isKnown ? undefined : 'a line without a type';
  }
  const kind =
    type === 'event_msg' || type === 'response_item'
      ? (payload as { type?: unknown } | null)?.type
      : undefined;
  const name = typeof kind === 'string' ? `${type}/${kind}` : type;
  return KNOWN.has(name) ? undefined : name;
}
