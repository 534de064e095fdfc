import type { SyncSummary } from '../../src/sync.js';
import type { Change } from './history.js';

/** What one process is to do, and what is to happen to it meanwhile. Counts begin at 1 with each job. */
export interface Job {
  home: string;
  tool: ToolName;
  url: string;
  apiKey: string;
  /** Names the process to the server. */
  agent: string;
  /** All processes of a run share a clock, which only sleeping and the scheduler move; see `Clock`. */
  clockFile: string;
  /** Real milliseconds after which the client gives up on an answer. */
  timeoutMs: number;
  concurrency: number;
  /** Relative to the home: the file that a hook would name. Absent: the whole history. */
  file?: string;
  force?: boolean;
  /** Of the chance in the client's pauses. */
  seed: number;
  kill?: { at: 'write' | 'request'; number: number; when: When };
  /** Writes below the home that the disk has no room for. */
  full?: { from: number; count: number };
  /** Requests that find nobody listening. */
  refused?: { from: number; count: number };
  /** The tool changes its history just then. */
  change?: { at: 'read' | 'write'; number: number; change: Change };
}

/** `half`: a write has put half of its bytes on disk. It is nothing else than `before` for a request. */
export type When = 'before' | 'half' | 'after';
export type ToolName = 'claude-code' | 'codex-cli';

export type ToWorker = { job: Job } | { awake: number };

export type FromWorker =
  | { ready: true }
  | { sleep: number; id: number }
  | { done: Result }
  | { crashed: string };

export interface Result {
  summary: SyncSummary;
  notices: string[];
  /** How many points there were. */
  reads: number;
  writes: number;
  requests: number;
}

/** A line on the worker's output, written before the fault is: a killed process has no last word. */
export interface Injected {
  kind: string;
  /** Where it hit. */
  place: string;
}
