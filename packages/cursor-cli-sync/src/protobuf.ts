/** One field of a protobuf message: a number, or bytes that may be text or a message again. */
export interface Field {
  number: number;
  value: number | Uint8Array;
}

/**
 * The fields of a protobuf message in their order, repeated ones repeated.
 * @throws RangeError when the bytes are no protobuf
 */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[position++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError('A number without an end.');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (position + length > bytes.length) throw new RangeError('A field without an end.');
    position += length;
    return bytes.subarray(position - length, position);
  };
  while (position < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    if (key % 8 === 0) fields.push({ number, value: varint() });
    else if (key % 8 === 1) fields.push({ number, value: take(8) });
    else if (key % 8 === 2) fields.push({ number, value: take(varint()) });
    else if (key % 8 === 5) fields.push({ number, value: take(4) });
    else throw new RangeError(`No field of type ${key % 8} is known.`);
  }
  return fields;
}

/** The values of a field that are bytes. */
export function bytesIn(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) =>
    field.number === number && typeof field.value !== 'number' ? [field.value] : [],
  );
}

/** The last value of a field that is a number. */
export function numberIn(fields: readonly Field[], number: number): number | undefined {
  const field = fields.findLast((one) => one.number === number);
  return typeof field?.value === 'number' ? field.value : undefined;
}
