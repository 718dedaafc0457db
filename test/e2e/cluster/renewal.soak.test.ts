import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import { execa } from 'execa';
import * as v from 'valibot';
import { beforeAll, expect, test, vi } from 'vitest';
import { presented } from '../../../scripts/load.d/look-at-leaves.ts';
import { PORTS } from './admission.ts';
import { standingOf } from './completion.ts';
import { startLoad } from './load.ts';
import {
  clusterName,
  installAgent,
  kubectl,
  type Node,
  nodeFile,
  nodeFolder,
  nodes,
  onNode,
  openstack,
} from './magnum-cluster.ts';
import { fingerprintsOf, materialOf, presentAuthorities } from './material.ts';
import { ROTATION_MS } from './rotation-suite.ts';

/**
 * Every node has a certificate with wrong names, and renews all of its certificates by itself, while clients use the
 * API through the load balancer. The CA stays.
 */

/** Each run writes its figures to this folder; docs/performance.md has those of a measured one. */
const FOLDER = resolve('build/renewal');
const AROUND_MS = 60_000;
const CERTIFICATE = '/etc/kubernetes/certs/kubelet.crt';
const KEY = '/etc/kubernetes/certs/kubelet.key';

let all: Node[];
let before: Map<string, string[]>;
let report: string;

/** Replaces the kubelet's certificate by one of the same CA and subject with another name. */
async function spoil(node: Node): Promise<void> {
  const { subject } = new X509Certificate(await nodeFile(node, CERTIFICATE));
  const paths = ['key', 'csr'].map((kind) => join(FOLDER, `${node.name}.${kind}`));
  const [key = '', csr = ''] = paths;
  const request = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', csr];
  await execa('openssl', [
    ...request,
    '-subj',
    `/${subject.replaceAll('\n', '/')}`,
    '-addext',
    'subjectAltName=DNS:elsewhere',
  ]);
  const certificate = await openstack('coe', 'ca', 'sign', await clusterName(), csr);
  // Owner and mode of the files stay.
  await writeFile(nodeFolder(node, CERTIFICATE), certificate);
  await writeFile(nodeFolder(node, KEY), await readFile(key));
}

const certificatesOf = async (): Promise<Map<string, string[]>> => {
  const found = new Map<string, string[]>();
  for (const node of all) found.set(node.name, fingerprintsOf(await materialOf(node)));
  return found;
};

async function hasRenewed(node: Node): Promise<boolean> {
  const spoilt = new X509Certificate(await nodeFile(node, CERTIFICATE)).subjectAltName === 'DNS:elsewhere';
  return !spoilt && (await standingOf(node)).interrupted === null;
}

beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  await installAgent();
  all = await nodes();
  before = await certificatesOf();
  const load = await startLoad(FOLDER);
  await delay(AROUND_MS);
  load.mark('renewal', 'old');
  for (const node of all) {
    await spoil(node);
    await writeFile(nodeFolder(node, '/etc/coe-agent/agent.d/30-reconcile.yaml'), 'reconcile: all\n');
  }
  // A starting daemon compares the node with its desired state.
  await Promise.all(all.map(async (node) => await onNode(node, 'systemctl', 'restart', 'coe-agent')));
  for (const node of all)
    await vi.waitUntil(async () => await hasRenewed(node), { timeout: ROTATION_MS, interval: 2000 });
  load.mark('afterwards', 'old');
  await delay(AROUND_MS);
  process.stdout.write(`${await load.stop()}\n`);
  report = await readFile(join(FOLDER, 'report.json'), 'utf8');
}, 2 * ROTATION_MS);

test('renews every certificate with the same CA', async () => {
  const authorities = await presentAuthorities();
  for (const node of all)
    for (const { path, kind, certificate, keyFits } of (await materialOf(node)).leaves) {
      const is = { isSigned: certificate.verify(authorities[kind].publicKey), keyFits };
      expect(is, `${node.name}: ${path}`).toEqual({ isSigned: true, keyFits: true });
      expect(before.get(node.name), `${node.name}: ${path}`).not.toContain(certificate.fingerprint256);
    }
});

test('presents the new certificates on every port', async () => {
  for (const node of all) {
    const files = (await materialOf(node)).leaves.map(({ certificate }) => certificate.fingerprint256);
    for (const port of Object.values(PORTS[node.role]))
      expect(files, `${node.name}:${port}`).toContain((await presented(node.address, port)).fingerprint256);
  }
});

test('leaves every node Ready', async () => {
  await kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s']);
});

const Report = v.object({
  rows: v.array(
    v.object({
      mark: v.string(),
      at: v.string(),
      client: v.string(),
      does: v.string(),
      expected: v.boolean(),
      attempts: v.number(),
      failed: v.record(v.string(), v.number()),
    }),
  ),
});

test('fails no request through the load balancer, but those that the machine was too slow for', () => {
  const { rows } = v.parse(Report, JSON.parse(report));
  const during = rows.filter(
    ({ at, expected, mark }) => mark === 'renewal' && expected && at === 'load balancer',
  );
  expect(during.reduce((sum, { attempts }) => sum + attempts, 0)).toBeGreaterThan(100);
  for (const { client, does, failed } of during) {
    const { machine: _, ...others } = failed;
    expect(others, `${client}: ${does}`).toEqual({});
  }
});
