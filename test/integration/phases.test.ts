import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificatesIn } from '../../src/certificates/read.ts';
import { presentedCertificate } from '../../src/services/presented.ts';
import { clusterStatus, openstack, physicalId, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/**
 * A CA rotation in phases with real services: Magnum's own deployment is the first phase, and an operator's stack
 * requests the others.
 */

const TEMPLATE = join(import.meta.dirname, '../../scripts/heat/group-in-batches.yaml');
const NODES = {
  'master-0': { ca: '/etc/kubernetes/certs/ca.crt', leaf: '/etc/kubernetes/certs/server.crt' },
  'worker-0': { ca: '/etc/kubernetes/pki/ca.crt', leaf: '/etc/kubernetes/pki/server.crt' },
} as const;
const NAMES = ['master-0', 'worker-0'] as const;
const PUBLIC = '/etc/kubernetes/certs/service_account.key';

let cluster: RealCluster;
let group: string;
let old: X509Certificate;
let fresh: X509Certificate;
beforeAll(async () => {
  cluster = await startRealCluster('phases', 'ec-p256');
  for (const name of NAMES) await cluster.node(name).configure({ rotation: { phase: 'trust' } });
  old = await servedCa();
  group = `${cluster.stack}-phases`;
  const ids = await Promise.all(
    NAMES.map(async (name) => [name, await physicalId(cluster.stack, name)] as const),
  );
  const servers = `servers=${JSON.stringify(Object.fromEntries(ids))}`;
  const parameters = ['--parameter', servers, '--parameter', 'rotation=none yet', '--parameter', 'at_once=2'];
  await openstack('stack', 'create', '--wait', '--template', TEMPLATE, ...parameters, group);
});
afterAll(async () => {
  await openstack('stack', 'delete', '--yes', '--wait', group);
  await cluster.close();
});

const servedCa = async (): Promise<X509Certificate> =>
  new X509Certificate(await openstack('coe', 'ca', 'show', cluster.uuid));

const idsOf = (...cas: X509Certificate[]): string[] => cas.map((ca) => ca.fingerprint256);

async function goOnTo(phase: string): Promise<void> {
  const parameters = ['--parameter', 'rotation=one', '--parameter', `phase=${phase}`];
  await openstack('stack', 'update', '--existing', '--template', TEMPLATE, ...parameters, group);
  expect(await settledStatus(async () => await stackStatus(group))).toBe('UPDATE_COMPLETE');
}

/** The CAs that a node trusts, in order, and the one that signed its certificate. */
async function stateOf(
  name: (typeof NAMES)[number],
): Promise<{ trusts: string[]; signer: string | undefined }> {
  const { ca, leaf } = NODES[name];
  const node = cluster.node(name);
  const cas = certificatesIn(await node.read(ca), ca);
  const certificate = new X509Certificate(await node.read(leaf));
  const signer = cas.find(({ publicKey }) => certificate.verify(publicKey));
  return { trusts: cas.map((one) => one.fingerprint256), signer: signer?.fingerprint256 };
}

test('openstack coe ca rotate: every node trusts both CAs, and keeps its certificates', async () => {
  await openstack('coe', 'ca', 'rotate', cluster.uuid);
  expect(await settledStatus(async () => await clusterStatus(cluster.uuid))).toBe('UPDATE_COMPLETE');
  fresh = await servedCa();
  for (const name of NAMES)
    expect(await stateOf(name), name).toEqual({ trusts: idsOf(old, fresh), signer: old.fingerprint256 });
  const { stdout } = await cluster.node('master-0').agent('status', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ rotation: { phase: 'trust' } });
});

test('reissue: every node serves certificates of the new CA, and still trusts the old one', async () => {
  await goOnTo('reissue');
  for (const name of NAMES)
    expect(await stateOf(name), name).toEqual({ trusts: idsOf(fresh, old), signer: fresh.fingerprint256 });
  const master = cluster.node('master-0');
  const port = master.units.port('kube-apiserver');
  const presented = await presentedCertificate('127.0.0.1', port, AbortSignal.timeout(5000));
  const onDisk = new X509Certificate(await master.read(NODES['master-0'].leaf));
  expect(presented.fingerprint256).toBe(onDisk.fingerprint256);
});

test('retire: every node trusts only the new CA, and is healthy', async () => {
  await goOnTo('retire');
  for (const name of NAMES) {
    expect(await stateOf(name), name).toEqual({ trusts: idsOf(fresh), signer: fresh.fingerprint256 });
    expect((await cluster.node(name).agent('certs')).code, name).toBe(0);
  }
  expect((await cluster.node('master-0').read(PUBLIC)).match(/BEGIN PUBLIC KEY/g)).toHaveLength(1);
});
