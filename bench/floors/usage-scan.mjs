import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The least that a reader of tokens has to do: list the files, read every byte, search the lines that
 * hold a usage, parse those alone and add up. It knows nothing of messages that span lines, of forks,
 * titles, times or prices.
 */

const NEWLINE = 0x0a;
const NEEDLE = Buffer.from('"usage"');
const chunk = Buffer.allocUnsafe(1 << 20);
const sum = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

for (const file of readdirSync(join(process.env.CLAUDE_CONFIG_DIR, 'projects'), { recursive: true })) {
  if (file.endsWith('.jsonl')) scan(join(process.env.CLAUDE_CONFIG_DIR, 'projects', file));
}
process.stdout.write(`${JSON.stringify(sum)}\n`);

function scan(path) {
  const descriptor = openSync(path, 'r');
  let rest = [];
  for (;;) {
    const length = readSync(descriptor, chunk, 0, chunk.length, null);
    if (length === 0) break;
    const view = chunk.subarray(0, length);
    let start = 0;
    for (let end = view.indexOf(NEWLINE); end !== -1; end = view.indexOf(NEWLINE, start)) {
      const tail = view.subarray(start, end);
      add(rest.length === 0 ? tail : Buffer.concat([...rest, tail]));
      if (rest.length > 0) rest = [];
      start = end + 1;
    }
    if (start < length) rest.push(Buffer.from(view.subarray(start)));
  }
  closeSync(descriptor);
}

function add(line) {
  if (line.indexOf(NEEDLE) === -1) return;
  const { type, message } = JSON.parse(line.toString('utf8'));
  if (type !== 'assistant') return;
  sum.input += message.usage.input_tokens;
  sum.cacheRead += message.usage.cache_read_input_tokens;
  sum.cacheWrite += message.usage.cache_creation_input_tokens;
  sum.output += message.usage.output_tokens;
}
