import type { ApiCall, Located, Message, Part, Session } from '@opensync/core/plugin';
import { NOTHING } from './accounting.js';
import type { Line, Meta, Tokens } from './records.js';

/** What one response of the model left behind. */
export interface Response {
  message: Message;
  call: ApiCall | undefined;
  webSearches: number;
}

/** An assistant message that the client showed to the person. */
export interface Shown {
  id: string | undefined;
  text: string;
}

/** The file that is being read. */
interface RolloutFile {
  segment: string | undefined;
  /** Its first `session_meta`. */
  meta: Meta | undefined;
  /** The history that it goes on from is known. */
  hasBase: boolean;
  /** Number of its last line that was found in its parent's file. */
  copiedUntil: number;
}

/** How the end of a copied history is found, in a file that begins with one. */
type Replay = { until: 'ordinal' | 'line'; value: number } | { until: 'turn' };

export interface State {
  session: Session;
  /** There is a file of that name, whatever can be read of it. */
  exists: boolean;
  name: string | undefined;
  /** Of the thread, from its first file. */
  meta: Meta | undefined;
  file: RolloutFile;
  replay: Replay | undefined;
  model: string | undefined;
  tier: string | undefined;
  /** What came before the first `turn_context`. */
  unnamed: { model?: string }[];
  /** The one whose items are being read. */
  response: Response | undefined;
  responses: Response[];
  /** The call of a response whose items follow: clients up to 0.44 write the tokens first. */
  callAhead: ApiCall | undefined;
  /** Shown messages whose items are still to come. */
  shown: Shown[];
  /** An assistant message that nobody was shown so far: the summary of a compaction is none. */
  held: { shown: Shown; parts: Part[]; line: Line; at: Located<unknown> } | undefined;
  /** Prompts whose event is still to come. */
  echoes: number;
  review: 'running' | 'over' | undefined;
  toolCalls: Map<string, { message: Message; call: Part }>;
  failedCalls: Set<string>;
  messageIds: Set<string>;
  responseIds: Set<string>;
  /** The running total so far; undefined when it is not known. */
  total: Tokens | undefined;
  /** Since the last running total a record of a response was counted. */
  recorded: boolean;
  unknownTypes: Set<string>;
}

export function newFile(segment: string | undefined): RolloutFile {
  return { segment, meta: undefined, hasBase: false, copiedUntil: 0 };
}

export function newState(id: string): State {
  return {
    session: { id, messages: [], calls: [], uncounted: [], problems: [] },
    exists: false,
    name: undefined,
    meta: undefined,
    file: newFile(undefined),
    replay: undefined,
    model: undefined,
    tier: undefined,
    unnamed: [],
    response: undefined,
    responses: [],
    callAhead: undefined,
    shown: [],
    held: undefined,
    echoes: 0,
    review: undefined,
    toolCalls: new Map(),
    failedCalls: new Set(),
    messageIds: new Set(),
    responseIds: new Set(),
    total: NOTHING,
    recorded: false,
    unknownTypes: new Set(),
  };
}

export function lineId({ file: { segment } }: State, { line }: Located<unknown>): string {
  return segment === undefined ? `line-${line}` : `${segment}-line-${line}`;
}

export function place({ file, line }: { file: string; line: number }): { file: string; line: number } {
  return { file, line };
}

export function closeResponse(state: State): void {
  state.response = undefined;
  state.callAhead = undefined;
  state.held = undefined;
}

export function setModel(state: State, target: { model?: string }): void {
  if (state.model === undefined) state.unnamed.push(target);
  else target.model = state.model;
}

export function nameModel(state: State, model: string | undefined): void {
  if (model === undefined) return;
  state.model = model;
  for (const target of state.unnamed.splice(0)) target.model = model;
}
