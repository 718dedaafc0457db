import { X509Certificate } from 'node:crypto';
import { assert, boolean, integer, nat, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRevocationList, revocationListToPem } from '../../../src/certificates/crl.ts';
import { checkListDates, compareLists } from '../../../src/certificates/crl-check.ts';
import { createCa } from '../support/openssl.ts';
import { type Fault, faultOf, thrownBy } from '../support/outcome-of.ts';
import { createSigner, type ListSpec, makeList, type Signer } from '../support/crl.ts';

/** Lists made by the openssl program, and how it prints them. */

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const read = (given: string | Buffer) => readRevocationList(given, 'the list');
/** Returns the reason of a rejection. */
const refusal = (given: string | Buffer): Fault => faultOf(() => read(given));
const bad = (reason: string): Fault => ({ code: 'bad-certificate', reason });
const publicKeyOf = ({ pem }: Signer) => new X509Certificate(pem).publicKey;
const listOf = async (ca: Signer, spec?: ListSpec) => read((await makeList(ca, spec)).pem);

test.each([
  ['RSA', ['rsa:2048'], 'sha256'],
  ['RSA', ['rsa:2048'], 'sha512'],
  ['EC', EC, 'sha256'],
  ['EC', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'sha384'],
  ['Ed25519', ['ed25519'], 'null'],
])("matches a list signed with %s %j %s only with its CA's key", async (_, algorithm, digest) => {
  const [ca, other] = await Promise.all([createSigner(algorithm), createSigner(algorithm)]);
  const from = Date.parse('2026-01-02T03:04:05Z');
  const until = Date.parse('2056-01-02T03:04:05Z');
  const list = await listOf(ca, { number: 300, serials: ['66', '80F1', '01'], from, until, digest });
  expect(list).toMatchObject({ thisUpdate: from, nextUpdate: until, number: 300n });
  expect(list.serials).toEqual(new Set([0x66n, 0x80f1n, 1n]));
  expect(list.isSignedBy(publicKeyOf(ca))).toBe(true);
  // Another CA with the same name.
  expect(list.isSignedBy(publicKeyOf(other))).toBe(false);
});

test('reads a list without revoked certificates, and one without a number', async () => {
  const ca = await createSigner(EC);
  expect(await listOf(ca, { number: 1 })).toMatchObject({ number: 1n, serials: new Set() });
  const bare = await listOf(ca, { serials: ['0A'] });
  expect(bare.number).toBeUndefined();
  expect(bare.serials).toEqual(new Set([10n]));
});

test('reads PEM, PEM on one line, DER and DER in base64 as the same list', async () => {
  const { pem, der } = await makeList(await createSigner(EC), { number: 1, serials: ['66'] });
  const forms = [
    pem,
    `some text before\n${pem}`,
    pem.replaceAll('\n', String.raw`\n`),
    Buffer.from(pem),
    der,
    der.toString('base64'),
  ];
  for (const form of forms) expect(read(form).der.equals(der)).toBe(true);
  expect(revocationListToPem(read(der))).toBe(pem);
});

test('rejects two lists, and none', async () => {
  const ca = await createSigner(EC);
  const { pem } = await makeList(ca);
  expect(refusal(pem + pem)).toEqual(bad('lists-several'));
});

