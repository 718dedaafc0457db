import { expect, test } from 'vitest';
import { changeClusterLogin, changesOf, tryClusterLogin } from '../../../agent/credentials/cluster-login.ts';
import { type FormerRecord, formerFile, FORMER, readFormer } from '../../../agent/credentials/former.ts';
import { CA_BUNDLE } from '../../../agent/credentials/openstack-ca.ts';
import { readFollowUps } from '../../../agent/rotation/follow-ups.ts';
import { throughOwnApi } from '../../../agent/rotation/workloads-plan.ts';
import type { CredentialSet } from '../../../src/files/credential-file.ts';
import { createHands } from '../../fakes/hands.ts';
import type { Kubernetes } from '../../fakes/kubernetes.ts';
import { objectsOf, objectsWith, READERS, stockCluster } from '../../scenarios/support/cluster-login.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { networkOf } from '../support/network.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const URL = 'http://keystone/v3';
const OCCM_FILE = '/etc/kubernetes/cloud-config-occm';
const DEADLINE_MS = 5000;

const inputsOf = (word: string) => ({
  trustee_user_id: `user-${word}-1`,
  trustee_password: `password-${word}-1`,
  trust_id: `trust-${word}-1`,
});
const setOf = (word: string): CredentialSet => {
  const { trustee_user_id: user, trustee_password: password, trust_id: trust } = inputsOf(word);
  return { user, password, trust, userName: '', domain: '', region: 'RegionOne', authUrl: URL };
};
const [OLD, FRESH] = [setOf('old'), setOf('fresh')];
const RECORD: FormerRecord = {
  version: 1,
  id: 'change-1',
  at: 0,
  former: OLD,
  files: [OCCM_FILE],
  inObjects: [OLD],
  casInObjects: [],
};

/** Makes a master whose files have the new login, with the API of a stock cluster that has the former one. */
async function createMaster(record: Partial<FormerRecord> | undefined = {}) {
  const api = stockCluster(inputsOf('old'), URL);
  const params = {
    ...PARAMS,
    NODEGROUP_ROLE: 'master',
    AUTH_URL: URL,
    TRUSTEE_USER_ID: FRESH.user,
    TRUSTEE_PASSWORD: FRESH.password,
    TRUST_ID: FRESH.trust,
    REGION_NAME: FRESH.region,
  };
  const heatParams = Object.entries(params).map(([key, value]) => `${key}="${value}"\n`);
  const network = networkOf({ '127.0.0.1:6443': { presents: '', ask: api.askAs('system:masters') } });
  const made = await createHands({ files: { '/etc/sysconfig/heat-params': heatParams.join('') } });
  const hands = { ...made.hands, openKubernetes: network.openKubernetes };
  const node = nodeOf('master');
  await writeCertificates(node, made, newGeneration());
  await made.write(FORMER, formerFile({ ...RECORD, at: made.clock.now(), ...record }).content);
  const plan = throughOwnApi([], node, hands.config);
  if (!plan) throw new Error('a master has an API server');
  return { ...made, hands, api, network, plan: { ...plan, perSecond: 100, deadlineMs: DEADLINE_MS } };
}

const patched = (api: Kubernetes): string[] =>
  api.asked.flatMap(({ method, path }) => {
    const [, name] = /\/apis\/apps\/.*\/([^/?]+)\?/.exec(path) ?? [];
    return method === 'PATCH' && name !== undefined ? [name] : [];
  });
const away = { status: 503, text: 'away' };

test('pairs each login that objects may hold with the present one, and the values that differ', () => {
  const fresh = { ...OLD, password: 'password-new-1', region: '' };
  expect(changesOf({ inObjects: [OLD, FRESH] }, fresh)).toEqual([
    { old: OLD, fresh, given: ['password'] },
    { old: FRESH, fresh, given: ['user', 'password', 'trust'] },
  ]);
});

test('changes the objects, replaces their readers, and then waits for no object', async () => {
  const { api, plan, hands, network } = await createMaster();
  const { isDone, said } = await tryClusterLogin(plan, hands, NEVER);
  expect(isDone).toBe(true);
  expect(objectsOf(api)).toEqual(objectsWith(inputsOf('fresh'), URL));
  expect(new Set(said.map(({ code }) => code))).toEqual(new Set(['object-changed', 'replaced']));
  expect(patched(api)).toEqual(READERS);
  expect(await readFormer(hands)).toMatchObject({ former: OLD, inObjects: [] });
  expect(network.open()).toBe(0);
});

test('changes an object that holds an older login than the former one', async () => {
  const { api, plan, hands } = await createMaster({ inObjects: [setOf('between'), OLD] });
  expect(await tryClusterLogin(plan, hands, NEVER)).toMatchObject({ isDone: true });
  expect(objectsOf(api)).toEqual(objectsWith(inputsOf('fresh'), URL));
});

