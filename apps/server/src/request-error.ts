/**
 * A request that is refused for what it says. Its message is sent to the client, so it names paths,
 * types and limits and never a value.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    message: string,
    readonly status: 400 | 404 | 413 = 400,
  ) {
    super(message);
  }
}
