import fc from 'fast-check';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { limitBody, readJson } from './body.js';
import { RequestError } from './request-error.js';

const app = new Hono().post('/', limitBody, async (context) =>
  context.json({ body: await readJson(context) }),
);
app.onError((error, context) =>
  context.text(error.message, error instanceof RequestError ? error.status : 500),
);

const post = (body: string | ReadableStream) =>
  app.request('/', { method: 'POST', body, ...(typeof body !== 'string' && { duplex: 'half' }) });

const nested = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

it('takes 64 levels and no more, of arrays and objects alike', async () => {
  expect((await post(nested('[', ']', 64))).status).toBe(200);
  expect((await post(`${'{"a":'.repeat(64)}1${'}'.repeat(64)}`)).status).toBe(200);
  for (const body of [nested('[', ']', 65), `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`]) {
    const answer = await post(body);
    expect([answer.status, await answer.text()]).toEqual([
      400,
      'The body is too nested: more than 64 levels.',
    ]);
  }
});

it.each([
  ['closed', nested('[', ']', 100_000)],
  ['never closed', '['.repeat(100_000)],
  ['as many as fit', nested('[', ']', 8_000_000)],
  ['in a field that is ignored', `{"externalId":"s","x":${nested('[', ']', 100_000)}}`],
  ['behind a string that ends in backslashes', `["\\\\",${nested('[', ']', 100_000)}]`],
])('refuses levels without end that are %s', async (_, body) => {
  const answer = await post(body);
  expect([answer.status, await answer.text()]).toEqual([400, 'The body is too nested: more than 64 levels.']);
});

it('counts no brackets in strings and keys, and gives back every JSON value of few levels', async () => {
  const brackets = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', ']', 'a', 'é'), maxLength: 300 });
  const value = fc.jsonValue({ maxDepth: 10, stringUnit: 'grapheme' });
  await fc.assert(
    fc.asyncProperty(fc.oneof(brackets, fc.dictionary(brackets, brackets), value), async (body) => {
      const text = JSON.stringify(body);
      const answer = await post(text);
      expect(JSON.stringify(((await answer.json()) as { body: unknown }).body)).toBe(
        JSON.stringify(JSON.parse(text)),
      );
    }),
  );
});

it('refuses a body that grows above 16 MiB without having said so', async () => {
  const body = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(1024 * 1024).fill(32)) });
  expect((await post(body)).status).toBe(413);
});
