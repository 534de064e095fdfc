export const BUCKETS = ['input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output', 'reasoning'];

export function noUsage() {
  return { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
}

export function addTo(sum, usage) {
  for (const bucket of BUCKETS) sum[bucket] += usage[bucket];
}

/** `usage` as a line holds it: the fields of a real one with other counts. */
export function usageRecord(template, usage) {
  return {
    ...template,
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    cache_creation: {
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
    },
  };
}
