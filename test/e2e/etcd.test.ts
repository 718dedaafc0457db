import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { presentedCertificate } from '../../src/services/presented.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { makeCsr } from '../cloud/make-csr.ts';
import { ETCD_CERTS as CERTS, etcdUnit } from './etcd-unit.ts';
import { freePorts } from './free-ports.ts';
import { agentOn } from './agent-on.ts';
import { type Machine, startMachine } from './machine.ts';

/** A rotation with a real etcd under a real systemd: accepted clients, before and after. */

/** A client of etcd: the CA that it trusts, and its certificate. */
type Client = { ca: string; cert: string; key: string };

let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;
let port: number;
let daemon: ReturnType<typeof agent> | undefined;

beforeAll(async () => {
  [machine, cloud] = await Promise.all([startMachine(), startCloud()]);
  cluster = await cloud.createCluster({
    name: 'k1',
    servers: [{ name: 'master-0', role: 'master', inputs: { phase: 'phase' } }],
  });
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  port = clientPort;
  const params = cluster.heatParams('master', { KUBE_NODE_IP: '127.0.0.1' });
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(params), '0600');
  const unasked = { prove: false, health: false };
  await machine.write(
    '/etc/coe-agent/agent.yaml',
    stringify({
      collectors: ['heat'],
      heat: cluster.collectConfig('master-0').heat,
      ec2: { metadata_url: 'http://127.0.0.1:9/latest/meta-data' },
      poll: { min_seconds: 0.05, max_seconds: 0.2 },
      layout: 'kubernetes-certs',
      // No API of Kubernetes says that the node is the only one.
      rotation: { phase: 'all' },
      keys: 'ec-p256',
      services: {
        deadline_seconds: 60,
        units: {
          etcd: { port, health: `https://127.0.0.1:${port}/health` },
          'kube-apiserver': unasked,
          'kube-controller-manager': unasked,
          'kube-scheduler': unasked,
          kubelet: unasked,
        },
      },
    }),
    '0600',
  );
  await machine.unit('etcd', etcdUnit(port, peerPort));
  for (const unit of STAND_INS) await machine.unit(unit, { Service: ['Type=exec', FOREVER] });
  await agent('make-cert');
  await machine.run('systemctl', 'start', 'etcd', ...STAND_INS);
  daemon = agent('run');
});
afterAll(async () => {
  daemon?.kill('SIGTERM');
  await daemon;
  await cloud?.close();
  await machine?.close();
});

const FOREVER = 'ExecStart=/bin/sleep infinity';
const STAND_INS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'];

const agent = (...args: string[]) => agentOn(machine, args);

const read = async (path: string): Promise<string> => await machine.run('cat', path);

/** The admin of etcd, with the present files. */
const admin = async (): Promise<Client> => ({
  ca: await read(`${CERTS}/ca.crt`),
  cert: await read(`${CERTS}/admin.crt`),
  key: await read(`${CERTS}/admin.key`),
});

const presented = async (): Promise<string> =>
  (await presentedCertificate('127.0.0.1', port, AbortSignal.timeout(10_000))).fingerprint256;

const onDisk = async (): Promise<string> =>
  new X509Certificate(await read(`${CERTS}/server.crt`)).fingerprint256;

/** Every file of certificates and keys with its hash, owner and mode. */
const tree = async (): Promise<string> =>
  await machine.run(
    'sh',
    '-c',
    'find /etc/etcd /etc/kubernetes -type f | sort | while read f; do sha256sum "$f"; stat -c "%U %G %a" "$f"; done',
  );

const mainPid = async (unit: string): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', '--property=MainPID', unit);

/** Sends a request to etcd; rejects if either side does not trust the other. */
async function ask(path: string, body: unknown, client: Partial<Client>): Promise<unknown> {
  const answer = await new Promise<string>((resolve, reject) => {
    const options = { method: 'POST', agent: false, timeout: 10_000, ...client };
    const asked = request(`https://127.0.0.1:${port}${path}`, options, (response) => {
      text(response).then(resolve, reject);
    });
    asked.once('error', reject);
    asked.end(JSON.stringify(body));
  });
  return JSON.parse(answer);
}

const base64 = (plain: string): string => Buffer.from(plain).toString('base64');

