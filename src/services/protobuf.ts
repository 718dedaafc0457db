import { AgentError } from '../base/errors.ts';

/**
 * The fields of a protobuf message (https://protobuf.dev/programming-guides/encoding/), by their numbers, in the order in
 * which they come: numbers as they are, texts and messages as bytes.
 */
export type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

/** @throws `bad-answer` for bytes that are no message */
export function readFields(message: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new AgentError('bad-answer', 'a protobuf message ends too soon');
    at += length;
    return message.subarray(at - length, at);
  };
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const [byte = 0] = take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const values = fields.get(tag >> 3) ?? [];
    fields.set(tag >> 3, values);
    switch (tag & 7) {
      case VARINT:
        values.push(varint());
        break;
      case FIXED64:
        values.push(take(8));
        break;
      case BYTES:
        values.push(take(Number(varint())));
        break;
      case FIXED32:
        values.push(take(4));
        break;
      default:
        throw new AgentError('bad-answer', 'a protobuf message has a field of an unknown type');
    }
  }
  return fields;
}

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5] as const;

/** A message of one number. */
export function numberField(field: number, value: bigint): Buffer {
  const bytes = [field << 3];
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) return Buffer.from([...bytes, low]);
    bytes.push(low | 0x80);
  }
}
