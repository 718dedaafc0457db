import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { settledStatus } from '../../integration/real-cloud.ts';
import { RETIRED, standingOf } from './completion.ts';
import {
  clusterName,
  clusterStatus,
  installAgent,
  kubectl,
  type Node,
  nodeFile,
  nodes,
  onNode,
  openstack,
  stackId,
} from './magnum-cluster.ts';
import { fingerprintsOf, materialOf, serviceAccountKeys } from './material.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation, ROTATION_MS } from './rotation-suite.ts';

/**
 * Other updates that a Magnum stack sends to the nodes, before and after rotations: an upgrade, which includes the keys
 * of the last rotation, and other keys alone. Also a rotation in which the agent is killed.
 */

let pod: ProbePod;
let all: Node[];
beforeAll(async () => {
  await installAgent();
  pod = await startProbePod();
  all = await nodes();
});
afterAll(async () => {
  await pod?.close();
});

/** Kills the agent of a node as soon as the restart of its units is recorded. */
async function killInTheMiddle(node: Node): Promise<void> {
  const isInTheMiddle = async () => (await standingOf(node)).interrupted !== null;
  await vi.waitUntil(isInTheMiddle, { timeout: ROTATION_MS, interval: 500 });
  await onNode(node, 'systemctl', 'kill', '--kill-who=main', '--signal=KILL', 'coe-agent');
}

const certificates = async (): Promise<string[][]> =>
  await Promise.all(all.map(async (node) => fingerprintsOf(await materialOf(node))));

describeRotation('a rotation in which every agent is killed', () => pod, {
  ...RETIRED,
  meanwhile: async (nodes) => await Promise.all(nodes.map(killInTheMiddle)),
});

/** Debian's source has one release: the newer tag names the same programs. */
const FORMER_TAG = 'v1.20.2';
const NEWER_TAG = 'v1.20.3';
const HYPERKUBE = 'docker.io/rancher/hyperkube';

const Template = v.object({
  labels: v.record(v.string(), v.string()),
  network_driver: v.string(),
});

/** Makes a template that differs from the cluster's only in the tag of Kubernetes. */
async function newerTemplate(): Promise<string> {
  const shown = await openstack('coe', 'cluster', 'template', 'show', await clusterName(), '-f', 'json');
  const { labels, network_driver: driver } = v.parse(Template, JSON.parse(shown));
  const pairs = Object.entries({ ...labels, kube_tag: NEWER_TAG }).map(([key, value]) => `${key}=${value}`);
  const name = `${await clusterName()}-newer`;
  const kind = ['--coe', 'kubernetes', '--image', 'fedora-coreos', '--external-network', 'public'];
  const servers = ['--master-flavor', 'node', '--flavor', 'node', '--network-driver', driver];
  const ways = ['--master-lb-enabled', '--floating-ip-disabled', '--labels', pairs.join(',')];
  await openstack('coe', 'cluster', 'template', 'create', name, ...kind, ...servers, ...ways);
  return name;
}

describe('an upgrade of Kubernetes, which includes the keys of the rotation', () => {
  let before: string[][];
  let status: string;
  beforeAll(async () => {
    before = await certificates();
    for (const node of all)
      await onNode(node, 'podman', 'tag', `${HYPERKUBE}:${FORMER_TAG}`, `${HYPERKUBE}:${NEWER_TAG}`);
    await openstack('coe', 'cluster', 'upgrade', await clusterName(), await newerTemplate());
    status = await settledStatus(clusterStatus, ROTATION_MS);
  }, ROTATION_MS);

  test('ends as UPDATE_COMPLETE', () => {
    expect(status).toBe('UPDATE_COMPLETE');
  });

  test('runs every component from the newer image', async () => {
    for (const node of all) {
      const images = await onNode(node, 'podman', 'ps', '--filter', 'name=kube', '--format', '{{.Image}}');
      expect(new Set(images.split('\n')), node.name).toEqual(new Set([`${HYPERKUBE}:${NEWER_TAG}`]));
    }
  });

  test('changes no certificate, and leaves every node Ready and schedulable', async () => {
    expect(await certificates()).toEqual(before);
    await kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s']);
    const unschedulable = await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].spec.unschedulable}']);
    expect(unschedulable).toBe('');
  });
});

/** As Magnum passes a key to the stack. */
const onOneLine = (pem: string): string => pem.replaceAll('\n', '\\n');

describe('other service-account keys alone', () => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  let before: string[][];
  let status: string;
  beforeAll(async () => {
    before = await certificates();
    const stack = await stackId();
    const given = {
      kube_service_account_key: onOneLine(pair.publicKey),
      kube_service_account_private_key: onOneLine(pair.privateKey),
    };
    const parameters = Object.entries(given).flatMap(([key, value]) => ['--parameter', `${key}=${value}`]);
    await openstack('stack', 'update', '--existing', ...parameters, stack);
    const show = ['stack', 'show', stack, '-f', 'value', '-c', 'stack_status'];
    status = await settledStatus(async () => await openstack(...show), ROTATION_MS);
  }, ROTATION_MS);

  test('ends as UPDATE_COMPLETE', () => {
    expect(status).toBe('UPDATE_COMPLETE');
  });

  test('changes no certificate, signs tokens with the new key, and accepts former tokens', async () => {
    expect(await certificates()).toEqual(before);
    const [master] = all;
    if (!master) throw new Error('the cluster has no master');
    const { accepted, signing } = await serviceAccountKeys(master);
    expect(signing.equals(createPublicKey(pair.publicKey))).toBe(true);
    expect(accepted.length).toBeGreaterThan(1);
    expect(await nodeFile(master, '/etc/sysconfig/heat-params')).toContain(`KUBE_TAG=${NEWER_TAG}`);
  });

  test('keeps the pod running with its former token', async () => {
    expect(await pod.log()).toBe('started');
  });
});

describeRotation('the next rotation, with the newer image', () => pod, RETIRED);
