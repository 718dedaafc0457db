import * as fc from 'fast-check';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readCsr } from '../../cloud/csr.ts';
import { createCsr } from '../../../src/certificates/csr.ts';
import { KEY_ALGORITHMS, keyFromPem, keyToPem, makeKey } from '../../../src/certificates/key.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { requestsOf } from '../../../src/certificates/request.ts';
import { openssl } from '../support/openssl.ts';
import { request, valuesOf } from '../support/requests.ts';

const ec = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Returns what openssl reads in a CSR, after verifying its signature. */
async function judged(csr: string): Promise<{ subject: string; extensions: string }> {
  const args = [
    'req',
    '-noout',
    '-verify',
    '-subject',
    '-text',
    '-nameopt',
    'utf8,sep_comma_plus_space,sname',
  ];
  const text = await openssl(args, csr);
  return {
    subject: /^subject=(.*)$/m.exec(text)?.[1] ?? '',
    extensions: (/Requested Extensions:\n([\s\S]*?)\n {4}Signature/.exec(text)?.[1] ?? '')
      .replaceAll(/ *\n */g, '\n')
      .trim(),
  };
}

const MASTER_SANS =
  'IP Address:10.0.0.5, IP Address:172.24.4.5, IP Address:172.24.4.9, IP Address:10.0.0.9, DNS:k1-master, ' +
  'IP Address:10.0.0.10, IP Address:127.0.0.1, IP Address:10.254.0.1, DNS:kubernetes, DNS:kubernetes.default, ' +
  'DNS:kubernetes.default.svc, DNS:kubernetes.default.svc.cluster.local';
const WORKER_SANS = 'IP Address:10.0.0.5, DNS:k1-node-0, DNS:host-0';
const MAGNUM = 'OU=OpenStack/Magnum, C=US, ST=TX, L=Austin';
const NODE = `CN=system:node:k1-node-0, O=system:nodes, ${MAGNUM}`;
const PROXY = `CN=system:kube-proxy, O=system:node-proxier, ${MAGNUM}`;
const BOTH = 'TLS Web Client Authentication, TLS Web Server Authentication';
const CLIENT = 'TLS Web Client Authentication';

/** What make-cert.sh and make-cert-client.sh request: role, name, CA, subject, names, critical usage, purposes. */
const ROWS: readonly (readonly ['master' | 'worker', string, string, string, string, boolean, string])[] = [
  ['master', 'server', 'kubelet', 'CN=kubernetes', MASTER_SANS, false, BOTH],
  ['master', 'kubelet', 'kubelet', NODE, WORKER_SANS, true, BOTH],
  ['master', 'proxy', 'kubelet', PROXY, '', true, CLIENT],
  ['master', 'admin', 'kubelet', `CN=admin, O=system:masters, ${MAGNUM}`, '', false, CLIENT],
  ['master', 'etcd-server', 'etcd', 'CN=etcd', MASTER_SANS, false, BOTH],
  ['master', 'etcd-admin', 'etcd', 'CN=etcd', MASTER_SANS, false, BOTH],
  ['master', 'front-proxy-server', 'front-proxy', 'CN=front-proxy', MASTER_SANS, false, BOTH],
  ['master', 'front-proxy-admin', 'front-proxy', 'CN=front-proxy', MASTER_SANS, false, BOTH],
  ['worker', 'kubelet', 'kubernetes', NODE, WORKER_SANS, true, BOTH],
  ['worker', 'proxy', 'kubernetes', PROXY, '', true, CLIENT],
];

describe("make-cert's requests as openssl reads them", () => {
  test.each(ROWS)('%s %s', async (role, name, ca, subject, names, critical, purposes) => {
    const found = requestsOf(kubernetesCerts.roles[role], valuesOf()).find((one) => one.name === name);
    expect(found?.ca).toBe(ca);
    const seen = await judged(createCsr(found ?? request(), ec()));
    expect(seen.subject).toBe(subject);
    expect(seen.extensions.split('\n')).toEqual([
      ...(names ? ['X509v3 Subject Alternative Name:', names] : []),
      ...(critical ? ['X509v3 Key Usage: critical', 'Digital Signature, Key Encipherment'] : []),
      'X509v3 Extended Key Usage:',
      purposes,
    ]);
  });

  test('contain no other rows', () => {
    for (const role of ['master', 'worker'] as const)
      expect(requestsOf(kubernetesCerts.roles[role], valuesOf()).map(({ name }) => name)).toEqual(
        ROWS.filter(([of]) => of === role).map(([, name]) => name),
      );
  });
});

test.each(KEY_ALGORITHMS.filter((algorithm) => algorithm !== 'rsa-4096'))(
  'makes %s keys and signatures that openssl accepts',
  async (algorithm) => {
    const key = await makeKey(algorithm);
    const pem = keyToPem(key);
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(keyFromPem(pem).equals(key)).toBe(true);
    await openssl(['pkey', '-check', '-noout'], pem);
    const fromCsr = await openssl(['req', '-verify', '-noout', '-pubkey'], createCsr(request(), key));
    expect(fromCsr).toBe(await openssl(['pkey', '-pubout'], pem));
  },
);

test('makes 4096-bit keys with 4096 bits', async () => {
  expect((await makeKey('rsa-4096')).asymmetricKeyDetails).toMatchObject({
    modulusLength: 4096,
    publicExponent: 65_537n,
  });
});

test('puts IPv6 addresses and wildcard names into the request', async () => {
  const { extensions } = await judged(createCsr(request({ names: ['fd00::5', '*.k1.local'] }), ec()));
  expect(extensions).toContain('IP Address:FD00:0:0:0:0:0:0:5, DNS:*.k1.local');
});

// X.690, 11.2.2: the count of unused bits omits every trailing zero bit.
test.each([
  [['digitalSignature', 'keyEncipherment'], '030205a0'],
  [['digitalSignature'], '03020780'],
  [['keyEncipherment'], '03020520'],
] as const)('encodes the usages %j as the named bit list %s', (keyUsage, der) => {
  const { extensions } = readCsr(createCsr(request({ keyUsage }), ec()));
  expect(extensions.find(({ id }) => id === '2.5.29.15')).toMatchObject({
    critical: true,
    value: Buffer.from(der, 'hex'),
  });
});

test('makes, for any subject and names, a request that another parser reads and verifies', () => {
  const key = ec();
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const name = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(label, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.')),
  );
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }),
      fc.array(name, { maxLength: 20 }),
      (common, names) => {
        const csr = createCsr(request({ subject: [['CN', common]], names }), key);
        expect(csr.split('\n').every((line) => line.length <= 64)).toBe(true);
        expect(readCsr(csr).extensions).toHaveLength(names.length > 0 ? 3 : 2);
      },
    ),
  );
});
