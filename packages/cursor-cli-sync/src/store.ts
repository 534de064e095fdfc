import { createHash } from 'node:crypto';
import {
  type Need,
  type Problem,
  parseJson,
  type ReadDatabase,
  type SqlValue,
  withDatabase,
} from '@opensync/core/plugin';
import { bytesIn, type Field, fieldsOf, numberIn } from './protobuf.js';
import { ChatMeta, type CursorRecord, type StoreMeta, type Turn } from './records.js';

/** Fields of a conversation's state, the blob that `latestRootBlobId` names. */
const MESSAGES = 1;
const OLD_TURNS = 2;
const PENDING = 4;
const CONTEXT = 5;
const OLD_ARCHIVE = 11;
const TURNS = 8;
const ARCHIVES = 13;
const TIMINGS = 14;
const STARTED_AT = 26;

/** Fields of a turn. */
const COMMAND = 2;
const REQUEST = 3;

const ID_BYTES = 32;

/** A list needs no output of tools: those blobs are not even read. */
const IS_TOOL_OUTPUT = `substr(data, 1, 14) = CAST('{"role":"tool"' AS BLOB)`;

interface Store {
  records: CursorRecord[];
  /** False when there is no conversation in it that could be read. */
  readable: boolean;
}

/**
 * The newest state of the conversation in a `store.db`. Nothing but what the state refers to is read:
 * the other blobs are abandoned branches, earlier states and the contents of edited files.
 * @throws OpenSyncError `read` when it cannot be opened or is no such database
 */
export function readStore(file: string, need: Need, report: (problem: Problem) => void): Store {
  return withDatabase(file, (database) => new Reader(database, file, need, report).read());
}

/** A blob and its row; without data when that was left out. */
interface Blob {
  row: number;
  data: Uint8Array | undefined;
}

class Reader {
  private readonly records: CursorRecord[] = [];
  /** How often each message has come up: equal messages share one blob. */
  private readonly seen = new Map<string, number>();
  private unreadable = 0;

  constructor(
    private readonly database: ReadDatabase,
    private readonly file: string,
    private readonly need: Need,
    private readonly report: (problem: Problem) => void,
  ) {}

  read(): Store {
    const meta = this.meta();
    if (meta === undefined) return { records: [], readable: false };
    this.records.push({ kind: 'chat', meta });
    const root = meta.latestRootBlobId;
    // Empty until something was said.
    if (!root) return { records: this.records, readable: false };
    const blob = this.blobs([root]).get(root);
    const state = tolerantFieldsOf(blob?.data);
    if (blob === undefined || state.length === 0) {
      this.problem('The state of the conversation is missing or damaged.');
      return { records: this.records, readable: false };
    }
    this.addState(state, blob.row);
    this.addConversation(state, blob.row);
    return { records: this.records, readable: this.seen.size > 0 || this.unreadable === 0 };
  }

  private meta(): StoreMeta | undefined {
    const value = this.database.all("SELECT value FROM meta WHERE key = '0'")[0]?.value;
    // Neither the text nor an error that quotes it may be kept: it holds a key.
    const parsed = parseJson(metaText(value));
    const meta = 'value' in parsed ? ChatMeta.safeParse(parsed.value) : undefined;
    if (meta?.success === true) return meta.data;
    this.problem('The description of the chat is missing or damaged.');
    return undefined;
  }

  private addConversation(state: readonly Field[], row: number): void {
    const list = bytesIn(state, MESSAGES).map(hex);
    const ids = [...this.archived(state), ...list];
    const blobs = this.blobs(ids, this.need === 'summary');
    for (const id of ids) {
      const blob = blobs.get(id);
      if (blob === undefined) {
        this.unreadable++;
        this.problem('A message is missing from the database.');
      } else if (blob.data !== undefined) this.addMessage(id, blob.data, blob.row);
    }
    // The newest messages stand in the state itself, and for a moment in both places.
    const pending = bytesIn(state, PENDING).map((data) => ({ id: sha256(data), data }));
    for (const { id, data } of pending.slice(repeated(list, pending))) this.addMessage(id, data, row);
  }

  /** Ids of the messages that compactions took out of the list. */
  private archived(state: readonly Field[]): string[] {
    const several = bytesIn(state, ARCHIVES);
    const ids = (several.length > 0 ? several : bytesIn(state, OLD_ARCHIVE)).map(hex);
    const blobs = this.blobs(ids);
    return ids.flatMap((id) => {
      const archive = tolerantFieldsOf(blobs.get(id)?.data);
      if (archive.length === 0) this.problem('An archive of the conversation is missing or damaged.');
      return bytesIn(archive, 1).map(hex);
    });
  }

