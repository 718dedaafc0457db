import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createCsr } from '../../../src/certificates/csr.ts';
import type { CertificateRequest } from '../../../src/certificates/request.ts';
import { verifyAuthority, verifyIssued } from '../../../src/certificates/verify.ts';
import { fixture, jsonObject, textIn } from '../support/fixtures.ts';
import { isObject } from '../../../src/base/json.ts';
import { createCa, type TestCa } from '../support/openssl.ts';
import { type Fault, faultOf, thrownBy } from '../support/outcome-of.ts';
import { request } from '../support/requests.ts';

const DAY = 86_400_000;
const now = (): number => Date.now() + 1000;

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

type Given = { pem?: string; asked?: CertificateRequest; with?: KeyObject; at?: number };

function verify(
  ca: TestCa,
  { pem = '', asked = request(), with: own = key, at = now() }: Given,
): X509Certificate {
  return verifyIssued(pem, asked, own, new X509Certificate(ca.pem), at);
}
const refusal = (ca: TestCa, given: Given): Fault => faultOf(() => verify(ca, given));
/** Fault of an answer that Magnum would repeat. */
const bad = (reason: string): Fault => ({ code: 'bad-certificate', reason });
/** Fault of an answer that may differ the next time. */
const odd = (reason: string): Fault => ({ code: 'bad-answer', reason });
/** Issues a certificate for another request, signed by the right CA for the right key. */
const issued = async (ca: TestCa, over: Partial<CertificateRequest> = {}, own = key): Promise<string> =>
  await ca.sign(createCsr(request(over), own));

const ofAuthority = (pem: string, at = now()): Fault => faultOf(() => verifyAuthority(pem, 'etcd', at));

test('accepts the requested certificate', async () => {
  const ca = await createCa();
  const pem = await issued(ca);
  expect(verify(ca, { pem }).fingerprint256).toBe(new X509Certificate(pem).fingerprint256);
  expect(verify(ca, { pem: `text before\n${pem}\nand after` }).subject).toContain('node-0');
});

test.each<[string, Partial<CertificateRequest>]>([
  ['no names and no usage', { names: [], keyUsage: [], extendedKeyUsage: ['clientAuth'] }],
  ['IPv6 in another spelling', { names: ['FD00:0::0005', '::ffff:10.0.0.1', 'x'] }],
  [
    'every subject attribute',
    {
      subject: [
        ['CN', 'a'],
        ['O', 'b'],
        ['OU', 'OpenStack/Magnum'],
        ['C', 'US'],
        ['ST', 'TX'],
        ['L', 'Austin'],
      ],
    },
  ],
  [
    'two organizations',
    {
      subject: [
        ['CN', 'n'],
        ['O', 'system:nodes'],
        ['O', 'system:masters'],
      ],
    },
  ],
  [
    'a subject that needs escaping',
    {
      subject: [
        ['CN', 'a, b+c=d"e\\f;<g>'],
        ['O', ' #x '],
      ],
    },
  ],
  ['a subject beyond ASCII', { subject: [['CN', 'Übermaß 鍵']] }],
])('accepts one with %s', async (_, over) => {
  const ca = await createCa();
  expect(verify(ca, { pem: await issued(ca, over), asked: request(over) })).toBeInstanceOf(X509Certificate);
});

const asServer = (usage: string): string[] => [
  `keyUsage=critical,${usage}`,
  'extendedKeyUsage=clientAuth,serverAuth',
  'subjectAltName=IP:10.0.0.5,DNS:node-0',
];

test.each(['digitalSignature', 'digitalSignature,keyEncipherment,nonRepudiation'])(
  'accepts one with the key usage %s if none was requested',
  async (usage) => {
    const ca = await createCa();
    const asked = request({ keyUsage: [] });
    const pem = await ca.sign(createCsr(asked, key), asServer(usage));
    expect(verify(ca, { pem, asked })).toBeInstanceOf(X509Certificate);
  },
);

