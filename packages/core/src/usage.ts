import type { ApiCall, Usage } from './types.js';

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
