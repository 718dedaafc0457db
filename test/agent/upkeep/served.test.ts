import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { servedAsKnown } from '../../../agent/upkeep/served.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { createAuthority } from '../../cloud/authority.ts';
import { createKeyPool } from '../../cloud/key-pool.ts';

const MADE = Date.UTC(2026, 5, 1);
const HOUR = 3_600_000;
const served = { kubernetes: 'former' };
const { worker } = kubernetesCerts.roles;

async function holdings() {
  const { pem } = createAuthority({
    name: 'k1',
    keys: await createKeyPool().take('ec'),
    validityDays: 365,
    subjectKeyId: true,
    now: () => MADE,
  });
  const ca = { file: '/etc/kubernetes/certs/ca.crt', kind: 'CA', fingerprint: undefined } as const;
  return [{ ...ca, notAfter: undefined, faults: [], certificates: [new X509Certificate(pem)] }];
}

test.each([
  ['older than a CA that the node holds', { served, servedAt: MADE - HOUR }, undefined],
  ['newer', { served, servedAt: MADE + HOUR }, 'former'],
  [
    'with the time of a try only',
    { served, login: { since: 0, refusals: 0, roles: [] as string[], triedAt: MADE - HOUR } },
    undefined,
  ],
  ['without a date', { served }, 'former'],
])('uses a recorded answer of Magnum only if it may be current: %s', async (_age, record, known) => {
  expect(servedAsKnown(record, worker, await holdings()).kubernetes).toBe(known);
});
