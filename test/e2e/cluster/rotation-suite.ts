import { createPublicKey, createVerify, type KeyObject, type X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { presented } from '../../../scripts/load.d/look-at-leaves.ts';
import { admission, admissionBy, admissions, PORTS } from './admission.ts';
import { AT_ONCE } from './completion.ts';
import {
  kubectl,
  type Node,
  nodeFile,
  nodeFolder,
  nodes,
  ownerKubeconfig,
  renewKubeconfig,
  rotate,
  sentServiceAccountKey,
} from './magnum-cluster.ts';
import { type Material, materialOf, presentAuthorities, serviceAccountKeys } from './material.ts';
import { mountedToken, type ProbePod } from './probe-pod.ts';

/** Conditions after a rotation by the agent. */

/** For the slowest machine: Heat polls and gives up by its own clock. */
export const ROTATION_MS = 1_500_000;
const API = ['kube-apiserver', 'kubelet'];

let all: Node[];
let master: Node;

const each = async <T>(of: (node: Node) => Promise<T>): Promise<Map<string, T>> => {
  const found = new Map<string, T>();
  for (const node of all) found.set(node.name, await of(node));
  return found;
};

/** The certificate with which a master's own programs connect to etcd. */
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

/** The token that the next pod of this release mounts; empty until it is signed. */
async function nextToken(): Promise<string> {
  const secret = await kubectl(['get', 'serviceaccount', 'default', '-o', 'jsonpath={.secrets[0].name}']);
  if (secret === '') return '';
  const token = await kubectl(['get', 'secret', secret, '-o', 'jsonpath={.data.token}']);
  return Buffer.from(token, 'base64').toString('utf8');
}

function isSignedBy(token: string, key: KeyObject): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(key, signature, 'base64url');
}

const toldToToken = async (token: string): Promise<string> =>
  await admission(master.address, PORTS.master['kube-apiserver'], { authorities: undefined }, '/api', {
    authorization: `Bearer ${token}`,
  });

type Before = {
  material: Map<string, Material>;
  owner: { cert: string; key: string };
  etcd: { cert: string; key: string };
  token: string;
};

const remember = async (): Promise<Before> => ({
  material: await each(materialOf),
  owner: await ownerKubeconfig(),
  etcd: await etcdClient(),
  token: await newToken(),
});

const prints = (certificates: readonly X509Certificate[]): string[] =>
  certificates.map(({ fingerprint256 }) => fingerprint256);

/** Rotates the cluster's CA and checks every node; the pod exists before. */
export function describeRotation(which: string, pod: () => ProbePod, completion = AT_ONCE): void {
  describe(which, () => {
    let before: Before;
    let status: string;
    let present: Awaited<ReturnType<typeof presentAuthorities>>;
    beforeAll(async () => {
      all = await nodes();
      const first = all.find(({ role }) => role === 'master');
      if (!first) throw new Error('the cluster has no master');
      master = first;
      before = await remember();
      const statusNow = await completion.watch?.();
      [status] = await Promise.all([rotate(statusNow), completion.meanwhile?.(all)]);
      await completion.until();
      present = await presentAuthorities();
      await renewKubeconfig();
    }, ROTATION_MS + completion.withinMs);

    const due = completion.status ?? 'UPDATE_COMPLETE';
    test(`ends as ${due}`, () => {
      expect(status).toBe(due);
    });

    test('renews every certificate with the present CA and a matching key', async () => {
      for (const node of all) {
        const former = before.material.get(node.name)?.leaves.map(({ certificate }) => certificate) ?? [];
        for (const { path, kind, certificate, keyFits } of (await materialOf(node)).leaves) {
          const is = { isSigned: certificate.verify(present[kind].publicKey), keyFits };
          expect(is, `${node.name}: ${path}`).toEqual({ isSigned: true, keyFits: true });
          expect(prints(former), `${node.name}: ${path}`).not.toContain(certificate.fingerprint256);
        }
      }
    });

    test('leaves the present CA in every CA file, once', async () => {
      for (const node of all)
        for (const { path, kind, authorities } of (await materialOf(node)).trust)
          expect(prints(authorities), `${node.name}: ${path}`).toEqual([present[kind].fingerprint256]);
    });

    test('presents a certificate of the present CA on every port', async () => {
      for (const { name, address, role } of all)
        for (const [component, port] of Object.entries(PORTS[role])) {
          const leaf = await presented(address, port);
          const { publicKey } = present[component === 'etcd' ? 'etcd' : 'kubernetes'];
          expect(leaf.verify(publicKey), `${component} on ${name}`).toBe(true);
        }
    });

    test('lets every kubeconfig of a node use the API', async () => {
      const folder = '/etc/kubernetes';
      for (const node of all)
        for (const file of (await readdir(nodeFolder(node, folder))).filter((one) =>
          /^(admin\.conf|kubelet-config\.yaml|proxy-(kube)?config\.yaml)$/.test(one),
        ))
          expect(await admissionBy(node, join(folder, file)), `${node.name}: ${file}`).toBe('200');
    });

    test("rejects the owner's former certificate on every port, and accepts the new one", async () => {
      const refused = Object.values(await admissions(all, before.owner, API));
      expect(new Set(refused)).toEqual(new Set(['401']));
      const letIn = await admissions(all, await ownerKubeconfig(), API);
      expect(new Set(Object.values(letIn)), JSON.stringify(letIn)).toEqual(new Set(['200']));
    });

    test("rejects etcd's former clients, and accepts the master's own", async () => {
      const [refused] = Object.values(await admissions(all, before.etcd, ['etcd']));
      expect(refused).toBe('client certificate');
      const [letIn] = Object.values(await admissions(all, await etcdClient(), ['etcd']));
      expect(letIn).toBe('200');
    });

    test("signs new tokens with Magnum's new key, and accepts former bound tokens", async () => {
      const sent = createPublicKey(await sentServiceAccountKey(master));
      const { accepted, signing } = await serviceAccountKeys(master);
      expect(signing.equals(sent)).toBe(true);
      expect(accepted.some((key) => key.equals(sent))).toBe(true);
      const token = await newToken();
      expect(isSignedBy(token, sent)).toBe(true);
      expect(await Promise.all([token, before.token].map(toldToToken))).toEqual(['200', '200']);
    });

    test("keeps a running pod's token, and gives the next pod one of Magnum's new key", async () => {
      const sent = createPublicKey(await sentServiceAccountKey(master));
      const told: string[] = [];
      const next = await vi.waitFor(
        async () => {
          told.push(await toldToToken(pod().token));
          const token = await nextToken();
          expect(isSignedBy(token, sent)).toBe(true);
          return token;
        },
        { timeout: 240_000, interval: 1000 },
      );
      for (const token of [next, pod().token]) told.push(await toldToToken(token));
      expect(new Set(told)).toEqual(new Set(['200']));
      expect(await mountedToken()).toBe(pod().token);
    });

    test('keeps a pod running, with log and exec through the API server', async () => {
      expect(await pod().log()).toBe('started');
      expect(await pod().exec('echo', 'well')).toBe('well');
    });
  });
}
