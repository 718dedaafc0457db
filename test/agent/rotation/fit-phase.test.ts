import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { createCa } from '../../src/support/openssl.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { answerMembers } from '../../scenarios/support/stock.ts';

/** Rotations of the group coe-rotate without a named phase. */

const cloud = await cloudForFile();

/** @returns the number of CAs that the node trusts after a rotation */
async function rotate(site: Site, file: string): Promise<number> {
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const { body = {} } = site.signals().at(-1) ?? {};
  expect(body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  return (await site.node.read(file)).match(/BEGIN CERTIFICATE/g)?.length ?? 0;
}

const ALL = 1;
const TRUST = 2;

const pair = (prefix: string): string =>
  `--${prefix}cert-file=/etc/kubernetes/pki/etcd/server.crt --${prefix}key-file=/etc/kubernetes/pki/etcd/server.key`;

describe("on a master with kubeadm's files, whose etcd flags contain the peer address", () => {
  test.each([
    [1, ALL],
    [3, TRUST],
  ])('with %i members', async (members, expected) => {
    const site = await createSite(cloud, { role: 'master', layout: 'kubeadm', bare: true });
    // An etcd CA of its own: optional rows follow the existing files.
    const old = await createCa();
    for (const stem of ['server', 'peer', 'healthcheck-client'])
      await site.node.write(`/etc/kubernetes/pki/etcd/${stem}.crt`, old.pem);
    expect((await site.node.agent('make-cert')).stderr).toBe('');
    for (const unit of ['etcd', 'kube-apiserver', 'kubelet']) site.node.units.startAgain(unit);
    const port = site.node.units.port('etcd');
    const flags = `--listen-client-urls=https://127.0.0.1:${port} ${pair('')} --listen-peer-urls=https://127.0.0.1:${port} ${pair('peer-')}`;
    site.node.units.show(
      'etcd',
      `ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${flags} ; ignore_errors=no }\n`,
    );
    answerMembers(site, members);
    expect(await rotate(site, '/etc/kubernetes/pki/etcd/ca.crt')).toBe(expected);
  });
});

describe('on a worker', () => {
  const CA = '/etc/kubernetes/certs/ca.crt';

  test('of a Kubernetes cluster it is the phase "trust"', async () => {
    // Nothing listens there.
    const site = await createSite(cloud, { params: { KUBE_MASTER_IP: '127.0.0.1', KUBE_API_PORT: '9' } });
    expect(await rotate(site, CA)).toBe(TRUST);
  });

  test('that is configured so, or knows no master, it is complete', async () => {
    const params = { KUBE_MASTER_IP: '127.0.0.1', KUBE_API_PORT: '9' };
    const config = { rotation: { phase: 'all' } };
    expect(await rotate(await createSite(cloud, { params, config }), CA)).toBe(ALL);
    expect(await rotate(await createSite(cloud), CA)).toBe(ALL);
  });
});
