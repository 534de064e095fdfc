/** Types of lines that are known, and either read or known to hold nothing of the conversation (docs/formats/claude-code.md). */
const KNOWN = new Set([
  'agent-name',
  'ai-title',
  'api-request',
  'api-request-blob',
  'api-request-shape',
  'assistant',
  'atis-latch',
  'attachment',
  'content-replacement',
  'cost-state',
  'custom-title',
  'file-history-snapshot',
  'last-prompt',
  'mode',
  'permission-mode',
  'pr-link',
  'queue-operation',
  'relocated',
  'summary',
  'system',
  'tag',
  'tools-used',
  'user',
  'worktree-state',
]);

/** The type of a line that nobody has described yet. */
export function unknownRecord(value: unknown): string | undefined {
  const { type } = (value ?? {}) as { type?: unknown };
  if (typeof type === 'string') return KNOWN.has(type) ? undefined : type;
  return 'a line without a type';
}
