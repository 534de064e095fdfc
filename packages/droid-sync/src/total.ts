import {
  type ApiCall,
  type Fields,
  fieldsOf,
  type Message,
  type Session,
  stringOf,
  usageOf,
} from '@opensync/core/plugin';

interface Told {
  /** Of this session itself, those as well of which nothing is shown. */
  answers: readonly Message[];
  /** Its `session_start`. */
  start: Fields;
  settings: Fields;
}

/**
 * All requests of a session as one, since `tokenUsage` in its `.settings.json` is all that is written down: a
 * running total without copies and subagents, with summaries and titles. CodeBurn and tokscale add
 * `thinkingTokens`, but it is mostly the client's estimate of a part of `outputTokens`. Cache writes are asked
 * for 5 minutes. Observed: docs/formats/droid.md.
 */
export function totalOf(session: Session, { answers, start, settings }: Told): ApiCall | undefined {
  const noted = fieldsOf(settings.tokenUsage);
  const usage = usageOf({
    input: noted.inputTokens,
    cacheRead: noted.cacheReadTokens,
    cacheWrite: noted.cacheCreationTokens,
    output: noted.outputTokens,
  });
  if (usage === undefined && answers.length === 0) return undefined;
  const call: ApiCall = { id: 'total', summed: true, createdAt: answers.at(-1)?.createdAt };
  const named = [...new Set(answers.map(({ model }) => model))];
  // Where answers name several, or only some name one, nobody can tell what part of the total was whose.
  if (named.length < 2) call.model = named[0] ?? stringOf(settings.model);
  // For a model of one's own, this is the protocol that its server speaks.
  if (call.model !== undefined && !call.model.startsWith('custom:'))
    session.provider = stringOf(settings.providerLock);
  if (isInherited(start)) {
    const message = 'The total of tokens includes that of the session that was compacted into this one.';
    session.problems.push({ message });
  } else {
    call.usage = usage;
  }
  return call;
}

/** A session that goes on after `/compact` begins with its parent's total; how much that was is not recorded. */
function isInherited({ parent, forkedAtMessageId }: Fields): boolean {
  return stringOf(parent) !== undefined && stringOf(forkedAtMessageId) === undefined;
}
