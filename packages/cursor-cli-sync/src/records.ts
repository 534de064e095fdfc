import type { Location, Usage } from '@opensync/core/plugin';
import * as z from 'zod/mini';

/*
 * What the Cursor CLI writes, as loose as reality: unknown fields pass, and a field of another type
 * than expected is unknown, never the end of its record. docs/formats/cursor.md says where each
 * fact comes from.
 */

const text = z.catch(z.optional(z.string()), undefined);
const flag = z.catch(z.optional(z.boolean()), undefined);
/** Older builds may have written seconds. */
const time = z.catch(
  z.optional(
    z.pipe(
      z.number().check(z.positive()),
      z.transform((at) => (at < 1e11 ? at * 1000 : at)),
    ),
  ),
  undefined,
);
const object = <T extends z.core.$ZodShape>(shape: T) => z.catch(z.optional(z.object(shape)), undefined);

/**
 * Row `0` of a store's table `meta`. The row holds a secret as well, `blobEncryptionKey`: a field that
 * is not named here is dropped.
 */
export const ChatMeta = z.object({
  latestRootBlobId: text,
  name: text,
  createdAt: time,
  lastUsedModel: text,
  subagentInfo: object({ parentAgentId: text }),
});

/** By itself, as types that the package shows must not need zod. */
export interface StoreMeta {
  latestRootBlobId?: string | undefined;
  name?: string | undefined;
  createdAt?: number | undefined;
  lastUsedModel?: string | undefined;
  subagentInfo?: { parentAgentId?: string | undefined } | undefined;
}

/** `meta.json` beside a store. */
export const ChatFile = z.object({
  createdAtMs: time,
  updatedAtMs: time,
  hasConversation: flag,
  cwd: text,
  title: text,
  isSubagent: flag,
});

export interface FileMeta {
  createdAtMs?: number | undefined;
  updatedAtMs?: number | undefined;
  hasConversation?: boolean | undefined;
  cwd?: string | undefined;
  title?: string | undefined;
  isSubagent?: boolean | undefined;
}

const CursorOptions = object({ cursor: object({ isSummary: flag, modelName: text }) });

/** A message of a conversation: a blob of the store, or what stands in a line of a transcript. */
export const MessageRecord = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(z.unknown())]),
  providerOptions: CursorOptions,
});
export type MessageRecord = z.infer<typeof MessageRecord>;

/** A line of a transcript; those without a role are notes about the turn. */
export const TranscriptLine = z.object({
  role: z.string(),
  message: z.object({ content: z.union([z.string(), z.array(z.unknown())]) }),
});

const loose = z.catch(z.optional(z.unknown()), undefined);

/** A part of a message's content: text, reasoning, tool-call, tool-result, image, and whatever comes next. */
export const Block = z.object({
  type: z.string(),
  text,
  /** Of tool calls and results; `name` and `input` are the transcript's words for it. */
  toolCallId: text,
  toolName: text,
  args: loose,
  name: text,
  input: loose,
  result: loose,
  output: loose,
  experimental_content: loose,
  isError: flag,
  /** Of images and files. */
  image: loose,
  data: loose,
  mimeType: text,
  providerOptions: CursorOptions,
});
export type Block = z.infer<typeof Block>;

/** One turn: what was asked, when it began and how long it took, as far as that is recorded. */
export interface Turn {
  prompt: string | undefined;
  /** The vendor's id of the request; a `Generation` of the same id tells its tokens. */
  requestId: string | undefined;
  /** Milliseconds since the Unix epoch. */
  startedAt: number | undefined;
  durationMs: number | undefined;
}

/** What a hook recorded of one turn: all requests that it took, as one sum. */
export interface Generation {
  id: string;
  model: string | undefined;
  /** Milliseconds since the Unix epoch. */
  endedAt: number;
  usage: Usage;
  location: Location;
}

/** What `read.ts` hands out. */
export type CursorRecord =
  | { kind: 'chat'; meta: StoreMeta }
  | { kind: 'file'; file: FileMeta }
  /** Of the newest state of the conversation. */
  | {
      kind: 'state';
      startedAt: number | undefined;
      turns: Turn[];
      contextTokens: number | undefined;
      location: Location;
    }
  | { kind: 'message'; id: string; value: unknown; location: Location }
  /** Where a transcript lies says whose subagent it is, and names the project. */
  | { kind: 'transcript'; parentId: string | undefined; project: string | undefined }
  | { kind: 'line'; value: unknown; file: string; line: number }
  /** What the tool's own statistics know of the chat. */
  | { kind: 'tracked'; title: string | undefined; model: string | undefined }
  /** Of hooks, since they were installed. */
  | { kind: 'usage'; generation: Generation };
