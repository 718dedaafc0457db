import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { settledStatus } from '../../integration/real-cloud.ts';
import type { Trustee } from '../../scenarios/support/trustee.ts';
import { RETIRED, standingOf } from './completion.ts';
import {
  clusterFolder,
  clusterName,
  installAgent,
  kubectl,
  type Node,
  nodeFile,
  nodes,
  onNode,
  openstack,
  power,
  watchStack,
} from './magnum-cluster.ts';
import { logInFromReaders, readersReady, startReaders } from './openstack-readers.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation, ROTATION_MS } from './rotation-suite.ts';

/** Other credentials for every place of a cluster with several masters that holds the trustee's login. */

const TEMPLATE = resolve('scripts/heat/credentials.yaml');

let all: Node[];
let original: Trustee;
let pod: ProbePod;
let stack: string;

const parameters = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['--parameter', `${name}=${value}`]);

/** The ids of the cluster's servers, by name. */
async function servers(): Promise<Record<string, string>> {
  const folder = join(clusterFolder(), 'records', 'servers');
  const found = (await readdir(folder)).map(async (file) => {
    const record: unknown = JSON.parse(await readFile(join(folder, file), 'utf8'));
    return [v.parse(v.object({ name: v.string() }), record).name, file.replace('.json', '')];
  });
  return v.parse(v.record(v.string(), v.string()), Object.fromEntries(await Promise.all(found)));
}

async function loginOf(node: Node): Promise<Trustee & { authUrl: string }> {
  const text = await nodeFile(node, '/etc/sysconfig/heat-params');
  const value = (key: string): string => new RegExp(`^${key}=["'](.*)["']$`, 'm').exec(text)?.[1] ?? '';
  return {
    trustee_user_id: value('TRUSTEE_USER_ID'),
    trustee_password: value('TRUSTEE_PASSWORD'),
    trust_id: value('TRUST_ID'),
    authUrl: value('AUTH_URL'),
  };
}

const Trust = v.object({ project_id: v.string(), trustor_user_id: v.string(), roles: v.string() });

/** Makes another trustee like Magnum's trust manager, with a trust like the original one. */
async function makeTrustee(name: string): Promise<Trustee> {
  const id = ['-f', 'value', '-c', 'id'];
  const password = `pass word ${Date.now().toString(36)} #$`;
  const user = ['user', 'create', '--domain', 'magnum', '--password', password, ...id];
  const userId = await openstack(...user, `${await clusterName()}-${name}`);
  const shown: unknown = JSON.parse(await openstack('trust', 'show', original.trust_id, '-f', 'json'));
  const { project_id: project, trustor_user_id: trustor, roles } = v.parse(Trust, shown);
  const delegated = roles.split(/\s+/).flatMap((role) => ['--role', role]);
  const trust = ['trust', 'create', '--project', project, ...delegated, '--impersonate', ...id];
  return {
    trustee_user_id: userId,
    trustee_password: password,
    trust_id: await openstack(...trust, trustor, userId),
  };
}

const stackStatus = async (of: string): Promise<string> =>
  await openstack('stack', 'show', of, '-f', 'value', '-c', 'stack_status');

const send = async (login: Trustee): Promise<void> => {
  await openstack('stack', 'update', '--existing', ...parameters(login), '-t', TEMPLATE, stack);
};

const Where = v.object({
  api: v.string(),
  places: v.array(
    v.object({ kind: v.string(), of: v.string(), whose: v.string(), trust: v.optional(v.string()) }),
  ),
});

/** Returns the places with a login, of a node and, on a master, in the API. */
async function placesOf(node: Node): Promise<v.InferOutput<typeof Where>['places']> {
  const { api, places } = v.parse(
    Where,
    JSON.parse(await onNode(node, 'agent', 'credentials', '--where', '--json')),
  );
  expect(api).toBe(node.role === 'master' ? 'answers' : 'no-master');
  return places;
}

/** Every place of these nodes has this login, and the readers work with it. */
function describePlaces(login: () => Trustee): void {
  test('every file and object has the login', async () => {
    for (const node of all) {
      const places = await placesOf(node);
      const objects = places.filter(({ kind }) => kind !== 'file');
      expect(objects.length, node.name).toBe(node.role === 'master' ? 5 : 0);
      const { trust_id: trust } = login();
      for (const { of, whose, trust: found } of places)
        expect({ whose, trust: found }, `${node.name}: ${of}`).toEqual({ whose: 'node', trust });
    }
  });

  test('every reader has logged in to Keystone with what it mounts', async () => {
    await readersReady();
    await logInFromReaders();
  });

  test('every node is Ready', async () => {
    await kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s']);
  });
}

