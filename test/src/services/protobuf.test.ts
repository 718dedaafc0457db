import { expect, test } from 'vitest';
import { numberField, readFields } from '../../../src/services/protobuf.ts';
import { faultIn } from '../support/outcome-of.ts';

test('reads numbers of 64 bits as they are, and what is repeated in its order', () => {
  const id = 0xfedc_ba98_7654_3210n;
  const message = Buffer.concat([numberField(1, id), numberField(4, 0n), numberField(1, 300n)]);
  expect(readFields(message)).toEqual(
    new Map([
      [1, [id, 300n]],
      [4, [0n]],
    ]),
  );
});

test('reads texts and fixed numbers as bytes', () => {
  const message = Buffer.from([0x12, 2, 0x6d, 0x30, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(readFields(message)).toEqual(
    new Map([
      [2, [Buffer.from('m0')]],
      [3, [Buffer.from([1, 2, 3, 4])]],
      [4, [Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])]],
    ]),
  );
});

test.each([
  ['that ends too soon', [0x12, 9, 0x6d]],
  ['with a number that does not end', [0x08, 0xff]],
  ['with a field of an unknown type', [0x0b]],
])('rejects a message %s', async (_, bytes) => {
  const read = async () => await Promise.resolve().then(() => readFields(Buffer.from(bytes)));
  expect(await faultIn(read())).toMatchObject({ code: 'bad-answer' });
});
