import type { Usage } from '@opensync/core/plugin';
import type { TokensRecord } from './records.js';

/** What decides how a client counted. The version is the session's: a message may be of a later client. */
interface Origin {
  version: string | undefined;
  provider: string | undefined;
  model: string | undefined;
}

/** Zeros are what the client writes before it knows better. */
export function hasTokens(tokens: TokensRecord | undefined): tokens is TokensRecord {
  return tokens !== undefined && Object.values(tokens).some((value) => value !== undefined && value > 0);
}

/** Tokens as recorded to disjoint buckets. Undefined when a count is missing. */
export function usageOf(tokens: TokensRecord | undefined, origin: Origin): Usage | undefined {
  const { input, output, reasoning, cacheRead = 0, cacheWrite = 0 } = tokens ?? {};
  if (tokens === undefined || input === undefined || output === undefined) return undefined;
  return {
    input: holdsCached(tokens, origin) ? input - cacheRead : input,
    cacheRead,
    // How long a cache lives is not recorded; 5 minutes is the vendor's default and the client's.
    cacheWrite5m: cacheWrite,
    cacheWrite1h: 0,
    output: holdsReasoning(tokens, origin) ? output : output + (reasoning ?? 0),
    reasoning: reasoning ?? null,
  };
}

/**
 * Clients up to 1.3 counted reasoning inside output, from 1.14 beside it. Where the vendor's total is
 * there (1.1.65 and later), it settles the question for each message: a session goes on in newer clients.
 */
function holdsReasoning(tokens: TokensRecord, { version }: Origin): boolean {
  const { total, input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = tokens;
  if (total !== undefined) return total === input + output + cacheRead + cacheWrite;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major !== undefined && (Number(major) < 1 || (Number(major) === 1 && Number(minor) < 14));
}

/** 0.x clients took the input as the vendor's library gave it: only Anthropic's leaves out what was cached. */
function holdsCached(tokens: TokensRecord, { version, provider, model }: Origin): boolean {
  const { input = 0, cacheRead = 0, cacheWrite = 0 } = tokens;
  if (version?.startsWith('0.') !== true || input < cacheRead) return false;
  return cacheWrite === 0 && !/anthropic|claude|bedrock/i.test(`${provider} ${model}`);
}
