import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/** Kubeconfigs under the names that people and tools give them. */

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';

async function kubeconfig({ node }: Site): Promise<string> {
  const data = async (name: string): Promise<string> =>
    Buffer.from(await node.read(`${CERTS}/${name}`)).toString('base64');
  return `clusters: [{ name: k1, cluster: { certificate-authority-data: ${await data('ca.crt')} } }]
users:
- name: u
  user: { client-certificate-data: ${await data('admin.crt')}, client-key-data: ${await data('admin.key')} }
`;
}

const RENEWED = [
  '/etc/kubernetes/admin.kubeconfig',
  '/etc/kubernetes/kube-proxy.kubeconfig',
  '/etc/kubernetes/config',
  '/etc/kubernetes/kubeconfig',
  '/etc/kubernetes/bootstrap-kubeconfig',
  '/etc/kubernetes/kubelet_kubeconfig',
  '/etc/kubernetes/scheduler.json',
  '/root/.kube/config',
];
/** Backups and other users' homes are left alone. */
const KEPT = [
  '/etc/kubernetes/admin.kubeconfig.bak',
  '/etc/kubernetes/admin.conf~',
  '/etc/kubernetes/.config.swp',
  '/root/.kube/config.old',
  '/home/operator/.kube/config',
];

test('finds kubeconfigs by name, lists and renews them, and leaves backups alone', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const before = await kubeconfig(site);
  for (const path of [...RENEWED, ...KEPT]) await site.node.write(path, before);
  const copies = listIn(jsonObject((await cli(site, ['certs', '--json'])).stdout), 'copies');
  const listed = new Set(copies.map((copy) => at(copy, 'file')));
  expect(listed).toEqual(new Set(RENEWED));

  await cloud.rotateCa(site.cluster);
  const { stdout } = await cli(site, ['plan']);
  for (const path of RENEWED) expect(stdout).toContain(`${path}\n`);
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  const now = await kubeconfig(site);
  for (const path of RENEWED) expect(await site.node.read(path), path).toBe(now);
  for (const path of KEPT) expect(await site.node.read(path), path).toBe(before);
});
