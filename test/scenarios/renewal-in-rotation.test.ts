import { expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../cloud/cloud.ts';
import { at } from '../cloud/exchange.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { runLoop } from './support/daemon.ts';
import { logged } from './support/logged.ts';
import { createFleet, type Fleet, type Member } from './support/whole-cluster.ts';

/** A renewal that is due during an automatic rotation waits for its end. */

const SERVER = '/etc/kubernetes/certs/server.crt';
const DAY = 86_400_000;

/** A cluster after `openstack coe ca rotate`; the master repairs every difference. */
async function rotated(): Promise<{ fleet: Fleet; master: Member; worker: Member }> {
  let behindMs = 120_000;
  const cloud = await startCloud({ now: () => Date.now() - behindMs });
  onTestFinished(cloud.close);
  const fleet = await createFleet(cloud, 1, 1);
  const [master, worker] = fleet.members;
  if (!master || !worker) throw new Error('there are two members');
  await master.site.node.configure({ reconcile: 'all' });
  behindMs -= 2000;
  await cloud.rotateCa(fleet.cluster);
  // Heat asks no node.
  const body = JSON.stringify({ metadata: { deployments: [] } });
  const headers = { 'content-type': 'application/json' };
  cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'answer', body, headers } });
  return { fleet, master, worker };
}

/** Makes the names of the API server's certificate wrong. */
const differ = async ({ site }: Member, address: string): Promise<void> => {
  await site.setParams({ KUBE_NODE_PUBLIC_IP: address });
};

const phases = ({ site }: Member): unknown[] => logged(site.log, 'phase-done').map(({ phase }) => phase);

const LONG = { timeout: 120_000 };

test('a renewal waits for a rotation without using up its day', LONG, async () => {
  const { fleet, master, worker } = await rotated();
  const { site } = master;
  await differ(master, '203.0.113.1');
  const startedAt = site.clock.now();
  let isChanged = false;
  await runLoop(site, {
    times: 30,
    before: async () => {
      site.clock.jump(40_000);
      const done = phases(master).length;
      if (done > 0) await fleet.look(worker);
      // The certificates of `reissue` have the names of that time, so a renewal is due again.
      if (done === 2 && !isChanged) await differ(master, '203.0.113.2');
      isChanged ||= done === 2;
    },
  });
  expect(phases(master)).toEqual(['trust', 'reissue', 'retire']);
  // The first attempt meets Magnum's new CA before `trust`. The wait is told once.
  const events = ['renewal-started', 'phase-done', 'renewal-waits', 'renewal-failed', 'renewal-succeeded'];
  expect(
    site.log.map((line) => String(at(jsonObject(line), 'event'))).filter((one) => events.includes(one)),
  ).toEqual([
    'renewal-started',
    'renewal-waits',
    'phase-done',
    'phase-done',
    'phase-done',
    'renewal-started',
    'renewal-succeeded',
  ]);
  expect(site.clock.now() - startedAt).toBeLessThan(DAY);
  const leaf = certificateAt(await site.files(), SERVER);
  expect(isSignedBy(leaf, fleet.cluster.ca.kubernetes)).toBe(true);
  expect(leaf.subjectAltName).toContain('203.0.113.2');
});
