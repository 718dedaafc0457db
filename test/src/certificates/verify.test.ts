import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { createCsr } from '../../../src/certificates/csr.ts';
import type { CertificateRequest } from '../../../src/certificates/request.ts';
import { verifyAuthority, verifyIssued } from '../../../src/certificates/verify.ts';
import { fixture, jsonObject, textIn } from '../support/fixtures.ts';
import { isObject } from '../../../src/base/json.ts';
import { createCa, type TestCa } from '../support/openssl.ts';
import { thrownBy } from '../support/outcome-of.ts';
import { request } from '../support/requests.ts';

const DAY = 86_400_000;
const now = (): number => Date.now() + 1000;

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

type Given = { pem?: string; asked?: CertificateRequest; with?: KeyObject; at?: number };

/** What is said of a certificate; the words of the refusal, or the accepted certificate. */
function verify(
  ca: TestCa,
  { pem = '', asked = request(), with: own = key, at = now() }: Given,
): X509Certificate {
  return verifyIssued(pem, asked, own, new X509Certificate(ca.pem), at);
}
const refusal = (ca: TestCa, given: Given, code: ErrorCode = 'bad-certificate'): string => {
  const error = thrownBy(() => verify(ca, given));
  expect(error.code).toBe(code);
  return error.message;
};
/** The same for what may be answered otherwise the next time. */
const odd = (ca: TestCa, given: Given): string => refusal(ca, given, 'bad-answer');
/** A certificate for another request than ours, signed by the right CA for the right key. */
const issued = async (ca: TestCa, over: Partial<CertificateRequest> = {}, own = key): Promise<string> =>
  await ca.sign(createCsr(request(over), own));

const said = (pem: string, at = now()): string => thrownBy(() => verifyAuthority(pem, 'etcd', at)).message;

test('the certificate that was asked for is accepted', async () => {
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
])('so is one with %s', async (_, over) => {
  const ca = await createCa();
  expect(verify(ca, { pem: await issued(ca, over), asked: request(over) })).toBeInstanceOf(X509Certificate);
});

const asServer = (usage: string): string[] => [
  `keyUsage=critical,${usage}`,
  'extendedKeyUsage=clientAuth,serverAuth',
  'subjectAltName=IP:10.0.0.5,DNS:node-0',
];

test.each(['digitalSignature', 'digitalSignature,keyEncipherment,nonRepudiation'])(
  'so is one with the key usage %s where none was asked for',
  async (usage) => {
    const ca = await createCa();
    const asked = request({ keyUsage: [] });
    const pem = await ca.sign(createCsr(asked, key), asServer(usage));
    expect(verify(ca, { pem, asked })).toBeInstanceOf(X509Certificate);
  },
);

