/** What the person can mend: an answer, or the folder. Its message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