const put = async (key: string, value: string, client: Client): Promise<unknown> =>
  await ask('/v3/kv/put', { key: base64(key), value: base64(value) }, client);

const Range = v.object({ kvs: v.optional(v.array(v.object({ value: v.string() })), []) });

/** The value of a key, as a client reads it. */
async function get(key: string, client: Partial<Client>): Promise<string | undefined> {
  const { kvs } = v.parse(Range, await ask('/v3/kv/range', { key: base64(key) }, client));
  return kvs[0] && Buffer.from(kvs[0].value, 'base64').toString();
}

const Told = v.object({ deploy_status_code: v.number(), deploy_stderr: v.string() });

/** Returns the last answer to Heat with this status. Heat's own roll-back gets another answer. */
const told = (statusCode: number): string | undefined =>
  cloud.signals
    .filter(({ accepted }) => accepted)
    .map(({ body }) => v.parse(Told, body))
    .findLast(({ deploy_status_code: code }) => code === statusCode)?.deploy_stderr;

const Status = v.object({
  deployments: v.array(
    v.object({
      outcome: v.nullable(
        v.object({
          error: v.optional(
            v.object({ code: v.string(), reason: v.optional(v.string()), node: v.optional(v.string()) }),
          ),
        }),
      ),
    }),
  ),
});

/** Returns the failure of the last deployment that failed. */
async function lastFailure(): Promise<unknown> {
  // It ends with 1: with these intervals a pass is soon overdue.
  const { stdout } = await agentOn(machine, ['status', '--json'], false);
  const { deployments } = v.parse(v.pipe(v.string(), v.parseJson(), Status), stdout);
  return deployments.flatMap(({ outcome }) => outcome?.error ?? []).at(-1);
}

/** Makes a kubelet that starts only with the current CA. */
const distrustOthers = async (): Promise<void> => {
  await machine.run('cp', '/etc/kubernetes/certs/ca.crt', '/run/trusted.crt');
  await machine.unit('kubelet', {
    Service: [
      'Type=exec',
      'ExecStartPre=/bin/sh -c "cmp -s /etc/kubernetes/certs/ca.crt /run/trusted.crt || { echo x509: unknown authority; exit 1; }"',
      FOREVER,
    ],
  });
};

test('etcd serves the first certificates, and accepts them from clients', async () => {
  const first = await admin();
  expect(await presented()).toBe(await onDisk());
  await put('written-before', 'one', first);
  expect(await get('written-before', first)).toBe('one');
  await expect(get('written-before', { ca: first.ca })).rejects.toThrow(/certificate/);
});

test('after a rotation etcd serves the new leaf, rejects the old client and keeps its data', async () => {
  const old = await admin();
  const oldLeaf = await presented();
  const oldPid = await mainPid('etcd');

  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  expect(told(0)).toBe('');

  expect(await presented()).toBe(await onDisk());
  expect(await presented()).not.toBe(oldLeaf);
  expect(await mainPid('etcd')).not.toBe(oldPid);
  const fresh = await admin();
  expect(fresh.ca).not.toBe(old.ca);
  await expect(get('written-before', { ...old, ca: fresh.ca }), 'the old client').rejects.toThrow(
    /certificate/,
  );
  await expect(get('written-before', { ...fresh, ca: old.ca }), 'the old trust').rejects.toThrow(
    /certificate|verify/,
  );
  expect(await get('written-before', fresh)).toBe('one');
  expect(await machine.run('stat', '-c', '%U %G %a', `${CERTS}/server.key`)).toBe('etcd kube_etcd 440');
});

