import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { createCa } from '../src/support/openssl.ts';
import {
  certificateAt,
  embeddedIn,
  type Files,
  fingerprintOf,
  isSignedBy,
  keyFits,
} from './support/certificates.ts';
import { createSite, type Site } from './support/site.ts';

/** The layouts beyond Magnum's own two for Kubernetes, each through a whole rotation. */

const cloud = await cloudForFile();

const allFiles = async (site: Site): Promise<Files> =>
  new Map([...(await site.files('/etc')), ...(await site.files('/var/lib/kubelet'))]);

const outcomeOf = async (site: Site): Promise<string> => {
  await cloud.rotateCa(site.cluster);
  const { settled } = await site.pass();
  return settled.map(({ outcome }) => outcome.stderr).join('');
};

const SWARM = {
  SWARM_NODE_IP: '10.0.0.7',
  SWARM_API_IP: '10.0.0.8',
  API_IP_ADDRESS: '172.24.4.8',
  NODEGROUP_ROLE: '',
  INSTANCE_NAME: '',
};

test('recognizes a swarm node by its heat-params, which name no role, and gives dockerd its certificate', async () => {
  const site = await createSite(cloud, { layout: 'swarm', config: { layout: 'auto' }, params: SWARM });
  const before = await site.files('/etc/docker');
  expect(await outcomeOf(site)).toBe('');
  const files = await site.files('/etc/docker');
  expect(fingerprintOf(files.get('/etc/docker/ca.crt')?.content ?? '')).toBe(
    fingerprintOf(site.cluster.ca.kubernetes),
  );
  const leaf = certificateAt(files, '/etc/docker/server.crt');
  expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
  expect(keyFits(files, '/etc/docker/server')).toBe(true);
  expect(leaf.subject).toBe('CN=swarm.invalid');
  expect(files.get('/etc/docker/server.key')?.content).not.toBe(
    before.get('/etc/docker/server.key')?.content,
  );
  expect(site.restarts()).toEqual(['docker']);
});

test("rotates a control plane with kubeadm's files: three CAs, kubeconfigs with own certificates, the kubelet's", async () => {
  const config = { rotation: { phase: 'all' } };
  const site = await createSite(cloud, { role: 'master', layout: 'kubeadm', bare: true, config });
  // An etcd CA of its own, and no super-admin.conf: optional rows follow the existing files.
  const old = await createCa();
  for (const stem of ['server', 'peer', 'healthcheck-client'])
    await site.node.write(`/etc/kubernetes/pki/etcd/${stem}.crt`, old.pem);
  expect((await site.node.agent('make-cert')).stderr).toBe('');
  for (const unit of ['etcd', 'kube-apiserver', 'kubelet']) site.node.units.mend(unit);
  const before = await allFiles(site);
  await site.pass();

  expect(await outcomeOf(site)).toBe('');
  const files = await allFiles(site);
  const { kubernetes, etcd, 'front-proxy': frontProxy } = site.cluster.ca;
  const leaves = [
    ['/etc/kubernetes/pki/apiserver', kubernetes],
    ['/etc/kubernetes/pki/apiserver-kubelet-client', kubernetes],
    ['/etc/kubernetes/pki/apiserver-etcd-client', etcd],
    ['/etc/kubernetes/pki/front-proxy-client', frontProxy],
    ['/etc/kubernetes/pki/etcd/server', etcd],
    ['/etc/kubernetes/pki/etcd/peer', etcd],
    ['/etc/kubernetes/pki/etcd/healthcheck-client', etcd],
    ['/var/lib/kubelet/pki/kubelet', kubernetes],
  ] as const;
  for (const [stem, ca] of leaves) {
    expect(isSignedBy(certificateAt(files, `${stem}.crt`), ca), stem).toBe(true);
    expect(keyFits(files, stem), stem).toBe(true);
    expect(files.get(`${stem}.key`)?.content).not.toBe(before.get(`${stem}.key`)?.content);
  }
  for (const [path, ca] of [
    ['/etc/kubernetes/pki/ca.crt', kubernetes],
    ['/etc/kubernetes/pki/etcd/ca.crt', etcd],
    ['/etc/kubernetes/pki/front-proxy-ca.crt', frontProxy],
  ] as const)
    expect(fingerprintOf(files.get(path)?.content ?? '')).toBe(fingerprintOf(ca));

  const users = new Map([
    ['admin.conf', 'O=system:masters\nCN=kubernetes-admin'],
    ['controller-manager.conf', 'CN=system:kube-controller-manager'],
    ['scheduler.conf', 'CN=system:kube-scheduler'],
  ]);
  for (const [name, subject] of users) {
    const embedded = embeddedIn(files.get(`/etc/kubernetes/${name}`)?.content ?? '');
    const leaf = new X509Certificate(embedded.certificate);
    expect(leaf.subject.split('\n').toSorted()).toEqual(subject.split('\n').toSorted());
    expect(isSignedBy(leaf, kubernetes)).toBe(true);
  }
  expect(files.has('/etc/kubernetes/super-admin.conf')).toBe(false);

  // The kubelet's certificate and its key share one file.
  const client = files.get('/var/lib/kubelet/pki/kubelet-client-current.pem')?.content ?? '';
  expect(client.match(/-----BEGIN [A-Z ]+-----/g)).toEqual([
    '-----BEGIN CERTIFICATE-----',
    '-----BEGIN PRIVATE KEY-----',
  ]);
  expect(isSignedBy(new X509Certificate(client), kubernetes)).toBe(true);
  expect(site.restarts()).toEqual([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet',
  ]);
  const certs = await site.node.agent('certs');
  expect(certs).toMatchObject({ code: 0 });
});

const data = (text: string, name: string): string => new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? '';

test('checks a certificate in the kubeconfig that contains its only copy', async () => {
  const [one, other] = await Promise.all(
    [0, 1].map(async () => await createSite(cloud, { role: 'master', layout: 'kubeadm' })),
  );
  if (!one || !other) throw new Error('there are two');
  expect((await one.node.agent('certs')).code).toBe(0);
  const admin = await one.node.read('/etc/kubernetes/admin.conf');
  const foreign = await other.node.read('/etc/kubernetes/scheduler.conf');
  await one.node.write(
    '/etc/kubernetes/scheduler.conf',
    foreign.replace(data(foreign, 'certificate-authority-data'), data(admin, 'certificate-authority-data')),
  );
  await one.node.write(
    '/etc/kubernetes/admin.conf',
    admin.replace(data(admin, 'client-key-data'), data(foreign, 'client-key-data')),
  );
  const { code, stdout } = await one.node.agent('certs', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    certificates: expect.arrayContaining([
      expect.objectContaining({ file: '/etc/kubernetes/scheduler.conf', faults: [{ code: 'wrong-issuer' }] }),
      expect.objectContaining({ file: '/etc/kubernetes/admin.conf', faults: [{ code: 'own-key-mismatch' }] }),
    ]) as unknown,
  });
});

test('agent plan names the layout, the reason, and its limits', async () => {
  const site = await createSite(cloud, { layout: 'kubeadm', config: { layout: 'auto' }, bare: true });
  await site.node.write('/var/lib/kubelet/pki/kubelet-client-current.pem', '');
  await cloud.rotateCa(site.cluster);
  const { stdout } = await site.node.agent('plan', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    deployments: [
      {
        layout: 'kubeadm',
        role: 'worker',
        why: expect.stringContaining('/var/lib/kubelet/pki/kubelet-client-current.pem') as unknown,
        limitCodes: expect.arrayContaining(['ca-keys-stay']) as unknown,
      },
    ],
  });
});
