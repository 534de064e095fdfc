import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Env, errorMessage, isOpenSyncError, jsonl, type Problem } from '@opensync/core/plugin';
import * as z from 'zod/mini';
import type { Generation } from './records.js';

/** Where the hook keeps what `keep` of `usage-record.ts` gives, a line for each time that a turn ended. */
export const JOURNAL = 'turns.jsonl';

/** Of its own: beside it, what watches it would see its own log. */
export function journalFolder({ home }: Env): string {
  return join(home, '.cursor-cli-sync/usage');
}

/** What the hooks recorded of chats, by chat id. */
export interface Journal {
  chats: ReadonlyMap<string, readonly Generation[]>;
  problem?: Problem;
}

const name = z.string().check(z.minLength(1));
const count = z.int().check(z.nonnegative());

const JournalLine = z.object({
  time: z.number().check(z.positive()),
  conversation_id: name,
  generation_id: name,
  model: z.catch(z.optional(z.string()), undefined),
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
});
type JournalLine = z.infer<typeof JournalLine>;

/** Like the tool's statistics it is shared by all chats: without it less is known of them. */
export function readJournal(file: string): Journal {
  if (!existsSync(file)) return { chats: new Map() };
  try {
    return { chats: readChats(file) };
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    return { chats: new Map(), problem: { message: errorMessage(error) } };
  }
}

function readChats(file: string): Journal['chats'] {
  const chats = new Map<string, Map<string, Generation>>();
  // A line that broke off is no problem of any chat: its turn has no tokens, and shows that.
  for (const { value, line } of jsonl(file, { report: () => undefined })) {
    const parsed = JournalLine.safeParse(value);
    if (!parsed.success) continue;
    const id = parsed.data.conversation_id;
    const chat = chats.get(id) ?? new Map<string, Generation>();
    chats.set(id, chat);
    // Both hooks of a turn tell the same, the later one last.
    chat.set(parsed.data.generation_id, { ...generationOf(parsed.data), location: { file, line } });
  }
  return new Map([...chats].map(([id, chat]) => [id, [...chat.values()]]));
}

/** The tool counts cached input apart from the rest. How long a cache lives it does not say: the vendors' default. */
function generationOf(line: JournalLine): Omit<Generation, 'location'> {
  return {
    id: line.generation_id,
    model: line.model,
    endedAt: line.time,
    usage: {
      input: line.input_tokens,
      cacheRead: line.cache_read_tokens,
      cacheWrite5m: line.cache_write_tokens,
      cacheWrite1h: 0,
      output: line.output_tokens,
      reasoning: null,
    },
  };
}
