import { createPublicKey, createVerify, type X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presented } from '../../../scripts/load.d/look-at-leaves.ts';
import { settledStatus } from '../../integration/real-cloud.ts';
import { admission, admissionBy, admissions, PORTS } from './admission.ts';
import {
  clusterName,
  clusterStatus,
  installAgent,
  kubectl,
  type Node,
  nodeFile,
  nodeFolder,
  nodes,
  openstack,
  ownerKubeconfig,
  renewKubeconfig,
  sentServiceAccountKey,
} from './magnum-cluster.ts';
import { type Material, materialOf, presentAuthorities, serviceAccountKeys } from './material.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';

/**
 * `openstack coe ca rotate` on a cluster of Magnum's own making, on whose nodes the agent has taken the place of
 * heat-container-agent, and nothing else is changed. One master: its rotation is complete at once.
 */

const API = ['kube-apiserver', 'kubelet'];
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

let all: Node[];
let master: Node;
let pod: ProbePod;
beforeAll(async () => {
  all = await nodes();
  const [first, ...others] = all.filter(({ role }) => role === 'master');
  if (!first || others.length > 0) throw new Error('this wants a cluster with one master');
  master = first;
  await installAgent();
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

const each = async <T>(of: (node: Node) => Promise<T>): Promise<Map<string, T>> => {
  const found = new Map<string, T>();
  for (const node of all) found.set(node.name, await of(node));
  return found;
};

/** The certificate with which a master's own programs ask its etcd. */
const etcdClient = async () => ({
  cert: await nodeFile(master, '/etc/etcd/certs/admin.crt'),
  key: await nodeFile(master, '/etc/etcd/certs/admin.key'),
});

const Requested = v.object({ status: v.object({ token: v.string() }) });

async function newToken(): Promise<string> {
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(request));
  return v.parse(Requested, JSON.parse(answer)).status.token;
}

const toldToToken = async (token: string): Promise<string> =>
  await admission(master.address, PORTS.master['kube-apiserver'], { authorities: undefined }, '/api', {
    authorization: `Bearer ${token}`,
  });

const prints = (certificates: readonly X509Certificate[]): string[] =>
  certificates.map(({ fingerprint256 }) => fingerprint256);

describe.each(['a first', 'a second'])('%s rotation', (which) => {
  let before: {
    material: Map<string, Material>;
    owner: { cert: string; key: string };
    etcd: { cert: string; key: string };
    podToken: string;
    token: string;
  };
  let present: Awaited<ReturnType<typeof presentAuthorities>>;

  test('ends as UPDATE_COMPLETE', async () => {
    before = {
      material: await each(materialOf),
      owner: await ownerKubeconfig(),
      etcd: await etcdClient(),
      podToken: await pod.exec('cat', TOKEN),
      token: await newToken(),
    };
    await openstack('coe', 'ca', 'rotate', await clusterName());
    expect(await settledStatus(clusterStatus, 1_500_000), which).toBe('UPDATE_COMPLETE');
    present = await presentAuthorities();
    await renewKubeconfig();
  });

  test('every certificate is new, by the present CA, and its key fits', async () => {
    for (const node of all) {
      const former = before.material.get(node.name)?.leaves.map(({ certificate }) => certificate) ?? [];
      for (const { path, kind, certificate, keyFits } of (await materialOf(node)).leaves) {
        const is = { isSigned: certificate.verify(present[kind].publicKey), keyFits };
        expect(is, `${node.name}: ${path}`).toEqual({ isSigned: true, keyFits: true });
        expect(prints(former), `${node.name}: ${path}`).not.toContain(certificate.fingerprint256);
      }
    }
  });

  test('every CA file holds the present CA, once', async () => {
    for (const node of all)
      for (const { path, kind, authorities } of (await materialOf(node)).trust)
        expect(prints(authorities), `${node.name}: ${path}`).toEqual([present[kind].fingerprint256]);
  });

  test('every port presents a certificate of the present CA', async () => {
    for (const { name, address, role } of all)
      for (const [component, port] of Object.entries(PORTS[role])) {
        const leaf = await presented(address, port);
        const { publicKey } = present[component === 'etcd' ? 'etcd' : 'kubernetes'];
        expect(leaf.verify(publicKey), `${component} on ${name}`).toBe(true);
      }
  });

  test('every kubeconfig of a node opens the API', async () => {
    const folder = '/etc/kubernetes';
    for (const node of all)
      for (const file of (await readdir(nodeFolder(node, folder))).filter((one) =>
        /^(admin\.conf|kubelet-config\.yaml|proxy-(kube)?config\.yaml)$/.test(one),
      ))
        expect(await admissionBy(node, join(folder, file)), `${node.name}: ${file}`).toBe('200');
  });

  test("the owner's former certificate is refused at every port, the new one is let in", async () => {
    const refused = Object.values(await admissions(all, before.owner, API));
    expect(new Set(refused)).toEqual(new Set(['401']));
    const letIn = await admissions(all, await ownerKubeconfig(), API);
    expect(new Set(Object.values(letIn)), JSON.stringify(letIn)).toEqual(new Set(['200']));
  });

  test("etcd refuses its former clients, and lets the master's own in", async () => {
    const [refused] = Object.values(await admissions(all, before.etcd, ['etcd']));
    expect(refused).toBe('client certificate');
    const [letIn] = Object.values(await admissions(all, await etcdClient(), ['etcd']));
    expect(letIn).toBe('200');
  });

  test('new tokens are signed with the key that Magnum has sent; tokens from before are accepted', async () => {
    const sent = createPublicKey(await sentServiceAccountKey(master));
    const { accepted, signing } = await serviceAccountKeys(master);
    expect(signing.equals(sent)).toBe(true);
    expect(accepted.some((key) => key.equals(sent))).toBe(true);
    const token = await newToken();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const check = createVerify('RSA-SHA256').update(`${header}.${payload}`);
    expect(check.verify(sent, signature, 'base64url')).toBe(true);
    expect(await Promise.all([token, before.token, before.podToken].map(toldToToken))).toEqual([
      '200',
      '200',
      '200',
    ]);
  });

  test('a pod goes on, and its log and exec come through the API server', async () => {
    expect(await pod.log()).toBe('started');
    expect(await pod.exec('echo', 'well')).toBe('well');
  });
});
