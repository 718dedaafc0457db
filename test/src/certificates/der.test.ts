import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { elementsOf, keyUsageOf } from '../../../src/certificates/der.ts';
import { createSigner } from '../support/crl.ts';

const shape = (bytes: readonly number[]): [number, number][] =>
  elementsOf(Buffer.from(bytes)).map(({ tag, content }) => [tag, content.length]);

describe('elements (X.690)', () => {
  test('follow each other, with short and long lengths', () => {
    const long = Array.from({ length: 200 }, () => 7);
    expect(shape([0x05, 0x00, 0x02, 0x01, 0x2a, 0x04, 0x81, 0xc8, ...long])).toEqual([
      [0x05, 0],
      [0x02, 1],
      [0x04, 200],
    ]);
  });

  test.each([
    ['is cut off', [0x02, 0x01, 0x2a, 0x04, 0x05, 0x01]],
    ['has no length yet', [0x02, 0x01, 0x2a, 0x04]],
    [
      'has the indefinite length of BER',
      [0x02, 0x01, 0x2a, 0x30, 0x80, ...Array.from({ length: 200 }, () => 0)],
    ],
    ['has a length of more bytes than a number holds', [0x02, 0x01, 0x2a, 0x04, 0x87, 1, 0, 0, 0, 0, 0, 0]],
  ])('end at an element that %s', (_, bytes) => {
    expect(shape(bytes)).toEqual([[0x02, 1]]);
  });

  test('contain their header as signed', () => {
    const bytes = Buffer.from([0x30, 0x03, 0x02, 0x01, 0x2a]);
    expect(elementsOf(bytes)[0]?.whole.equals(bytes)).toBe(true);
  });
});

// RFC 5280, 4.2.1.3: digitalSignature is bit 0, keyCertSign bit 5, cRLSign bit 6.
test.each([
  ['keyCertSign,cRLSign', 0b0000_0110],
  ['digitalSignature,keyCertSign', 0b1000_0100],
  [undefined, undefined],
])('reads the key usage %s of a certificate made by openssl', async (usage, bits) => {
  const { pem } = await createSigner(['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], usage);
  expect(keyUsageOf(new X509Certificate(pem).raw)).toBe(bits);
});
