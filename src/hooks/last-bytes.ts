import { cutMark } from '../base/cut.ts';

/** Keeps the end of a stream of any length, in a bounded amount of memory. */
export type LastBytes = { push(chunk: Uint8Array): void; text(): string };

export function createLastBytes(most: number): LastBytes {
  let ring = Buffer.alloc(0);
  let total = 0;
  return {
    push: (chunk) => {
      const end = chunk.subarray(Math.max(0, chunk.length - most));
      // Most runs write little, so the buffer starts small.
      const wanted = Math.min(most, Math.max(ring.length, total + chunk.length));
      if (ring.length < wanted) ring = grown(ring, Math.min(most, Math.max(wanted, 2 * ring.length)));
      const at = (total + chunk.length - end.length) % most;
      ring.set(end.subarray(0, most - at), at);
      ring.set(end.subarray(most - at), 0);
      total += chunk.length;
    },
    text: () => {
      if (total <= most) return ring.toString('utf8', 0, total);
      const end = Buffer.concat([ring.subarray(total % most), ring.subarray(0, total % most)]);
      return cutMark(total - most) + wholeCharacters(end).toString('utf8');
    },
  };
}

const grown = (from: Buffer, size: number): Buffer<ArrayBuffer> => {
  const larger = Buffer.alloc(size);
  larger.set(from);
  return larger;
};

/** Drops a partial character at the beginning. */
function wholeCharacters(bytes: Buffer): Buffer {
  let from = 0;
  while (from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.subarray(from);
}
