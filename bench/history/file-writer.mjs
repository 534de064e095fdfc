import { closeSync, mkdirSync, openSync, utimesSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const FLUSH_BYTES = 1 << 20;

/** Writes one transcript, a buffer at a time. */
export function createFileWriter(path) {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, 'w', 0o600);
  let pending = [];
  let pendingBytes = 0;
  const flush = () => {
    if (pendingBytes > 0) writeSync(descriptor, Buffer.concat(pending));
    pending = [];
    pendingBytes = 0;
  };
  const writer = {
    bytes: 0,
    write(text) {
      const bytes = Buffer.from(text);
      pending.push(bytes);
      pendingBytes += bytes.length;
      writer.bytes += bytes.length;
      if (pendingBytes >= FLUSH_BYTES) flush();
      return bytes.length;
    },
    /** The history looks as old as it claims: its files were last changed when the last line was written. */
    close(changedAt) {
      flush();
      closeSync(descriptor);
      utimesSync(path, changedAt / 1000, changedAt / 1000);
    },
  };
  return writer;
}
