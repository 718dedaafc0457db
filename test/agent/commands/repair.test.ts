import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at } from '../../cloud/exchange.ts';
import { certificateAt, keyFits, namesOf } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { jsonObject, listIn } from '../../src/support/fixtures.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

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

test('--dry-run shows kubeconfigs, copies and missing files, and no secret of theirs', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
  const [admin, copy] = ['/etc/kubernetes/admin.conf', '/etc/kubernetes/copy.conf'];
  const text = await site.node.read(admin);
  await site.node.write(
    copy,
    `${text}# a token of somebody\n- token: geheim\n`.replace('- token', '#- token'),
  );
  await site.node.write('/etc/kubernetes/pki/server.key', 'no key');
  const before = await site.files();
  const { code, stdout } = await cli(site, ['repair', '--dry-run', '--json']);
  expect(code).toBe(1);
  const changes = listIn(jsonObject(stdout), 'changes').map((one) => [at(one, 'file'), at(one, 'lines')]);
  const ofAdmin = changes.find(([file]) => file === admin)?.[1];
  expect(ofAdmin).toEqual(
    expect.arrayContaining([
      `--- ${admin}`,
      expect.stringMatching(/^-\s+client-certificate-data: certificate [0-9a-f]{16}$/),
      expect.stringMatching(/^\+\s+client-certificate-data: certificate \(new\)$/),
      expect.stringMatching(/^\+\s+client-key-data: private key \(new\)$/),
    ]),
  );
  expect(changes.map(([file]) => file)).toContain(copy);
  const key = /client-key-data: "?([\w+/=]+)/.exec(text)?.[1] ?? '';
  expect(key.length).toBeGreaterThan(100);
  for (const part of [key.slice(0, 40), 'PRIVATE KEY', 'no key']) expect(stdout).not.toContain(part);
  expect(await site.files()).toEqual(before);
});

test('what --dry-run --force shows is what changes', async () => {
  const site = await createSite(cloud, { role: 'master' });
  expect((await cli(site, ['repair', '--dry-run'])).code).toBe(0);
  const { stdout } = await cli(site, ['repair', '--dry-run', '--force', '--json']);
  const shown = listIn(jsonObject(stdout), 'changes').map((one) => String(at(one, 'file')));
  const before = await site.files();
  expect((await cli(site, ['repair', '--force'])).code).toBe(0);
  const after = await site.files();
  const changed = [...after.keys()].filter((path) => after.get(path)?.content !== before.get(path)?.content);
  expect(shown.toSorted()).toEqual(changed.toSorted());
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
  expect([...(await site.files('/var/lib/coe-agent/generation')).keys()]).not.toContain(
    '/var/lib/coe-agent/generation/journal',
  );
  expect(keyFits(await site.files(), KUBELET)).toBe(true);
});

test.each([
  ['kubernetes-certs', '/etc/kubernetes/certs/ca.crt', undefined],
  ['kubernetes-certs', '/etc/etcd/certs/ca.crt', 'no certificate'],
  ['kubernetes-pki', '/etc/kubernetes/kubelet.conf', 'no YAML: ['],
  ['kubernetes-pki', '/etc/kubernetes/admin.conf', 'no YAML: ['],
] as const)('makes anew what is lost or damaged (%s, %s, %s)', async (layout, path, text) => {
  const site = await createSite(cloud, { role: 'master', layout });
  if (text === undefined) await rm(join(site.node.root, path));
  else await site.node.write(path, text);
  const { stdout } = await cli(site, ['repair', '--dry-run', '--json']);
  expect(listIn(jsonObject(stdout), 'changes')).toContainEqual(expect.objectContaining({ file: path }));
  expect(await cli(site, ['repair'])).toMatchObject({ code: 0 });
  expect((await cli(site, ['repair', '--dry-run'])).code).toBe(0);
});

test('takes no CA of Magnum for a lost one when it has not signed the certificates', async () => {
  const site = await createSite(cloud, { role: 'master' });
  await cloud.rotateCa(site.cluster);
  await rm(join(site.node.root, '/etc/kubernetes/certs/ca.crt'));
  const { stdout } = await cli(site, ['repair', '--json']);
  expect(jsonObject(stdout)).toMatchObject({ error: { reason: 'rotation-missed' } });
});

test('rejects a repair if Magnum serves another CA: this needs a rotation', async () => {
  const site = await createDamagedSite();
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  const { code, stdout } = await cli(site, ['repair', '--json']);
  expect(code).not.toBe(0);
  expect(jsonObject(stdout)).toMatchObject({ error: { reason: 'rotation-missed' } });
  expect(await site.files()).toEqual(before);
});
