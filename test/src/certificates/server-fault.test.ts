import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { serverFault } from '../../../src/certificates/server-fault.ts';
import { createClusterCa } from '../../cluster/authority.ts';

const DAY_MS = 86_400_000;
const [former, served] = [createClusterCa('k1'), createClusterCa('k1')];
const asX509 = (pem: string): X509Certificate => new X509Certificate(pem);
const NAMES = ['10.0.0.5', 'kubernetes', 'fd00::5'];
const leaf = asX509(served.issue([['CN', 'kubernetes']], NAMES).cert);
const both = [former, served].map(({ pem }) => asX509(pem));

const reasonFor = (
  host: string,
  wanted: Parameters<typeof serverFault>[2],
  now = Date.now(),
): string | undefined => serverFault(leaf, host, wanted, now)?.reason;

test.each(NAMES)('accepts a server certificate for %s from one of the CAs', (host) => {
  expect(reasonFor(host, { trusted: both })).toBeUndefined();
});

test('rejects another CA of the same name', () => {
  expect(reasonFor('10.0.0.5', { trusted: [asX509(former.pem)] })).toBe('ca-unknown');
});

test('rejects a leaf as a CA, though its key has signed', () => {
  const selfSigned = asX509(served.pem);
  expect(serverFault(selfSigned, 'k1', { trusted: [leaf] }, Date.now())?.reason).toBe('ca-unknown');
});

test.each(['10.0.0.6', 'kubernetes.default', 'fd00::6'])(
  'rejects a certificate that does not name %s',
  (host) => {
    expect(reasonFor(host, { trusted: both })).toBe('other-name');
  },
);

test('rejects a certificate outside of its dates', () => {
  for (const now of [leaf.validFromDate.getTime() - DAY_MS, leaf.validToDate.getTime() + DAY_MS])
    expect(reasonFor('10.0.0.5', { trusted: both }, now)).toBe('certificate-expired');
});

test('accepts only the pinned certificate, whatever its names', () => {
  const presents = leaf.fingerprint256;
  expect(reasonFor('127.0.0.1', { trusted: both, presents })).toBeUndefined();
  const other = asX509(served.pem).fingerprint256;
  expect(reasonFor('10.0.0.5', { trusted: both, presents: other })).toBe('another');
  expect(reasonFor('127.0.0.1', { trusted: [asX509(former.pem)], presents })).toBe('ca-unknown');
});
