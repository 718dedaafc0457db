import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Difference, differencesOf, type Facts } from '../../../agent/inspection/differences.ts';
import type { Leaf } from '../../../agent/inspection/leaves.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { createAuthority, type Authority } from '../../cloud/authority.ts';
import { createKeyPool } from '../../cloud/key-pool.ts';
import { makeCsr } from '../../cloud/make-csr.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;
const YEAR = 365 * DAY;
const CA = '/etc/kubernetes/certs/ca.crt';
const FILE = '/etc/kubernetes/certs/kubelet.crt';

let authority: Authority;
let other: Authority;
let leaf: X509Certificate;
beforeAll(async () => {
  const keys = createKeyPool();
  const make = async (): Promise<Authority> =>
    createAuthority({
      name: 'k1',
      keys: await keys.take('ec'),
      validityDays: 365,
      subjectKeyId: true,
      now: () => NOW,
    });
  [authority, other] = await Promise.all([make(), make()]);
  const { publicKey, privateKey } = await keys.take('ec');
  leaf = new X509Certificate(
    authority.sign(
      makeCsr(
        { publicKey, privateKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })) },
        'admin',
      ),
    ),
  );
});

const markOf = ({ pem }: Authority): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

/** Makes a correct worker with its CA and one certificate. */
function facts(of: Partial<Facts> = {}): Facts {
  const ca = new X509Certificate(authority.pem);
  const holding = { kind: 'CA', fingerprint: markOf(authority), notAfter: '', faults: [] } as const;
  return {
    layout: kubernetesCerts.roles.worker,
    holdings: [{ ...holding, file: CA, certificates: [ca], faults: [] }],
    leaves: [leafOf()],
    served: { kubernetes: markOf(authority) },
    presented: new Map(),
    now: NOW,
    skewMs: 0,
    share: 0,
    ...of,
  };
}

const leafOf = (of: Partial<Leaf['request']> = {}): Leaf => ({
  name: 'kubelet',
  file: FILE,
  certificate: leaf,
  authority: new X509Certificate(authority.pem),
  request: {
    name: 'kubelet',
    ca: 'kubernetes',
    subject: [['CN', 'admin']],
    names: [],
    keyUsage: [],
    extendedKeyUsage: [],
    ...of,
  },
});

const codes = (found: readonly Difference[]): string[] =>
  found.map(({ code, severity, of }) => `${code} ${severity} ${of}`);

test('finds no differences on a correct node', () => {
  expect(differencesOf(facts())).toEqual([]);
});

describe('a certificate', () => {
  test('that is unreadable is reported once, with its path', () => {
    const why = `${FILE}: it is empty`;
    const [told] = differencesOf(
      facts({
        holdings: [
          {
            file: FILE,
            kind: 'certificate',
            fingerprint: undefined,
            notAfter: undefined,
            certificates: [],
            faults: [{ code: 'unreadable', why }],
          },
        ],
        leaves: [],
      }),
    );
    expect(told).toMatchObject({ code: 'unreadable', of: FILE, text: why });
  });

  test('with another subject or names than heat-params require is a warning', () => {
    const leaves = [leafOf({ subject: [['CN', 'kubelet']], names: ['10.0.0.5'] })];
    expect(codes(differencesOf(facts({ leaves })))).toEqual([
      `subject-differs warning ${FILE}`,
      `names-differ warning ${FILE}`,
    ]);
  });
  test('that expires within its window is due, with its expiry', () => {
    const found = differencesOf(facts({ now: NOW + YEAR - 29 * DAY, served: {} }));
    expect(found).toContainEqual(
      expect.objectContaining({ code: 'renewal-due', of: FILE, at: new Date(NOW + YEAR).toISOString() }),
    );
  });
  test('of a CA that Magnum no longer serves is reported, like the CA file', () => {
    expect(codes(differencesOf(facts({ served: { kubernetes: markOf(other) } })))).toEqual([
      `authority-differs critical ${CA}`,
      `former-signer warning ${FILE}`,
    ]);
  });
});

test.each([
  [181, []],
  [180, [`authority-ends-soon warning ${CA}`]],
  [31, [`authority-ends-soon warning ${CA}`]],
  [30, [`authority-ends critical ${CA}`, `renewal-due info ${FILE}`]],
])('reports a CA that expires in %i days: %j', (days, expected) => {
  expect(codes(differencesOf(facts({ now: NOW + YEAR - days * DAY })))).toEqual(expected);
});

test('reports a port with another certificate as critical, and ignores one that does not answer', () => {
  const presented = new Map([
    [FILE, { unit: 'kubelet', where: '127.0.0.1:10250', presents: false }],
    [CA, { unit: 'kube-proxy', where: '127.0.0.1:1', presents: null, why: 'refused' }],
  ]);
  expect(codes(differencesOf(facts({ presented })))).toEqual(['presents-another critical kubelet']);
});

test('reports a login that Keystone refuses as critical', () => {
  expect(codes(differencesOf(facts({ loginRefused: '401' })))).toEqual(['login-refused critical trust']);
});

describe('a clock error above five minutes', () => {
  const expired: Facts['holdings'] = [
    {
      file: FILE,
      kind: 'certificate',
      fingerprint: undefined,
      notAfter: undefined,
      certificates: [],
      faults: [{ code: 'expired' }, { code: 'key-missing', path: `${FILE}.key` }],
    },
  ];
  test.each([300_001, -300_001])('%i ms: is reported, and dates are not judged', (skewMs) => {
    const found = differencesOf(facts({ skewMs, holdings: expired, now: NOW + 2 * YEAR }));
    expect(codes(found)).toEqual(['clock-off critical clock', `key-missing critical ${FILE}`]);
  });
  test.each([300_000, -300_000, undefined])('%s ms: is not reported', (skewMs) => {
    const found = differencesOf(facts({ skewMs, holdings: expired, now: NOW + 2 * YEAR }));
    expect(codes(found)).toEqual([`expired critical ${FILE}`, `key-missing critical ${FILE}`]);
  });
});
