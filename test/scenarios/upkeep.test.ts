import { expect, onTestFinished, test } from 'vitest';
import { fingerprint } from '../../src/certificates/read.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { auditOf } from './support/audit.ts';
import { certificateAt, isSignedBy, keyFits } from './support/certificates.ts';
import { runLoop } from './support/daemon.ts';
import { logged } from './support/logged.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';

/** The daemon compares its node with the desired state, and renews expiring certificates. */

const DAY = 86_400_000;
const YEAR = 365 * DAY;
const KUBELET = '/etc/kubernetes/certs/kubelet';
const RECORD = '/var/lib/coe-agent/upkeep.json';

/**
 * Makes a node of this age in a cloud with the same time: a jump of the clock is a suspend. Certificates are valid for
 * a year, their CA longer.
 */
async function createAgedSite(ageMs: number, spec: SiteSpec = {}): Promise<{ site: Site; cloud: Cloud }> {
  let now = (): number => Date.now() - ageMs;
  const cloud = await startCloud({ now: () => now() });
  onTestFinished(cloud.close);
  const site = await createSite(cloud, {
    validity: { validityDays: 20 * 365, leafDays: 365 },
    role: 'master',
    ageMs,
    ...spec,
  });
  now = site.clock.now;
  return { site, cloud };
}

const marks = async (site: Site): Promise<string[]> => {
  const files = await site.files();
  return [...files.keys()]
    .filter((path) => path.endsWith('.crt') && !path.endsWith('ca.crt'))
    .map((path) => fingerprint(certificateAt(files, path)));
};

test('renews every certificate with the same CA when the node resumes two weeks before their expiry', async () => {
  const { site } = await createAgedSite(YEAR - 14 * DAY);
  const before = await marks(site);
  const ca = await site.node.read('/etc/kubernetes/certs/ca.crt');
  const serviceAccount = await site.node.read('/etc/kubernetes/certs/service_account.key').catch(() => '');
  const { told } = await runLoop(site, {
    times: 4,
    before: (wait) => {
      if (wait === 2) site.clock.jump(YEAR - 14 * DAY);
    },
  });
  expect(told.at(-1)).toMatch(/\(ready\)$/);
  const after = await marks(site);
  expect(after).toHaveLength(before.length);
  expect(after.filter((mark) => before.includes(mark))).toEqual([]);
  expect(await site.node.read('/etc/kubernetes/certs/ca.crt')).toBe(ca);
  expect(await site.node.read('/etc/kubernetes/certs/service_account.key').catch(() => '')).toBe(
    serviceAccount,
  );
  const files = await site.files();
  expect(keyFits(files, KUBELET)).toBe(true);
  expect(isSignedBy(certificateAt(files, `${KUBELET}.crt`), site.cluster.ca.kubernetes)).toBe(true);
  expect(site.restarts().length).toBeGreaterThanOrEqual(3);
  expect(logged(site.log, 'renewal-succeeded')).toHaveLength(1);
  expect(site.signals()).toEqual([]);
  expect((await auditOf(site.node)).slice(-2)).toMatchObject([
    { event: 'begun', run: 'renewal', asked_by: 'renewal' },
    { event: 'ended', run: 'renewal', asked_by: 'renewal', outcome: 'succeeded' },
  ]);
});

test.each([1.5 * YEAR, 3 * YEAR])(
  'renews expired certificates at the first look of a node that was off (%i ms)',
  async (ms) => {
    const { site } = await createAgedSite(ms, { config: { reconcile: 'report' } });
    const before = await marks(site);
    site.clock.jump(ms);
    await runLoop(site, { times: 2 });
    expect((await marks(site)).filter((mark) => before.includes(mark))).toEqual([]);
    expect(logged(site.log, 'renewal-started')).toMatchObject([{ because: 'expired' }]);
  },
);

test('renews nothing if only a wrong clock makes certificates expired, and reports the clock', async () => {
  const cloud = await startCloud();
  onTestFinished(cloud.close);
  const site = await createSite(cloud);
  const before = await site.files();
  site.clock.jump(10 * YEAR);
  await runLoop(site, { times: 3 });
  expect(await site.files()).toEqual(before);
  expect(logged(site.log, 'differs-critical').map(({ difference }) => difference)).toEqual(['clock-off']);
});

