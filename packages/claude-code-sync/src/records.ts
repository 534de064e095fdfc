import * as z from 'zod/mini';

/*
 * Lines of a Claude Code transcript, as loose as reality: unknown fields and line types pass.
 * docs/formats/claude-code.md says which client writes what.
 */

/** A field of another type than expected is unknown, and never the end of its whole line. */
const lenient = <T>(schema: z.ZodMiniType<T>) => z.catch(z.optional(schema), undefined);
const count = lenient(z.number());
const text = lenient(z.string());
const flag = lenient(z.boolean());

/** `message.usage`; every line of one API message repeats it. */
export const UsageRecord = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  cache_creation: lenient(z.object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })),
  output_tokens_details: lenient(z.object({ thinking_tokens: count })),
  server_tool_use: lenient(z.object({ web_search_requests: count })),
  service_tier: text,
  speed: text,
});
export type UsageRecord = z.infer<typeof UsageRecord>;

/** A content block: text, thinking, tool_use, tool_result, image, and whatever comes next. */
export const Block = z.looseObject({ type: z.string() });
export type Block = z.infer<typeof Block>;

export const Content = z.union([z.string(), z.array(z.union([Block, z.string()]))]);
export type Content = z.infer<typeof Content>;

/** Any line. Fields that only some line types have are optional. */
export const Line = z.object({
  type: z.string(),
  subtype: text,
  uuid: text,
  timestamp: text,
  sessionId: text,
  requestSessionId: text,
  requestId: text,
  cwd: text,
  gitBranch: text,
  version: text,
  isSidechain: flag,
  isMeta: flag,
  isCompactSummary: flag,
  isApiErrorMessage: flag,
  parentUuid: text,
  agentId: text,
  origin: lenient(z.object({ kind: text })),
  forkedFrom: lenient(z.object({ sessionId: text })),
  customTitle: text,
  aiTitle: text,
  operation: text,
  /** Of system lines. */
  content: z.optional(z.unknown()),
  attachment: lenient(z.object({ type: text, commandMode: text, prompt: lenient(Content) })),
  message: lenient(
    z.object({
      id: text,
      model: text,
      stop_reason: text,
      content: lenient(Content),
      usage: lenient(UsageRecord),
    }),
  ),
});
export type Line = z.infer<typeof Line>;

/** `agent-<id>.meta.json`, beside a subagent's transcript. */
export const AgentMeta = z.object({ agentType: text, description: text });
export type AgentMeta = z.infer<typeof AgentMeta>;

/** `custom-title.json`, beside the folder of a session's subagents. */
export const CustomTitle = z.object({ customTitle: text });