test('in phases, old and new clients are both accepted until the old CA is retired', async () => {
  const goOnTo = async (phase: string): Promise<void> => {
    cluster.stack.update({ phase });
    expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  };
  const old = await admin();
  const oldLeaf = await presented();
  cluster.stack.parameters['phase'] = 'trust';
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');

  // A node that is a phase ahead.
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ahead = {
    cert: cluster.record.generation.etcd.sign(makeCsr(keys, 'etcd')),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  expect(await presented()).toBe(oldLeaf);
  expect(await get('written-before', old), 'the old client, in trust').toBe('one');
  expect(await get('written-before', { ...ahead, ca: old.ca }), 'a new client, in trust').toBe('one');

  await goOnTo('reissue');
  const fresh = { ...(await admin()), ca: cluster.ca.etcd };
  expect(await presented()).toBe(await onDisk());
  expect(await presented()).not.toBe(oldLeaf);
  expect(fresh.cert).not.toBe(old.cert);
  expect(await get('written-before', { ...old, ca: fresh.ca }), 'the old client, in reissue').toBe('one');
  expect(await get('written-before', fresh), 'the new client, in reissue').toBe('one');
  // A reader that tries one CA per name finds the CA of the current certificates in the bundle.
  expect(await get('written-before', await admin()), 'the admin with its bundle').toBe('one');

  await goOnTo('retire');
  await expect(get('written-before', { ...old, ca: fresh.ca }), 'the old client, in the end').rejects.toThrow(
    /certificate/,
  );
  expect(await get('written-before', fresh), 'the new client, in the end').toBe('one');
  expect(await get('written-before', await admin())).toBe('one');
  cluster.stack.parameters['phase'] = '';
});

test('when a later unit does not start with the new files, etcd serves the old ones again', async () => {
  await distrustOthers();
  const old = await admin();
  const [oldLeaf, oldTree, oldPid] = [await presented(), await tree(), await mainPid('etcd')];
  await put('written-before', 'two', old);

  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('ROLLBACK_COMPLETE');
  expect(await lastFailure()).toEqual({ code: 'unit', reason: 'start-failed', node: 'taken-back' });
  expect(told(1)).toContain('x509: unknown authority');

  expect(await tree()).toBe(oldTree);
  expect(await presented()).toBe(oldLeaf);
  expect(await mainPid('etcd')).not.toBe(oldPid);
  expect(await get('written-before', old)).toBe('two');
  expect(await machine.run('systemctl', 'is-active', 'etcd', ...STAND_INS)).toBe(
    Array.from({ length: 5 }, () => 'active').join('\n'),
  );
});

test('when that unit does not start with the old files either, this is reported to Heat, and etcd works', async () => {
  await machine.unit('kubelet', {
    Service: ['Type=exec', 'ExecStartPre=/bin/sh -c "echo no disk left; exit 1"', FOREVER],
  });
  const old = await admin();
  const [oldLeaf, oldTree] = [await presented(), await tree()];

  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('ROLLBACK_COMPLETE');
  expect(await lastFailure()).toEqual({ code: 'unit', reason: 'start-failed', node: 'unproven' });
  expect(told(1)).toContain('no disk left');
  expect(await tree()).toBe(oldTree);
  expect(await presented()).toBe(oldLeaf);
  expect(await get('written-before', old)).toBe('two');
});

test('a unit that ends while later units start is not accepted', async () => {
  await machine.unit('kube-scheduler', {
    Service: ['Type=exec', 'ExecStart=/bin/sh -c "sleep 0.3; echo x509: cannot load; exit 1"'],
  });
  await machine.unit('kubelet', {
    Service: [
      'Type=exec',
      'ExecStartPre=/bin/sh -c "while systemctl is-active --quiet kube-scheduler; do sleep 0.1; done"',
      FOREVER,
    ],
  });
  const [oldLeaf, oldTree] = [await presented(), await tree()];
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('ROLLBACK_COMPLETE');
  // At the first check after it, or at the last one: the reason depends on it.
  expect(await lastFailure()).toMatchObject({ code: 'unit', node: 'unproven' });
  expect(told(1)).toContain('kube-scheduler');
  expect(told(1)).toContain('x509: cannot load');
  expect(await tree()).toBe(oldTree);
  expect(await presented()).toBe(oldLeaf);
});

test('the next rotation succeeds after the repair', async () => {
  for (const unit of STAND_INS) await machine.unit(unit, { Service: ['Type=exec', FOREVER] });
  const old = await admin();
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  expect(await presented()).toBe(await onDisk());
  const fresh = await admin();
  await expect(get('written-before', { ...old, ca: fresh.ca })).rejects.toThrow(/certificate/);
  expect(await get('written-before', fresh)).toBe('two');
  expect(await machine.run('systemctl', 'is-active', 'kubelet')).toBe('active');
});
