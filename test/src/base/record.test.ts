import * as fc from 'fast-check';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { readRecord, readRecordOf, writeRecord } from '../../../src/base/record.ts';
import { tempRoot } from '../support/temp-root.ts';

const PATH = '/state/record';
const VALUE = {
  id: 'd1',
  words: 'größer 😀 "x"\n',
  at: { accepted: '2026-11-21T00:00:00Z' },
  list: [1, null, true],
};

/** Writes a record; `readBack` replaces its bytes and reads it again. */
async function setUp() {
  const { disk, at } = await tempRoot();
  await disk.makeDirectory('/state', {});
  await writeRecord(disk, PATH, VALUE);
  const bytes = await readFile(at(PATH));
  const readBack = async (content: Uint8Array): Promise<unknown> => {
    await writeFile(at(PATH), content);
    try {
      return await readRecord(disk, PATH);
    } catch (error) {
      if (error instanceof AgentError) return error.code;
      throw error;
    }
  };
  return { disk, at, bytes, readBack };
}

test('reads any JSON back as written, from a file that only its owner may read', async () => {
  const { disk } = await setUp();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      await writeRecord(disk, PATH, value);
      expect(await readRecord(disk, PATH)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 30 },
  );
  expect(await disk.info(PATH)).toMatchObject({ mode: 0o600 });
});

test('returns undefined for a missing record', async () => {
  const { disk } = await setUp();
  expect(await readRecord(disk, '/state/other')).toBeUndefined();
});

test('detects a record cut at any byte, and accepts one without its last line break', async () => {
  const { bytes, readBack } = await setUp();
  for (let end = 0; end < bytes.length - 1; end += 1)
    expect([end, await readBack(bytes.subarray(0, end))]).toEqual([end, 'state']);
  expect(await readBack(bytes.subarray(0, -1))).toEqual(VALUE);
});

test('detects a record with any bit flipped', async () => {
  const { bytes, readBack } = await setUp();
  for (const [index, byte] of bytes.entries())
    for (const mask of [0x01, 0x20, 0x80]) {
      const altered = Buffer.from(bytes);
      altered[index] = byte ^ mask;
      expect([index, mask, await readBack(altered)]).toEqual([index, mask, 'state']);
    }
});

test('detects added bytes before or after a record, and zeroes in its place', async () => {
  const { bytes, readBack } = await setUp();
  for (const altered of [
    Buffer.concat([bytes, Buffer.from('x')]),
    Buffer.concat([bytes, bytes]),
    Buffer.concat([Buffer.from('\n'), bytes]),
    Buffer.alloc(bytes.length),
    Buffer.from('{}\n'),
  ])
    expect(await readBack(altered)).toBe('state');
});

test('reports an unreadable record as a disk error, not as missing', async () => {
  const { disk, at } = await setUp();
  await disk.makeDirectory('/state/directory', {});
  await chmod(at(PATH), 0o600);
  await expect(readRecord(disk, '/state/directory')).rejects.toMatchObject({ code: 'disk' });
});

test('rejects a record of another shape like a damaged one', async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory('/state', {});
  const Shape = v.object({ name: v.string() });
  expect(await readRecordOf(disk, '/state/x', Shape)).toBeUndefined();
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ name: fc.jsonValue() })), async (value) => {
      await writeRecord(disk, '/state/x', value);
      const read = await readRecordOf(disk, '/state/x', Shape).catch((error: unknown) => error);
      if (read instanceof AgentError) expect(read.code).toBe('state');
      else expect(read).toEqual({ name: expect.any(String) as unknown });
    }),
  );
});