describe('rejects other content with its kind', () => {
  test.each<[string, string | Buffer, string]>([
    ['text', 'no list!', 'list-encoding'],
    ['nothing', '', 'list-empty'],
    ['blanks', Buffer.from(' \n'), 'list-empty'],
    ['text that starts like DER', Buffer.from('0123456789'), 'no-list'],
    // Lengths beyond the end, and the indefinite length, which BER allows and DER does not.
    ['a long length without its bytes', Buffer.from([0x30, 0x84, 0x01]), 'no-list'],
    ['a length of 127 bytes', Buffer.from([0x30, 0xff, 0x01, 0x02, 0x03]), 'no-list'],
    ['an indefinite length', Buffer.from([0x30, 0x80, 0x30, 0x00, 0x00, 0x00]), 'no-list'],
    ['an empty sequence', Buffer.from([0x30, 0x00]), 'no-list'],
  ])('%s', (_, given, reason) => {
    expect(refusal(given)).toEqual(bad(reason));
  });

  test('a certificate, with or without its key, in PEM, DER and base64', async () => {
    const { pem } = await createCa('k1');
    const { raw } = new X509Certificate(pem);
    const key = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n';
    for (const given of [pem, pem + key]) expect(refusal(given)).toEqual(bad('list-missing'));
    for (const given of [Buffer.from(raw), raw.toString('base64')])
      expect(refusal(given)).toEqual(bad('certificate-for-list'));
  });

  test('any bytes', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), boolean(), (bytes, isSequence) => {
        const given = Buffer.from(bytes);
        if (isSequence && given.length > 0) given[0] = 0x30;
        const error = thrownBy(() => read(given));
        expect(error.code).toBe('bad-certificate');
        expect(error.message).not.toMatch(/memory|range|bounds|undefined/i);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each<[string, string, ListSpec]>([
  ['a delta list', 'list-partial', { extensions: ['2.5.29.27=critical,DER:020101'] }],
  [
    'an indirect list',
    'list-partial',
    {
      extensions: ['issuingDistributionPoint=critical,@point'],
      sections: ['[point]', 'indirectCRL=TRUE'],
    },
  ],
  ['a critical unknown extension', 'list-extension', { extensions: ['1.2.3.4=critical,DER:0500'] }],
  ['SHA-1', 'list-algorithm', { digest: 'sha1' }],
])('rejects %s', async (_, reason, spec) => {
  const { pem } = await makeList(await createSigner(EC), { number: 1, ...spec });
  expect(refusal(pem)).toEqual(bad(reason));
});

test('ignores an unknown extension that is not critical', async () => {
  const list = await listOf(await createSigner(EC), { number: 2, extensions: ['1.2.3.4=DER:0500'] });
  expect(list.number).toBe(2n);
});

test(
  'rejects a list with any byte changed, or finds its signature invalid',
  { timeout: 120_000 },
  async () => {
    const ca = await createSigner(EC);
    const { der } = await makeList(ca, { number: 7, serials: ['66', '67'] });
    const key = publicKeyOf(ca);
    const known = (bytes: Buffer): boolean => {
      try {
        return read(bytes).isSignedBy(key);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-certificate' });
        return false;
      }
    };
    expect(known(der)).toBe(true);
    assert(
      property(nat(der.length - 1), integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(der);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(known(bytes)).toBe(false);
      }),
      { numRuns: 2000 },
    );
    assert(
      property(nat(der.length - 1), (length) => {
        expect(known(der.subarray(0, length))).toBe(false);
      }),
    );
    expect(known(Buffer.concat([der, Buffer.from('0')]))).toBe(false);
  },
);

describe('the dates of a list', () => {
  const BEHIND = ", 90 s behind the cloud's";

  test('reject a list before and after its validity, with both times', async () => {
    const from = Date.parse('2026-03-01T00:00:00Z');
    const until = Date.parse('2026-04-01T00:00:00Z');
    const list = await listOf(await createSigner(EC), { number: 1, from, until });
    const refusal = (now: number): unknown => {
      try {
        checkListDates(list, now, BEHIND);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(refusal(from)).toBeUndefined();
    expect(refusal(until)).toBeUndefined();
    expect(refusal(from - 1000)).toMatchObject({
      code: 'precondition',
      reason: 'list-early',
      message: expect.stringMatching(
        `2026-03-01T00:00:00\\.000Z.* 2026-02-28T23:59:59\\.000Z${BEHIND}$`,
      ) as unknown,
    });
    expect(refusal(until + 1000)).toMatchObject({ code: 'precondition', reason: 'list-expired' });
  });
});

test('compares lists by number, and rejects other content with the same number', async () => {
  const ca = await createSigner(EC);
  const make = async (number?: number, serials: string[] = []) => await listOf(ca, { number, serials });
  const [none, otherNone, five, otherFive, six] = await Promise.all([
    make(),
    make(undefined, ['66']),
    make(5),
    make(5, ['66']),
    make(6),
  ]);
  expect(compareLists(five, five, '/f')).toBe('same');
  expect(compareLists(six, five, '/f')).toBe('newer');
  expect(compareLists(five, none, '/f')).toBe('newer');
  expect(compareLists(otherNone, none, '/f')).toBe('newer');
  const refused = (list: typeof five, installed: typeof five): Fault =>
    faultOf(() => compareLists(list, installed, '/f'));
  expect(refused(five, six)).toEqual({ code: 'precondition', reason: 'list-older' });
  expect(refused(otherFive, five)).toEqual({ code: 'precondition', reason: 'list-differs' });
  expect(refused(none, five)).toEqual({ code: 'precondition', reason: 'list-unnumbered' });
});
