import { countOf } from './read/values.js';
import type { ApiCall, Usage } from './types.js';

/** What a tool noted of a request, looked at by nobody yet. */
export interface NotedTokens {
  /** Without what was read from or written to a cache. */
  input: unknown;
  cacheRead?: unknown;
  cacheWrite?: unknown;
  /** The part of `cacheWrite` that lives an hour. */
  cacheWrite1h?: unknown;
  /** With the reasoning. */
  output: unknown;
  reasoning?: unknown;
}

/**
 * The tokens that a tool noted, in disjoint buckets. A cache of which it says nothing was not used. Undefined,
 * which is unknown, when input or output is missing, when a count is no whole number from 0 on, and when all
 * are 0: every request has a prompt, so that is what tools note of an API that told them nothing.
 */
export function usageOf(noted: NotedTokens): Usage | undefined {
  const [input, output] = [countOf(noted.input), countOf(noted.output)];
  const [cacheRead, cacheWrite, hour] = [noted.cacheRead, noted.cacheWrite, noted.cacheWrite1h].map((value) =>
    countOf(value ?? 0),
  );
  if (input === undefined || output === undefined) return undefined;
  if (cacheRead === undefined || cacheWrite === undefined || hour === undefined) return undefined;
  if (input + output + cacheRead + cacheWrite === 0) return undefined;
  const cacheWrite1h = Math.min(hour, cacheWrite);
  const thought = countOf(noted.reasoning);
  const reasoning = thought === undefined ? null : Math.min(thought, output);
  return { input, cacheRead, cacheWrite5m: cacheWrite - cacheWrite1h, cacheWrite1h, output, reasoning };
}

/** Everything that went into a model, whatever it cost. */
export function promptTokens(usage: Usage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
}

/** Everything that came out, reasoning included. */
export function completionTokens(usage: Usage): number {
  return usage.output;
}

/**
 * The sum over calls. Null when the tokens of one of them are not recorded: a sum of the others would
 * look like the whole. `reasoning` is null as soon as one call does not tell it apart.
 */
export function addUsage(calls: readonly Pick<ApiCall, 'usage'>[]): Usage | null {
  const sum: Usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
  for (const { usage } of calls) {
    if (usage === undefined) return null;
    sum.input += usage.input;
    sum.cacheRead += usage.cacheRead;
    sum.cacheWrite5m += usage.cacheWrite5m;
    sum.cacheWrite1h += usage.cacheWrite1h;
    sum.output += usage.output;
    sum.reasoning =
      sum.reasoning === null || usage.reasoning === null ? null : sum.reasoning + usage.reasoning;
  }
  return sum;
}

/** Models in order of first use. */
export function modelsOf(calls: readonly ApiCall[]): string[] {
  return [...new Set(calls.flatMap((call) => (call.model === undefined ? [] : [call.model])))];
}

/** The model that carried the session: the one with the most tokens, the earlier one of equals. */
export function mainModel(calls: readonly ApiCall[]): string | undefined {
  let main: string | undefined;
  let most = -1;
  for (const model of modelsOf(calls)) {
    const tokens = calls
      .filter((call) => call.model === model && call.usage !== undefined)
      .reduce((sum, { usage }) => sum + (usage ? promptTokens(usage) + completionTokens(usage) : 0), 0);
    if (tokens > most) [main, most] = [model, tokens];
  }
  return main;
}
