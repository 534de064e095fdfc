import * as z from 'zod/mini';

/**
 * Tokens of one API call, or a sum of calls, in disjoint buckets: no token is in two of them.
 * `reasoning` is the one exception: it is the part of `output` that was spent on thinking,
 * and is `null` when the tool does not record it.
 */
export interface Usage {
  /** Prompt tokens neither read from nor written to a cache. */
  input: number;
  cacheRead: number;
  /** Prompt tokens written to a cache that lives 5 minutes. */
  cacheWrite5m: number;
  /** Prompt tokens written to a cache that lives 1 hour. */
  cacheWrite1h: number;
  /** Everything the model wrote, reasoning included. */
  output: number;
  reasoning: number | null;
}

export type Role = 'user' | 'assistant' | 'system' | 'tool' | 'unknown';

export type Part =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'tool-call'; id: string; name: string; args: unknown }
  | { type: 'tool-result'; id: string; name: string; result: string; isError?: boolean }
  /** Binary content, named but never carried. `bytes` is its decoded size, absent when unknown. */
  | { type: 'file'; mediaType: string; bytes?: number };

export interface Message {
  /** The tool's own id. Unique in the session and the same in every later state of the transcript. */
  id: string;
  role: Role;
  /** Milliseconds since the Unix epoch. Absent when the tool does not record it. */
  createdAt?: number;
  /** Only on messages that a model wrote. */
  model?: string;
  parts: Part[];
  /** Tokens of the call that produced the message. Absent when there was no call, or none was recorded. */
  usage?: Usage;
  /** A copy of another session's message: shown here, counted and billed there. */
  copied?: boolean;
  /** Neither typed by a person nor written by a model: a notice of the tool, a task for a subagent. */
  injected?: boolean;
}

/** Where a fact was read: a file and its 1-based line (or row). */
export interface Location {
  file: string;
  line: number;
}

/** One billed request to a model. */
export interface ApiCall {
  /** The vendor's message or response id; unique in the session. */
  id: string;
  model?: string;
  /** Who sold it, where that differs from call to call. Default: the session's provider. */
  provider?: string;
  /** Milliseconds since the Unix epoch. Decides which dated price applies. */
  createdAt?: number;
  /** Absent when the tool recorded the call but not its tokens: then the cost is unknown too. */
  usage?: Usage;
  /** Several requests whose sum is all that was recorded: how long the prompt of each was is unknown. */
  summed?: boolean;
  /** Vendor's speed or service tier, when it has a price of its own: "fast", "batch", "priority". */
  tier?: string;
  /** Web searches that the vendor bills by the piece. */
  webSearches?: number;
  /** US dollars, as the tool itself reckoned the call. Shown beside our figure, never instead of it. */
  toolCost?: number;
  location?: Location;
}

/** A record that looks like a bill and is not counted, and why. Shown by `explain`. */
export interface Uncounted {
  id?: string;
  reason: string;
  location?: Location;
}

/** Something in the history that could not be read as expected. The rest of the session is unaffected. */
export interface Problem {
  message: string;
  /** Where something was left out. Absent when nothing was: what is told is how the session went. */
  location?: Location;
}

/** A session as every source hands it to core. Absent means that the tool does not record it. */
export interface Session {
  /** The tool's own id. */
  id: string;
  title?: string;
  /** Absolute path of the working directory in which the session began. */
  projectPath?: string;
  /** Last component of `projectPath`, unless the tool knows better. */
  projectName?: string;
  gitBranch?: string;
  /** The model's vendor, e.g. "anthropic". */
  provider?: string;
  /** Milliseconds since the Unix epoch: first and last message that is not a copy. */
  createdAt?: number;
  updatedAt?: number;
  /** Id of the session that started this one as a subagent. */
  parentId?: string;
  /** Id of the session whose history this one began with a copy of. */
  forkedFrom?: string;
  messages: Message[];
  /** Calls this session made itself; copies are not in it. */
  calls: ApiCall[];
  uncounted: Uncounted[];
  problems: Problem[];
}

/** Body of `POST /sync/session`. Absent fields are unknown or unchanged; the server refuses null. */
export const SyncSessionData = z.object({
  /** The session's id, unique among the sessions of one account. */
  externalId: z.string(),
  /** Source id, e.g. "my-tool". Sent when the session is new. */
  source: z.optional(z.string()),
  title: z.optional(z.string()),
  projectPath: z.optional(z.string()),
  projectName: z.optional(z.string()),
  model: z.optional(z.string()),
  /** The model's vendor. */
  provider: z.optional(z.string()),
  /** Absolute totals, not increments. Everything that went in, caches included. */
  promptTokens: z.optional(z.number()),
  /** Everything that came out, reasoning included. */
  completionTokens: z.optional(z.number()),
  /** US dollars. Absent when it is unknown. */
  cost: z.optional(z.number()),
  durationMs: z.optional(z.number()),
  /** Milliseconds since the Unix epoch. Honoured when the session is new, ignored later. */
  createdAt: z.optional(z.number()),
});
export type SyncSessionData = z.infer<typeof SyncSessionData>;

/** Body of `POST /sync/message`. A repeat replaces the whole message, parts included. */
export const SyncMessageData = z.object({
  sessionExternalId: z.string(),
  /** Looked up across all sessions and users of a server: begin it with source and session id. */
  externalId: z.string(),
  role: z.enum(['user', 'assistant', 'system', 'tool', 'unknown']),
  textContent: z.optional(z.string()),
  model: z.optional(z.string()),
  promptTokens: z.optional(z.number()),
  completionTokens: z.optional(z.number()),
  durationMs: z.optional(z.number()),
  /** Names the source of a session that the message creates on the fly. */
  source: z.optional(z.string()),
  /** Milliseconds since the Unix epoch; orders the messages of a session. */
  createdAt: z.optional(z.number()),
  parts: z.optional(z.array(z.object({ type: z.string(), content: z.unknown() }))),
});
export type SyncMessageData = z.infer<typeof SyncMessageData>;

/** What every call of the client resolves to; it does not throw for a refusal or a dead network. */
export interface ApiResponse<T> {
  success: boolean;
  data?: T;
  /** For people: what failed and what to do. Never contains a key or a message's text. */
  error?: string;
}