test('renews nothing if Magnum signs with another CA, and reports a missed rotation', async () => {
  const { site, cloud } = await createAgedSite(YEAR + DAY, { config: { rotation: { phase: 'all' } } });
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  // Heat does not list this node's deployment: it belongs to another node group, or Heat has given up.
  const body = JSON.stringify({ metadata: { deployments: [] } });
  const headers = { 'content-type': 'application/json' };
  cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'answer', body, headers } });
  site.clock.jump(YEAR + DAY);
  await runLoop(site, { times: 3 });
  expect(await site.files()).toEqual(before);
  expect(logged(site.log, 'renewal-failed')).toMatchObject([
    { code: 'precondition', reason: 'rotation-missed' },
  ]);
});

test('restores the old files after a failed renewal, and retries a day later', async () => {
  const { site } = await createAgedSite(YEAR - 10 * DAY);
  const before = await site.files();
  site.clock.jump(YEAR - 12 * DAY);
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await runLoop(site, { times: 3 });
  expect(await site.files()).toEqual(before);
  expect(logged(site.log, 'renewal-failed')).toMatchObject([{ code: 'proof' }]);

  site.node.units.mend('kubelet');
  await runLoop(site, { times: 2 });
  expect(await site.files()).toEqual(before);
  site.clock.jump(DAY);
  await runLoop(site, { times: 2 });
  expect(await site.files()).not.toEqual(before);
});

test("tries the node's own login once a day, and some hours after a refusal", async () => {
  const { site, cloud } = await createAgedSite(0);
  const tries = (): number =>
    cloud.requests.filter(({ service, status }) => service === 'keystone' && status === 401).length;
  cloud.deleteTrust(site.cluster);
  await runLoop(site, {
    times: 13,
    before: () => {
      site.clock.jump(DAY / 6);
    },
  });
  expect(tries()).toBeLessThanOrEqual(3);
  expect(await site.node.read(RECORD)).toContain('login-refused');
});

test('repairs a certificate with missing names with reconcile: all, and otherwise reports it', async () => {
  for (const [reconcile, isMended] of [
    ['renew', false],
    ['all', true],
  ] as const) {
    const { site } = await createAgedSite(0, { config: { reconcile } });
    const before = await marks(site);
    await site.setParams({ KUBE_NODE_PUBLIC_IP: '203.0.113.77' });
    await runLoop(site, { times: 2 });
    expect(logged(site.log, 'differs').map(({ difference }) => difference)).toContain('names-differ');
    expect((await marks(site)).some((mark) => before.includes(mark))).toBe(!isMended);
    const { subjectAltName } = certificateAt(await site.files(), '/etc/kubernetes/certs/server.crt');
    expect(subjectAltName?.includes('203.0.113.77')).toBe(isMended);
  }
});

test('reports the expiry of a CA half a year before, and daily in its last month', async () => {
  const { site } = await createAgedSite(0, { validity: { validityDays: 365, leafDays: 365 } });
  const told = (event: 'differs' | 'differs-critical'): unknown[] =>
    logged(site.log, event).map(({ difference, of }) => `${String(difference)} ${String(of)}`);
  await runLoop(site, { times: 2 });
  expect(told('differs')).toEqual([]);
  site.clock.jump(YEAR - 179 * DAY);
  await runLoop(site, { times: 2 });
  expect(told('differs')).toContain('authority-ends-soon /etc/kubernetes/certs/ca.crt');
  site.clock.jump(150 * DAY);
  await runLoop(site, {
    times: 5,
    before: () => {
      site.clock.jump(DAY);
    },
  });
  const each = told('differs-critical').filter(
    (one) => one === 'authority-ends /etc/kubernetes/certs/ca.crt',
  );
  expect(each.length).toBeGreaterThanOrEqual(4);
  expect(logged(site.log, 'renewal-started')).toEqual([]);
});

test('treats the CAs of a rotation as those that Magnum serves, before it asks again', async () => {
  const { site, cloud } = await createAgedSite(0);
  // The clock's first login is at a random time of the first day.
  await runLoop(site, {
    times: 8,
    before: async () => {
      if (!(await site.node.read(RECORD)).includes('triedAt')) site.clock.jump(DAY / 5);
    },
  });
  expect(await site.node.read(RECORD)).toContain('"served":{"kube');
  site.clock.jump(DAY / 24);
  await cloud.rotateCa(site.cluster);
  await runLoop(site, { times: 3 });
  expect(isSignedBy(certificateAt(await site.files(), `${KUBELET}.crt`), site.cluster.ca.kubernetes)).toBe(
    true,
  );
  site.clock.jump(DAY / 12);
  await runLoop(site, { times: 2 });
  expect(logged(site.log, 'differs-critical')).toEqual([]);
  expect(logged(site.log, 'differs')).toEqual([]);
});
