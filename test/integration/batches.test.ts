import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openstack, physicalId, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/**
 * A real Heat runs the template of several servers: the second gets its deployment only when the first has answered.
 */

const TEMPLATE = join(import.meta.dirname, '../../scripts/heat/group-in-batches.yaml');
const SERVERS = ['master-0', 'worker-0'] as const;

let cluster: RealCluster;
let group: string;
beforeAll(async () => {
  cluster = await startRealCluster('batches', 'ec-p256', false);
  group = `${cluster.stack}-group`;
  const ids = await Promise.all(
    SERVERS.map(async (name) => [name, await physicalId(cluster.stack, name)] as const),
  );
  await openstack(
    'stack',
    'create',
    '--wait',
    '--template',
    TEMPLATE,
    '--parameter',
    `servers=${JSON.stringify(Object.fromEntries(ids))}`,
    '--parameter',
    'rotation=none yet',
    group,
  );
});
afterAll(async () => {
  await openstack('stack', 'delete', '--yes', '--wait', group);
  await cluster.close();
});

const Metadata = v.object({ deployments: v.array(v.object({ creation_time: v.string() })) });

/** The time when a server got its deployment; undefined without one. */
async function askedAt(server: string): Promise<number | undefined> {
  const text = await openstack('stack', 'resource', 'metadata', cluster.stack, server);
  const [deployment] = v.parse(Metadata, JSON.parse(text)).deployments;
  return deployment && Date.parse(deployment.creation_time);
}

/** Waits until this many servers have a deployment, and returns them. */
async function asked(count: number): Promise<string[]> {
  const until = performance.now() + 180_000;
  for (;;) {
    const times = await Promise.all(SERVERS.map(askedAt));
    const names = SERVERS.filter((_, index) => times[index] !== undefined);
    if (names.length >= count) return names;
    if (performance.now() > until) throw new Error(`Heat has asked ${names.join(', ') || 'nobody'}`);
    await delay(1000);
  }
}

async function rotate(server: string): Promise<X509Certificate> {
  const { code, stdout, stderr } = await cluster.node(server).agent('run-once');
  expect(code, stdout + stderr).toBe(0);
  const file = server === 'master-0' ? '/etc/kubernetes/certs/ca.crt' : '/etc/kubernetes/pki/ca.crt';
  return new X509Certificate(await cluster.node(server).read(file));
}

test('gives each server its deployment after the former has answered; then the stack is complete and names the CA', async () => {
  expect(await asked(0)).toEqual([]);
  await openstack(
    'stack',
    'update',
    '--existing',
    '--template',
    TEMPLATE,
    '--parameter',
    'rotation=now',
    group,
  );
  const first = await asked(1);
  expect(first).toHaveLength(1);
  const second = SERVERS.filter((name) => !first.includes(name));
  const answeredAfter = Date.now();
  const ca = await rotate(first[0] ?? '');
  expect(await asked(2)).toHaveLength(2);
  // Heat uses whole seconds.
  expect(await askedAt(second[0] ?? '')).toBeGreaterThan(answeredAfter - 1000);
  expect((await rotate(second[0] ?? '')).fingerprint256).toBe(ca.fingerprint256);

  expect(await settledStatus(async () => await stackStatus(group))).toBe('UPDATE_COMPLETE');
  const output = await openstack(
    'stack',
    'output',
    'show',
    group,
    'fingerprints',
    '-f',
    'value',
    '-c',
    'output_value',
  );
  const fingerprint = ca.fingerprint256.replaceAll(':', '').toLowerCase();
  expect(output.split(fingerprint)).toHaveLength(1 + SERVERS.length);
});