describe('rejects a certificate', () => {
  test('for another key', async () => {
    const ca = await createCa();
    expect(refusal(ca, { pem: await issued(ca, {}, other) })).toEqual(odd('other-key'));
  });

  test('of another CA with the same name', async () => {
    const [ca, old] = await Promise.all([createCa('k1'), createCa('k1')]);
    expect(refusal(ca, { pem: await issued(old) })).toEqual(odd('other-ca'));
  });

  test.each<[string, Partial<CertificateRequest>, string]>([
    ['without one of the names', { names: ['10.0.0.5'] }, 'other-names'],
    ['without any names', { names: [] }, 'other-names'],
    ['with an additional name', { names: ['10.0.0.5', 'node-0', 'evil'] }, 'other-names'],
    ['with another address', { names: ['10.0.0.6', 'node-0'] }, 'other-names'],
    ['for clients only', { extendedKeyUsage: ['clientAuth'] }, 'other-extended-key-usage'],
    ['without key usage', { keyUsage: [] }, 'other-key-usage'],
    ['with less key usage', { keyUsage: ['digitalSignature'] }, 'other-key-usage'],
    [
      'for another subject',
      {
        subject: [
          ['CN', 'system:node:node-1'],
          ['O', 'system:nodes'],
        ],
      },
      'other-subject',
    ],
    ['without the group', { subject: [['CN', 'system:node:node-0']] }, 'other-subject'],
    [
      'in another order',
      {
        subject: [
          ['O', 'system:nodes'],
          ['CN', 'system:node:node-0'],
        ],
      },
      'other-subject',
    ],
  ])('%s', async (_, over, reason) => {
    const ca = await createCa();
    expect(refusal(ca, { pem: await issued(ca, over) })).toEqual(bad(reason));
  });

  test('that is a CA', async () => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request(), key), [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
      'extendedKeyUsage=clientAuth,serverAuth',
      'subjectAltName=IP:10.0.0.5,DNS:node-0',
    ]);
    expect(refusal(ca, { pem })).toEqual(bad('is-ca'));
  });

  test('with more usages than requested', async () => {
    const ca = await createCa();
    const usage = 'digitalSignature,keyEncipherment,keyAgreement';
    const pem = await ca.sign(createCsr(request(), key), asServer(usage));
    expect(refusal(ca, { pem })).toEqual(bad('other-key-usage'));
  });

  test.each([
    ['keyEncipherment', 'no-digital-signature'],
    ['digitalSignature,keyCertSign', 'signs-certificates'],
  ])('with the key usage %s if none was requested', async (usage, reason) => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request({ keyUsage: [] }), key), asServer(usage));
    expect(refusal(ca, { pem, asked: request({ keyUsage: [] }) })).toEqual(bad(reason));
  });

  test("that has expired or is not valid yet, with the clock's time", async () => {
    const ca = await createCa();
    const pem = await issued(ca);
    expect(refusal(ca, { pem, at: now() + 1826 * DAY })).toEqual(odd('expired'));
    const early = thrownBy(() => verify(ca, { pem, at: now() - DAY }));
    expect(early).toMatchObject(bad('not-valid-yet'));
    expect(early.message).toMatch(/ 2[34]\.\d h .* \d{4}-\d\d-\d\dT/);
  });

  test('that is missing, doubled or junk', async () => {
    const ca = await createCa();
    const pem = await issued(ca);
    expect(refusal(ca, { pem: pem + ca.pem })).toEqual(odd('several-certificates'));
    expect(refusal(ca, { pem: '' })).toEqual(odd('no-certificate'));
    expect(refusal(ca, { pem: 'junk' })).toEqual(odd('no-certificate'));
    expect(refusal(ca, { pem: pem.replace(/M..../, 'AAAAA') })).toEqual(odd('not-a-certificate'));
    expect(refusal(ca, { pem: pem.replace(/-----END[^]*/, '') })).toEqual(odd('no-certificate'));
    expect(refusal(ca, { pem: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' })).toEqual(
      odd('not-a-certificate'),
    );
  });
});

describe('a CA', () => {
  test('is accepted as a real Magnum serves it, while it is valid', () => {
    const body = jsonObject(fixture('magnum-ca-etcd.json'))['body'];
    const pem = isObject(body) ? textIn(body, 'pem') : '';
    expect(verifyAuthority(pem, 'etcd', Date.parse('2026-11-21T00:00:00Z')).subject).toBe('CN=k2');
    const [from, until] = [Date.parse('2026-11-20T00:10:16Z'), Date.parse('2031-11-20T00:10:16Z')];
    expect(ofAuthority(pem, from - 1000)).toEqual(bad('not-valid-yet'));
    expect(ofAuthority(pem, until + 1000)).toEqual(odd('expired'));
  });

  test('is rejected if it is a leaf, a bundle or junk', async () => {
    const [ca, next] = await Promise.all([createCa(), createCa()]);
    expect(ofAuthority(await issued(ca))).toEqual(bad('not-a-ca'));
    expect(ofAuthority(ca.pem + next.pem)).toEqual(odd('several-certificates'));
    expect(ofAuthority('<html>')).toEqual(odd('no-certificate'));
  });

  test('is rejected if another CA signed it: it cannot verify anything alone', async () => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request(), key), ['basicConstraints=critical,CA:TRUE']);
    expect(ofAuthority(pem)).toEqual(bad('not-self-signed'));
  });
});
