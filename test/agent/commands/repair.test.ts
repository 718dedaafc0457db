import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { certificateAt, keyFits, namesOf } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

const SERVER = '/etc/kubernetes/certs/server';
const KUBELET = '/etc/kubernetes/certs/kubelet';

/**
 * Makes a master whose public address has changed since its certificates were made, and whose kubelet key is missing.
 */
async function createDamagedSite(): Promise<Site> {
  const site = await createSite(cloud, { role: 'master' });
  await site.setParams({ KUBE_NODE_PUBLIC_IP: '203.0.113.77' });
  await site.node.write(`${KUBELET}.key`, await site.node.read(`${SERVER}.key`));
  return site;
}

test('--dry-run prints a unified diff without any key, and changes nothing', async () => {
  const site = await createDamagedSite();
  const before = await site.files();
  const { code, stdout } = await cli(site, ['repair', '--dry-run']);
  expect(code).toBe(1);
  expect(stdout).toContain(`--- ${SERVER}.crt\n+++ ${SERVER}.crt\n@@ `);
  expect(stdout).toContain('\n+name 203.0.113.77\n');
  expect(stdout).not.toContain('PRIVATE KEY');
  expect(await site.files()).toEqual(before);
  expect(site.restarts()).toEqual([]);
});

test('--dry-run --json lists the differences with their codes', async () => {
  const site = await createDamagedSite();
  const { stdout } = await cli(site, ['repair', '--dry-run', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    repaired: false,
    differences: expect.arrayContaining([
      expect.objectContaining({ code: 'key-mismatch', severity: 'critical', of: `${KUBELET}.crt` }),
      expect.objectContaining({ code: 'names-differ', severity: 'warning', of: `${SERVER}.crt` }),
    ]) as unknown,
  });
});

test('renews every certificate with the same CA, and verifies that the units present them', async () => {
  const site = await createDamagedSite();
  const ca = await site.node.read('/etc/kubernetes/certs/ca.crt');
  const { code } = await cli(site, ['repair']);
  expect(code).toBe(0);
  const files = await site.files();
  expect(keyFits(files, KUBELET)).toBe(true);
  expect(namesOf(certificateAt(files, `${SERVER}.crt`))).toContain('IP Address:203.0.113.77');
  expect(await site.node.read('/etc/kubernetes/certs/ca.crt')).toBe(ca);
  expect(site.restarts()).toContain('kubelet');

  const again = await cli(site, ['repair']);
  expect(again.code).toBe(0);
  expect(await site.files()).toEqual(files);
});

test('a deployment of the group coe-rebuild renews them, even if nothing differs', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const key = await site.node.read(`${KUBELET}.key`);
  cloud.deploy(site.cluster, site.server, {
    resource: 'rebuild',
    group: 'coe-rebuild',
    inputs: [],
    values: {},
  });
  await site.pass();
  expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 0 } }]);
  expect(await site.node.read(`${KUBELET}.key`)).not.toBe(key);
  expect(keyFits(await site.files(), KUBELET)).toBe(true);
});

test('rejects a repair if Magnum serves another CA: this needs a rotation', async () => {
  const site = await createDamagedSite();
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  const { code, stderr } = await cli(site, ['repair']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('a rotation was missed');
  expect(await site.files()).toEqual(before);
});