test('repeats nothing that an earlier attempt has done', async () => {
  const { api, plan, hands } = await createMaster();
  await tryClusterLogin(plan, hands, NEVER);
  const before = patched(api).length;
  expect(await tryClusterLogin(plan, hands, NEVER)).toEqual({ isDone: true, said: [] });
  expect(patched(api)).toHaveLength(before);
});

test('has nothing to do without a record of a change, and opens no connection', async () => {
  const { disk, plan, hands, network } = await createMaster();
  await disk.remove(FORMER);
  expect(await tryClusterLogin(plan, hands, NEVER)).toEqual({ isDone: true, said: [] });
  expect(network.opened).toEqual([]);
});

test('replaces a former CA bundle with the one of the node', async () => {
  const [former, bundle] = ['old bundle\n', 'new bundle\n'];
  const { api, write, plan, hands } = await createMaster({
    inObjects: [],
    formerCa: former,
    casInObjects: [former],
  });
  await write(CA_BUNDLE, bundle);
  api.core.put('configmaps', 'kube-system', 'cas', { data: { 'ca.crt': former, other: 'stays' } });
  const { said } = await tryClusterLogin(plan, hands, NEVER);
  expect(said.filter(({ code }) => code === 'object-changed')).toMatchObject([
    { of: 'ConfigMap kube-system/cas' },
  ]);
  expect(api.core.find('configmaps', 'kube-system', 'cas')).toMatchObject({
    data: { 'ca.crt': bundle, other: 'stays' },
  });
  expect(await readFormer(hands)).toMatchObject({ casInObjects: [] });
});

test('names a pod that nothing replaces if it started before the change', async () => {
  const { api, clock, plan, hands } = await createMaster();
  const volumes = [{ name: 'x', secret: { secretName: 'os-trustee' } }];
  const put = (name: string, startedAt: number): void => {
    const status = { phase: 'Running', startTime: new Date(startedAt).toISOString() };
    api.core.put('pods', 'kube-system', name, { spec: { volumes, containers: [{ name }] }, status });
  };
  put('early', clock.now() - 60_000);
  put('late', clock.now() + 60_000);
  const { said } = await tryClusterLogin(plan, hands, NEVER);
  expect(said.filter(({ code }) => code === 'pod-left')).toMatchObject([{ of: 'pod kube-system/early' }]);
});

test('keeps the task for a later pass if the API does not answer, and reports it', async () => {
  const { api, clock, plan, hands, progress } = await createMaster();
  api.instead = ({ path }) => (path.includes('/secrets') ? away : undefined);
  expect(await changeClusterLogin(plan, hands, NEVER)).toMatchObject([{ code: 'failed' }]);
  expect(progress).toContainEqual(expect.objectContaining({ event: 'notice', code: 'cluster-login' }));
  expect((await readFollowUps(hands)).credentials?.due).toBeLessThanOrEqual(clock.now());
  expect(await readFormer(hands)).toMatchObject({ inObjects: [OLD] });
});

test('reports no notice of what it has changed, and keeps no task after a success', async () => {
  const { plan, hands, progress } = await createMaster();
  await changeClusterLogin(plan, hands, NEVER);
  expect(progress.filter((one) => one.event === 'notice' && one.code === 'cluster-login')).toEqual([]);
  expect((await readFollowUps(hands)).credentials).toBeUndefined();
});

test('leaves the objects to another master that holds the lease until the deadline', async () => {
  const { api, clock, plan, hands } = await createMaster();
  const spec = {
    holderIdentity: 'master-1',
    leaseDurationSeconds: 1800,
    renewTime: `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`,
  };
  const metadata = { name: 'coe-agent-credentials', namespace: 'kube-system', resourceVersion: '1' };
  api.instead = ({ path }) =>
    path.includes('coe-agent-credentials')
      ? { status: 200, body: { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata, spec } }
      : undefined;
  const begun = clock.elapsed();
  expect(await tryClusterLogin(plan, hands, NEVER)).toMatchObject({
    isDone: false,
    said: [{ code: 'elsewhere', of: 'master-1' }],
  });
  expect(clock.elapsed() - begun).toBeGreaterThan(DEADLINE_MS);
  expect(objectsOf(api)).toEqual(objectsWith(inputsOf('old'), URL));
});

test('stops with the program, and makes no report of it', async () => {
  const { plan, hands, progress } = await createMaster();
  expect(await faultIn(changeClusterLogin(plan, hands, AbortSignal.abort()))).toMatchObject({
    code: 'aborted',
  });
  expect(progress).toEqual([]);
});
