/** Offsets in the header of a 64-bit, little-endian ELF file (elf(5)). */
const PROGRAM_HEADERS = { offset: 0x20, size: 0x36, count: 0x38 } as const;
const SECTION_HEADERS = { offset: 0x28, count: 0x3c, names: 0x3e } as const;
const LOAD = 1;
const SEGMENT = { offset: 0x08, size: 0x20 } as const;

/**
 * Removes the parts of a program that are never loaded: symbols, debug information, and the table of sections. They are
 * a fifth of a Node runtime. Unlike `strip`, this works for every architecture, with equal results on every machine.
 */
export function strip(program: Buffer): Buffer {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program.readUInt16BE(4) !== 0x0201)
    throw new Error('not an ELF file of 64 bits, little endian');
  const table = Number(program.readBigUInt64LE(PROGRAM_HEADERS.offset));
  const size = program.readUInt16LE(PROGRAM_HEADERS.size);
  const count = program.readUInt16LE(PROGRAM_HEADERS.count);
  const ends = Array.from({ length: count }, (_, index) => table + index * size)
    .filter((at) => program.readUInt32LE(at) === LOAD)
    .map((at) =>
      Number(program.readBigUInt64LE(at + SEGMENT.offset) + program.readBigUInt64LE(at + SEGMENT.size)),
    );
  const stripped = Buffer.from(program.subarray(0, Math.max(...ends)));
  stripped.writeBigUInt64LE(0n, SECTION_HEADERS.offset);
  stripped.writeUInt16LE(0, SECTION_HEADERS.count);
  stripped.writeUInt16LE(0, SECTION_HEADERS.names);
  return stripped;
}
