import { type ApiCall, type Fields, fieldsOf, stringOf, usageOf } from '@opensync/core/plugin';

type Bill = Omit<ApiCall, 'id'>;

/** Model and vendor that an answer was billed at, or that a `model_change` switches to. */
export function modelOf({ model, modelId, responseModel, provider: seller }: Fields): Bill {
  const name = stringOf(responseModel ?? model ?? modelId);
  const provider = stringOf(seller);
  return { ...(name && { model: name }), ...(provider && { provider }) };
}

/**
 * The request that an entry records, if any. Answers always do, and since Pi 0.81 compactions, summaries of
 * a branch, tools and `usage` entries as well (its CHANGELOG.md and docs/session-format.md); before that,
 * of compactions and summaries only the fact is on disk.
 */
export function billOf(entry: Fields, message: Fields, current: Bill): Bill | undefined {
  if (message.role === 'assistant') return withUsage(message.usage, modelOf(message));
  // Nested work of a tool: of what model, Pi does not say.
  if (message.role === 'toolResult')
    return message.usage === undefined ? undefined : withUsage(message.usage, { summed: true });
  if (entry.type === 'usage') return withUsage(entry.usage, modelOf(entry));
  // Long sessions are summed up in two requests. An extension may do it without a model.
  const isSummary = entry.type === 'compaction' || entry.type === 'branch_summary';
  const isBilled = entry.fromHook !== true || entry.usage !== undefined;
  return isSummary && isBilled ? withUsage(entry.usage, { ...current, summed: true }) : undefined;
}

/** Refused before anything was answered. Pi tries such requests again, and keeps the failed ones since 0.87. */
export function isFailed({ stopReason, content }: Fields, { usage }: Bill): boolean {
  const isStopped = stopReason === 'error' || stopReason === 'aborted';
  return isStopped && usage === undefined && Array.isArray(content) && content.length === 0;
}

/**
 * Pi's buckets are disjoint, but that `cacheWrite1h` is a part of `cacheWrite` and `reasoning` one of
 * `output` (its docs/message-types.md). All zeros are its note of an API that named no tokens, and a cost
 * of 0 is that of a model for which nobody has set a price.
 */
function withUsage(record: unknown, bill: Bill): Bill {
  const { input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning, cost } = fieldsOf(record);
  const usage = usageOf({ input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning });
  const toolCost = Number(fieldsOf(cost).total);
  return usage === undefined ? bill : { ...bill, usage, ...(toolCost > 0 && { toolCost }) };
}