  private addMessage(blobId: string, data: Uint8Array, row: number): void {
    const location = { file: this.file, line: row };
    const parsed = parseJson(utf8(data));
    if ('why' in parsed) {
      this.unreadable++;
      this.report({ message: `A message that ${parsed.why} was left out.`, location });
      return;
    }
    const count = (this.seen.get(blobId) ?? 0) + 1;
    this.seen.set(blobId, count);
    const id = count === 1 ? blobId.slice(0, 16) : `${blobId.slice(0, 16)}-${count}`;
    this.records.push({ kind: 'message', id, value: parsed.value, location });
  }

  private addState(state: readonly Field[], row: number): void {
    this.records.push({
      kind: 'state',
      startedAt: numberIn(state, STARTED_AT),
      turns: this.turns(state),
      contextTokens: numberIn(tolerantFieldsOf(bytesIn(state, CONTEXT)[0]), 1),
      location: { file: this.file, line: row },
    });
  }

  /** There is one timing a turn, in the same order; the turn that is under way may have none yet. */
  private turns(state: readonly Field[]): Turn[] {
    const timings = bytesIn(state, TIMINGS).map(tolerantFieldsOf);
    const ids = [...bytesIn(state, OLD_TURNS), ...bytesIn(state, TURNS)].map(hex);
    const isTimed = ids.length - timings.length <= 1 && timings.length <= ids.length;
    const blobs = this.blobs(ids);
    const turns = ids.map((id) => agentTurnOf(blobs.get(id)?.data));
    const prompts = this.blobs(turns.flatMap((turn) => turn?.promptId ?? []));
    return turns.flatMap((turn, index) => {
      if (turn === undefined) return [];
      const timing = (isTimed ? timings[index] : undefined) ?? [];
      return {
        prompt: promptTextOf(prompts.get(turn.promptId)?.data),
        requestId: turn.requestId,
        startedAt: numberIn(timing, 2),
        durationMs: numberIn(timing, 1),
      };
    });
  }

  /** In one query for all: there may be thousands, in each of thousands of databases. */
  private blobs(ids: readonly string[], skipToolOutput = false): Map<string, Blob> {
    if (ids.length === 0) return new Map();
    const data = skipToolOutput ? `CASE WHEN ${IS_TOOL_OUTPUT} THEN NULL ELSE data END` : 'data';
    const query = `SELECT id, rowid AS row, ${data} AS data FROM blobs WHERE id IN (SELECT value FROM json_each(?))`;
    const rows = this.database.all(query, JSON.stringify(ids));
    return new Map(
      rows.map((row) => [String(row.id), { row: Number(row.row), data: bytesOf(row.data ?? null) }]),
    );
  }

  private problem(message: string): void {
    this.report({ message, location: { file: this.file, line: 0 } });
  }
}

/**
 * An older turn begins with the id of what was asked; a newer one wraps that in a message. Undefined for
 * a command that a person ran: no model was asked.
 */
function agentTurnOf(data: Uint8Array | undefined) {
  const turn = tolerantFieldsOf(data);
  if (turn.length > 0 && turn.every(({ number }) => number === COMMAND)) return undefined;
  const [first] = bytesIn(turn, 1);
  const fields = first?.length === ID_BYTES ? turn : tolerantFieldsOf(first);
  const [promptId = new Uint8Array()] = bytesIn(fields, 1);
  const [requestId] = bytesIn(fields, REQUEST);
  return { promptId: hex(promptId), requestId: requestId && utf8(requestId) };
}

/** Undefined when the prompt is missing; empty for a picture without words. */
function promptTextOf(prompt: Uint8Array | undefined): string | undefined {
  if (prompt === undefined) return undefined;
  const [text = new Uint8Array()] = bytesIn(tolerantFieldsOf(prompt), 1);
  return utf8(text);
}

/** How many of the first pending messages are the last of the list already. */
function repeated(ids: readonly string[], pending: readonly { id: string }[]): number {
  for (let count = Math.min(ids.length, pending.length); count > 0; count--) {
    const begin = ids.length - count;
    let same = 0;
    while (same < count && ids[begin + same] === pending[same]?.id) same++;
    if (same === count) return count;
  }
  return 0;
}

/** JSON as hexadecimal digits; some versions wrote it as it is. */
function metaText(value: SqlValue | undefined): string {
  const text = utf8(bytesOf(value ?? null) ?? new Uint8Array());
  return text.startsWith('{') ? text : Buffer.from(text, 'hex').toString('utf8');
}

function tolerantFieldsOf(bytes: Uint8Array | undefined): Field[] {
  try {
    return fieldsOf(bytes ?? new Uint8Array());
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function bytesOf(value: SqlValue): Uint8Array | undefined {
  if (value === null) return undefined;
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
