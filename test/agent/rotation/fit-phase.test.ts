import { once } from 'node:events';
import { createServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { createCa } from '../../src/support/openssl.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { answerMembers } from '../../scenarios/support/stock.ts';

/** Rotations of the group coe-rotate without a named phase. */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

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

  /** Makes the API of the worker's cluster, with a certificate of the worker's own CA or of another one. */
  async function createWorker(servers: number, isOfOwnCa = true): Promise<{ site: Site; api: Kubernetes }> {
    // Its kubelet's certificate, which the API server presents here, names this address.
    const host = '127.0.0.5';
    const site = await createSite(cloud, { params: { KUBE_NODE_IP: host } });
    const api = createKubernetes();
    const addresses = Array.from({ length: servers }, (_, index) => ({ ip: `192.0.2.${index + 1}` }));
    api.core.put('endpoints', 'default', 'kubernetes', { subsets: [{ addresses, ports: [{ port: 6443 }] }] });
    const own = {
      cert: await site.node.read('/etc/kubernetes/certs/kubelet.crt'),
      key: await site.node.read('/etc/kubernetes/certs/kubelet.key'),
    };
    const leaf = isOfOwnCa ? own : createClusterCa('k1').issue([['CN', 'kubernetes']], [host]);
    const server = createServer({ ...leaf, ca: await site.node.read(CA), requestCert: true }, api.listener);
    await once(server.listen(0, host), 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await site.setParams({ KUBE_MASTER_IP: host, KUBE_API_PORT: String(port) });
    return { site, api };
  }

  test('with several masters that present the former CA, runs the phase "trust"', async () => {
    const { site, api } = await createWorker(3);
    expect(await rotate(site, CA)).toBe(TRUST);
    expect(new Set(api.asked.map(({ client }) => client))).toEqual(
      new Set(['system:node-proxier system:kube-proxy']),
    );
  });

  test('with one master, rotates completely', async () => {
    expect(await rotate((await createWorker(1)).site, CA)).toBe(ALL);
  });

  test('whose masters already present another CA, rotates completely', async () => {
    expect(await rotate((await createWorker(3, false)).site, CA)).toBe(ALL);
  });

  test('that may not ask the API, rotates completely', async () => {
    const { site, api } = await createWorker(3);
    api.instead = () => ({ status: 403, body: { message: 'no' } });
    expect(await rotate(site, CA)).toBe(ALL);
  });
});