describe('refused is', () => {
  test('one for another key', async () => {
    const ca = await createCa();
    expect(odd(ca, { pem: await issued(ca, {}, other) })).toContain('is for another key');
  });

  test('one of another CA, though it has the same name', async () => {
    const [ca, old] = await Promise.all([createCa('k1'), createCa('k1')]);
    expect(odd(ca, { pem: await issued(old) })).toContain('is not signed by the kubelet CA');
  });

  test.each<[string, Partial<CertificateRequest>, string]>([
    ['one that lacks a name', { names: ['10.0.0.5'] }, 'names 10.0.0.5, not 10.0.0.5, node-0'],
    ['one without any names', { names: [] }, 'names nothing'],
    ['one with a name too many', { names: ['10.0.0.5', 'node-0', 'evil'] }, 'names 10.0.0.5, node-0, evil'],
    ['one with another address', { names: ['10.0.0.6', 'node-0'] }, '10.0.0.6'],
    ['one for clients alone', { extendedKeyUsage: ['clientAuth'] }, 'extended key usage'],
    ['one without key usage', { keyUsage: [] }, 'another key usage'],
    ['one with less key usage', { keyUsage: ['digitalSignature'] }, 'another key usage'],
    [
      'one for somebody else',
      {
        subject: [
          ['CN', 'system:node:node-1'],
          ['O', 'system:nodes'],
        ],
      },
      'CN=system:node:node-1',
    ],
    [
      'one that lacks the group',
      { subject: [['CN', 'system:node:node-0']] },
      'is for CN=system:node:node-0, not',
    ],
    [
      'one in another order',
      {
        subject: [
          ['O', 'system:nodes'],
          ['CN', 'system:node:node-0'],
        ],
      },
      'is for O=',
    ],
  ])('%s', async (_, over, words) => {
    const ca = await createCa();
    expect(refusal(ca, { pem: await issued(ca, over) })).toContain(words);
  });

  test('a CA', async () => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request(), key), [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
      'extendedKeyUsage=clientAuth,serverAuth',
      'subjectAltName=IP:10.0.0.5,DNS:node-0',
    ]);
    expect(refusal(ca, { pem })).toContain('is a CA');
  });

  test('one that has more usages than asked for', async () => {
    const ca = await createCa();
    const usage = 'digitalSignature,keyEncipherment,keyAgreement';
    const pem = await ca.sign(createCsr(request(), key), asServer(usage));
    expect(refusal(ca, { pem })).toContain('another key usage');
  });

  test.each([
    ['keyEncipherment', 'does not allow digital signatures'],
    ['digitalSignature,keyCertSign', 'lets it sign certificates'],
  ])('one with the key usage %s where none was asked for', async (usage, words) => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request({ keyUsage: [] }), key), asServer(usage));
    expect(refusal(ca, { pem, asked: request({ keyUsage: [] }) })).toContain(words);
  });

  test('an expired one, and one that is not valid yet, with what the clock says', async () => {
    const ca = await createCa();
    const pem = await issued(ca);
    expect(odd(ca, { pem, at: now() + 1826 * DAY })).toMatch(
      /expired on \d{4}-.* \d+\.\d h ago: this node's clock says \d{4}-/,
    );
    expect(refusal(ca, { pem, at: now() - DAY })).toMatch(
      /is not valid before .* 2[34]\.\d h from now: this node's clock says/,
    );
  });

  test('two where one belongs, none at all, and junk', async () => {
    const ca = await createCa();
    const pem = await issued(ca);
    expect(odd(ca, { pem: pem + ca.pem })).toContain('2 certificates where one belongs');
    expect(odd(ca, { pem: '' })).toContain('no PEM certificate');
    expect(odd(ca, { pem: 'junk' })).toContain('no PEM certificate');
    expect(odd(ca, { pem: pem.replace(/M..../, 'AAAAA') })).toContain('not a certificate');
    expect(odd(ca, { pem: pem.replace(/-----END[^]*/, '') })).toContain('no PEM certificate');
    expect(odd(ca, { pem: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' })).toContain(
      'not a certificate',
    );
  });
});

describe('a CA', () => {
  test('as a real Magnum serves it is accepted, while it is valid', () => {
    const body = jsonObject(fixture('magnum-ca-etcd.json'))['body'];
    const pem = isObject(body) ? textIn(body, 'pem') : '';
    expect(verifyAuthority(pem, 'etcd', Date.parse('2026-11-21T00:00:00Z')).subject).toBe('CN=k2');
    expect(said(pem, Date.parse('2026-11-19T00:00:00Z'))).toContain(
      'the etcd CA that Magnum returned is not valid before 2026-11-20T00:10:16',
    );
    expect(said(pem, Date.parse('2031-12-01T00:00:00Z'))).toContain('expired on 2031-11-20');
  });

  test('that is a leaf, a bundle or junk is refused', async () => {
    const [ca, next] = await Promise.all([createCa(), createCa()]);
    expect(said(await issued(ca))).toContain('is not a CA certificate');
    expect(said(ca.pem + next.pem)).toContain('2 certificates');
    expect(said('<html>')).toContain('no PEM certificate');
  });

  test('that another one has signed is refused: nothing could be verified with it alone', async () => {
    const ca = await createCa();
    const pem = await ca.sign(createCsr(request(), key), ['basicConstraints=critical,CA:TRUE']);
    expect(said(pem)).toContain('is not signed by its own key');
  });
});
