import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { presentedCertificate } from '../../src/services/presented.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { freePorts } from './free-ports.ts';
import { agentOn } from './agent-on.ts';
import { type Machine, startMachine } from './machine.ts';

/** A rotation in the swarm layout with a real dockerd under a real systemd: accepted clients, before and after. */

const CERTS = '/etc/docker';

/** A client of dockerd: the CA that it trusts, and its certificate. */
type Client = { ca: string; cert: string; key: string };

let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;
let port: number;
let daemon: ReturnType<typeof agent> | undefined;

beforeAll(async () => {
  [machine, cloud, [port = 0]] = await Promise.all([startMachine(), startCloud(), freePorts(1)]);
  cluster = await cloud.createCluster({ name: 's1', servers: [{ name: 'node-0', role: 'worker' }] });
  // Without Kubernetes keys and role, as on a swarm node.
  const { NODEGROUP_ROLE: _, ...facts } = cluster.heatParams('worker', {
    SWARM_NODE_IP: '127.0.0.1',
    SWARM_API_IP: '10.0.0.8',
    API_IP_ADDRESS: '172.24.4.8',
  });
  const params = Object.entries(facts).filter(([key]) => !key.startsWith('KUBE_'));
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(Object.fromEntries(params)), '0600');
  await machine.write(
    '/etc/coe-agent/agent.yaml',
    stringify({
      collectors: ['heat'],
      heat: cluster.collectConfig('node-0').heat,
      poll: { min_seconds: 0.05, max_seconds: 0.2 },
      keys: 'ec-p256',
      services: {
        deadline_seconds: 60,
        units: { docker: { port, health: `https://127.0.0.1:${port}/_ping` } },
      },
    }),
    '0600',
  );
  await machine.unit('docker', {
    Service: ['Type=notify', 'Delegate=yes', `ExecStart=${dockerd().join(' ')}`],
  });
  await agent('make-cert');
  await machine.run('systemctl', 'start', 'docker');
  daemon = agent('run');
});
afterAll(async () => {
  daemon?.kill('SIGTERM');
  await daemon;
  await cloud?.close();
  await machine?.close();
});

/** As Magnum runs it, without the options for running containers. */
const dockerd = (): string[] => [
  '/usr/sbin/dockerd',
  `--host=tcp://127.0.0.1:${port}`,
  '--tlsverify',
  `--tlscacert=${CERTS}/ca.crt`,
  `--tlscert=${CERTS}/server.crt`,
  `--tlskey=${CERTS}/server.key`,
  '--iptables=false',
  '--ip-forward=false',
  '--bridge=none',
  '--storage-driver=vfs',
];

const agent = (...args: string[]) => agentOn(machine, args);

/** The node's own certificate is also a client's. */
const client = async (): Promise<Client> => ({
  ca: await machine.run('cat', `${CERTS}/ca.crt`),
  cert: await machine.run('cat', `${CERTS}/server.crt`),
  key: await machine.run('cat', `${CERTS}/server.key`),
});

const presented = async (): Promise<string> =>
  (await presentedCertificate('127.0.0.1', port, AbortSignal.timeout(10_000))).fingerprint256;

const onDisk = async (): Promise<string> => new X509Certificate((await client()).cert).fingerprint256;

const mainPid = async (): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', '--property=MainPID', 'docker');

/** Sends a request to dockerd; rejects if either side does not trust the other. */
async function ask(method: string, path: string, as: Partial<Client>, body?: unknown): Promise<string> {
  return await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = { method, headers, agent: false, timeout: 10_000, ...as };
    const asked = request(`https://127.0.0.1:${port}${path}`, options, (response) => {
      text(response).then(resolve, reject);
    });
    asked.once('error', reject);
    asked.end(body === undefined ? '' : JSON.stringify(body));
  });
}

const Volumes = v.object({ Volumes: v.nullable(v.array(v.object({ Name: v.string() }))) });
const volumes = async (as: Client): Promise<string[]> =>
  (v.parse(Volumes, JSON.parse(await ask('GET', '/volumes', as))).Volumes ?? []).map(({ Name }) => Name);

test('dockerd serves and accepts the first certificate, and rejects clients without one', async () => {
  const first = await client();
  expect(await presented()).toBe(await onDisk());
  expect(await ask('GET', '/_ping', first)).toBe('OK');
  await ask('POST', '/volumes/create', first, { Name: 'kept' });
  expect(await volumes(first)).toEqual(['kept']);
  await expect(ask('GET', '/_ping', { ca: first.ca })).rejects.toThrow(/certificate/);
});

test('after a rotation dockerd serves the new leaf, rejects the old client and keeps its data', async () => {
  const old = await client();
  const oldPid = await mainPid();

  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');

  const fresh = await client();
  expect(fresh.ca).not.toBe(old.ca);
  expect(await presented()).toBe(await onDisk());
  expect(await mainPid()).not.toBe(oldPid);
  await expect(ask('GET', '/_ping', { ...old, ca: fresh.ca }), 'the old client').rejects.toThrow(
    /certificate/,
  );
  await expect(ask('GET', '/_ping', { ...fresh, ca: old.ca }), 'the old trust').rejects.toThrow(
    /certificate|verify/,
  );
  expect(await ask('GET', '/_ping', fresh)).toBe('OK');
  expect(await volumes(fresh)).toEqual(['kept']);
  expect(await machine.run('stat', '-c', '%U %G %a', `${CERTS}/server.key`)).toBe('root root 600');

  const { stdout } = await agent('certs', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    layout: 'swarm',
    certificates: [{}, { file: `${CERTS}/server.crt`, served: { unit: 'docker', presents: true } }],
  });
});

test('when dockerd does not start with the new files, it serves the old ones again', async () => {
  const old = await client();
  // It starts only with the current CA.
  await machine.run('cp', `${CERTS}/ca.crt`, '/run/trusted.crt');
  const start =
    'ExecStartPre=/bin/sh -c "cmp -s /etc/docker/ca.crt /run/trusted.crt || { echo unknown authority; exit 1; }"';
  await machine.unit('docker', {
    Service: ['Type=notify', 'Delegate=yes', start, `ExecStart=${dockerd().join(' ')}`],
  });

  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toMatch(/^ROLLBACK_/);
  const said = cloud.signals.map(({ body }) => JSON.stringify(body)).join('\n');
  expect(said).toContain('unknown authority');
  expect(await client()).toEqual(old);
  expect(await ask('GET', '/_ping', old)).toBe('OK');
});
