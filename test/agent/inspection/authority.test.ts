import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Circumstances, compareAuthority, madeAt } from '../../../agent/inspection/authority.ts';
import type { Holding } from '../../../agent/inspection/inventory.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { fileAt } from '../../src/support/small-layout.ts';

const PATH = '/etc/k/ca.crt';
const ROW = { ca: 'kubernetes', file: fileAt(PATH) } as const;
const [served, former] = [createClusterCa('k1'), createClusterCa('k1')].map(
  ({ pem }) => new X509Certificate(pem),
);
if (!served || !former) throw new Error('two CAs are made');

const holding = (file: string, certificates: X509Certificate[]): Holding => ({
  file,
  kind: 'CA',
  notAfter: undefined,
  fingerprint: undefined,
  certificates,
  faults: [],
});
const NEVER_ASKED = async (): Promise<Circumstances> => await Promise.reject(new Error('Heat is asked'));
const quiet: Circumstances = { clusterUuid: 'u-1', isUnderWay: false, isPending: false };
const compare = async (held: X509Certificate[], said: Circumstances) =>
  await compareAuthority(ROW, served, [holding(PATH, held)], async () => await Promise.resolve(said));

test('a file with the served CA is good, also beside another one; Heat is not waited for', async () => {
  for (const held of [[served], [former, served]])
    expect(await compareAuthority(ROW, served, [holding(PATH, held)], NEVER_ASKED)).toMatchObject([
      { id: 'authority', of: PATH, verdict: 'good' },
    ]);
});

test('a file without a certificate, or outside the inventory, is left to its own finding', async () => {
  expect(await compareAuthority(ROW, served, [holding(PATH, [])], NEVER_ASKED)).toEqual([]);
  expect(await compareAuthority(ROW, served, [holding('/other', [served])], NEVER_ASKED)).toEqual([]);
});

test.each([
  [{ isUnderWay: true }, { verdict: 'warning', reason: 'under-way', next: 'agent status' }],
  [
    { isUnderWay: true, isPending: true },
    { verdict: 'warning', reason: 'under-way' },
  ],
  [{ isPending: true }, { verdict: 'bad', reason: 'differs', isMended: true, next: 'agent run-once' }],
  [{}, { verdict: 'bad', reason: 'differs', isMended: true, next: 'openstack coe ca rotate u-1' }],
])('reports another CA by the circumstances %j', async (said, expected) => {
  expect(await compare([former], { ...quiet, ...said })).toMatchObject([{ of: PATH, ...expected }]);
});

test("dates a CA one day after its start, by which Magnum's certificates are backdated", () => {
  expect(madeAt(served)).toBe(served.validFromDate.getTime() + 86_400_000);
});