/** Kills the agent when the restart of its units is recorded. */
async function killInTheMiddle(node: Node): Promise<void> {
  const isInTheMiddle = async () => (await standingOf(node)).interrupted !== null;
  await vi.waitUntil(isInTheMiddle, { timeout: ROTATION_MS, interval: 500 });
  await kill(node);
}

const kill = async (node: Node): Promise<void> => {
  await onNode(node, 'systemctl', 'kill', '--kill-who=main', '--signal=KILL', 'coe-agent');
};

/** Kills the agent that holds the lease under which the objects change. */
async function killLeaseHolder(): Promise<void> {
  const lease = ['-n', 'kube-system', 'get', 'lease', 'coe-agent-credentials', '--ignore-not-found'];
  const holder = await vi.waitUntil(
    async () => await kubectl([...lease, '-o', 'jsonpath={.spec.holderIdentity}']).catch(() => ''),
    { timeout: ROTATION_MS, interval: 200 },
  );
  const node = all.find(({ name }) => holder.includes(name));
  if (!node) throw new Error(`no node is called ${holder}`);
  await kill(node);
}

beforeAll(async () => {
  await installAgent();
  all = await nodes();
  pod = await startProbePod();
  const [master] = all;
  if (!master) throw new Error('the cluster has no nodes');
  const { authUrl, ...login } = await loginOf(master);
  original = login;
  stack = `${await clusterName()}-credentials`;
  const given = { servers: JSON.stringify(await servers()), at_once: String(all.length) };
  await Promise.all([
    startReaders(login, authUrl),
    openstack('stack', 'create', '--wait', ...parameters(given), '-t', TEMPLATE, stack),
  ]);
}, ROTATION_MS);
afterAll(async () => {
  await pod?.close();
});

let first: Trustee;
let second: Trustee;

describe('another trustee, while the agent of every master is killed', () => {
  beforeAll(async () => {
    first = await makeTrustee('first');
    await openstack('stack', 'update', '--existing', '--parameter', 'at_once=1', '-t', TEMPLATE, stack);
    await settledStatus(async () => await stackStatus(stack), ROTATION_MS);
    await send(first);
    const masters = all.filter(({ role }) => role === 'master');
    await Promise.all([...masters.map(killInTheMiddle), killLeaseHolder()]);
  }, 2 * ROTATION_MS);

  test('ends as UPDATE_COMPLETE', async () => {
    expect(await settledStatus(async () => await stackStatus(stack), ROTATION_MS)).toBe('UPDATE_COMPLETE');
  });

  describePlaces(() => first);
});

const goBack = async (): Promise<void> => {
  for (const node of all) await onNode(node, 'agent', 'credentials', '--back');
};

describe('back to the former trustee, on every node', () => {
  beforeAll(goBack, ROTATION_MS);
  describePlaces(() => original);
});

describe('forward again', () => {
  beforeAll(goBack, ROTATION_MS);
  describePlaces(() => first);
});

describe('a third trustee, while a master is off', () => {
  beforeAll(async () => {
    second = await makeTrustee('second');
    const off = all.findLast(({ role }) => role === 'master');
    if (!off) throw new Error('the cluster has no master');
    await power(off, 'off');
    const batch = ['--parameter', `at_once=${all.length}`];
    await openstack('stack', 'update', '--existing', ...batch, ...parameters(second), '-t', TEMPLATE, stack);
    for (const node of all)
      if (node !== off)
        await vi.waitUntil(
          async () => (await placesOf(node)).every(({ trust }) => trust === second.trust_id),
          { timeout: ROTATION_MS, interval: 5000 },
        );
    await power(off, 'on');
  }, 2 * ROTATION_MS);

  test('ends as UPDATE_COMPLETE', async () => {
    expect(await settledStatus(async () => await stackStatus(stack), ROTATION_MS)).toBe('UPDATE_COMPLETE');
  });

  describePlaces(() => second);
});

describe('when the former trusts have been deleted', () => {
  beforeAll(async () => {
    for (const { trust_id: trust } of [original, first]) await openstack('trust', 'delete', trust);
    for (const node of all) await onNode(node, 'agent', 'credentials', '--forget');
  }, ROTATION_MS);

  describePlaces(() => second);

  // Magnum asks Heat with the trust of its own database, and so never sees the end.
  describeRotation('a rotation', () => pod, { ...RETIRED, watch: watchStack });
});
