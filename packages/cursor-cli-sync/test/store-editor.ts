import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { type Field, fieldsOf } from '../src/protobuf.js';

type Json = Record<string, unknown>;

/** A change of a store as the client makes it: more blobs, and another newest state. */
interface StoreChange {
  blobs: { id: string; hex: string }[];
  meta: string;
}

/**
 * Makes the histories that the fixture lacks out of its stores: the same messages, put elsewhere by the
 * rules of the format.
 */
export class StoreEditor {
  readonly blobs: Map<string, Uint8Array>;
  meta: Json;

  constructor(private readonly file: string) {
    // As immutable, so that no log or shared memory comes into being that the driver would keep.
    const database = new DatabaseSync(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true });
    const rows = database.prepare('SELECT id, data FROM blobs').all() as { id: string; data: Uint8Array }[];
    const { value } = database.prepare("SELECT value FROM meta WHERE key = '0'").get() as { value: string };
    database.close();
    this.blobs = new Map(rows.map(({ id, data }) => [id, data]));
    this.meta = JSON.parse(Buffer.from(value, 'hex').toString()) as Json;
  }

  get state(): Field[] {
    return fieldsOf(this.blob(String(this.meta.latestRootBlobId)));
  }

  /** A change makes a new state; the old one stays in the store, as it does with the client. */
  set state(fields: readonly Field[]) {
    this.meta.latestRootBlobId = this.put(encode(fields)).toString('hex');
  }

  blob(id: string): Uint8Array {
    const data = this.blobs.get(id);
    if (data === undefined) throw new Error(`The store holds no blob ${id}.`);
    return data;
  }

  /** Returns the id as bytes, the way other blobs refer to it. */
  put(data: Uint8Array): Buffer {
    const id = createHash('sha256').update(data).digest();
    this.blobs.set(id.toString('hex'), data);
    return id;
  }

  putMessage(message: Json): Buffer {
    return this.put(Buffer.from(JSON.stringify(message)));
  }

  /** Ids of the messages in the list of the newest state. */
  get list(): Buffer[] {
    return this.state
      .filter(({ number }) => number === 1)
      .map(({ value }) => Buffer.from(value as Uint8Array));
  }

  set list(ids: readonly Uint8Array[]) {
    const others = this.state.filter(({ number }) => number !== 1);
    this.state = [...ids.map((value) => ({ number: 1, value })), ...others];
  }

  message(id: Uint8Array): Json {
    return JSON.parse(Buffer.from(this.blob(Buffer.from(id).toString('hex'))).toString()) as Json;
  }

  change(): StoreChange {
    const blobs = [...this.blobs].map(([id, data]) => ({ id, hex: Buffer.from(data).toString('hex') }));
    return { blobs, meta: Buffer.from(JSON.stringify(this.meta)).toString('hex') };
  }

  save(meta = this.change().meta): void {
    const database = new DatabaseSync(this.file);
    database.exec('DELETE FROM blobs');
    const insert = database.prepare('INSERT INTO blobs VALUES (?, ?)');
    for (const [id, data] of this.blobs) insert.run(id, data);
    database.prepare("UPDATE meta SET value = ? WHERE key = '0'").run(meta);
    close(database, this.file);
  }
}

/** Leaves one file, as the client does when it ends; the driver may leave an empty log. */
function close(database: InstanceType<typeof DatabaseSync>, file: string): void {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}

/** The inverse of `fieldsOf`, for numbers and bytes of any length. */
export function encode(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number) => {
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
    bytes.push(value);
  };
  for (const { number, value } of fields) {
    varint(number * 8 + (typeof value === 'number' ? 0 : 2));
    if (typeof value === 'number') varint(value);
    else {
      varint(value.length);
      for (const byte of value) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}
