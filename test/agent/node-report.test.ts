import { expect, test } from 'vitest';
import { createNodeReport } from '../../agent/node-report.ts';
import { createKubernetes } from '../fakes/kubernetes.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import { logged } from '../scenarios/support/logged.ts';
import { networkOf } from './support/network.ts';
import { testHands } from './support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from './support/node.ts';

const cas = newGeneration();
const API = '10.0.0.9';
/** INSTANCE_NAME of heat-params. */
const NAME = 'k1-node-0';
const node = nodeOf('worker', { KUBE_MASTER_IP: API });

/** A worker whose kubelet may write on its own Node, and a Kubernetes. */
async function setUp({ params = node.params, isUp = true } = {}) {
  const api = createKubernetes();
  api.core.put('nodes', '', NAME, { metadata: {} });
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const servers = { [`${API}:6443`]: { presents, ask: api.askAs('system:nodes', `system:node:${NAME}`) } };
  const network = networkOf(servers);
  const now = { isUp };
  const { hands, log, clock, write, disk } = await testHands({
    openKubernetes: network.openKubernetes,
    presented: async (...asked) => await (now.isUp ? network : networkOf({})).presented(...asked),
  });
  const text = [...params].map(([key, value]) => `${key}="${value}"\n`).join('');
  await write(hands.config.heat_params, text);
  await writeCertificates(node, { write }, cas);
  const report = createNodeReport(hands);
  const events = () => api.core.all('events').map(({ object }) => object);
  return { api, hands, log, clock, disk, report, events, network, now };
}

const fail = { deployment: 'd1', outcome: 'failed', code: 1, node: 'taken-back', why: 'kubelet fails' };

test('an event of the table is made on the own Node, with the words of the journal', async () => {
  const { hands, events, clock } = await setUp();
  hands.log('step-started', {});
  hands.log('deployment-failed', fail);
  await eventually('the event', () => events().length === 1);
  const second = new Date(clock.now()).toISOString().slice(0, 19);
  expect(events()).toMatchObject([
    {
      reason: 'DeploymentRolledBack',
      type: 'Warning',
      message: 'deployment failed deployment=d1 outcome=failed code=1 node=taken-back why="kubelet fails"',
      involvedObject: { kind: 'Node', name: NAME, uid: NAME },
      firstTimestamp: `${second}Z`,
    },
  ]);
});

test('equal events are one that is counted, and one that has expired is made again', async () => {
  const { api, hands, events } = await setUp();
  for (const count of [1, 2]) {
    hands.log('phase-started', { phase: 'trust' });
    await eventually(`count ${count}`, () => events()[0]?.['count'] === count);
  }
  expect(events()).toHaveLength(1);
  const [{ name, namespace } = { name: '', namespace: '' }] = api.core.all('events');
  api.core.remove('events', namespace, name);
  hands.log('phase-started', { phase: 'trust' });
  await eventually('made again', () => events()[0]?.['count'] === 1);
});

test('a secret in a field is masked', async () => {
  const { hands, events } = await setUp();
  hands.secrets.add('s3cret-password');
  hands.log('deployment-started', { deployment: 'd1', what: 'log in with s3cret-password' });
  await eventually('the event', () => events().length === 1);
  expect(JSON.stringify(events())).not.toContain('s3cret-password');
});

test('while no API server answers the newest events wait, and none for longer than an hour', async () => {
  const { hands, report, events, clock, now } = await setUp({ isUp: false });
  hands.log('deployment-started', { deployment: 'old' });
  for (let index = 0; index < 40; index += 1) hands.log('deployment-started', { deployment: `d${index}` });
  clock.advance(3_500_000);
  for (let index = 40; index < 50; index += 1) hands.log('deployment-started', { deployment: `d${index}` });
  clock.advance(200_000);
  now.isUp = true;
  await eventually('those that are left are made', () => {
    clock.advance(1000);
    report.passed();
    return events().length === 10;
  });
  expect(events()[0]?.['message']).toContain('deployment=d40');
});

test('a node that may not make events logs it once, and asks no more for half an hour', async () => {
  const { api, hands, log, report, clock } = await setUp();
  api.instead = ({ method }) => (method === 'POST' ? { status: 403 } : undefined);
  hands.log('deployment-started', { deployment: 'd1' });
  await eventually('the refusal', () => logged(log, 'node-untold').length === 1);
  const asked = api.asked.length;
  hands.log('deployment-succeeded', { deployment: 'd1' });
  report.passed();
  expect(api.asked).toHaveLength(asked);
  api.instead = () => undefined;
  clock.advance(1_800_001);
  report.passed();
  await eventually('the later event', () => api.core.all('events').length === 1);
  expect(logged(log, 'node-untold')).toMatchObject([{ code: 'cloud-refused' }]);
});

test('a cluster without TLS is asked nothing', async () => {
  const params = new Map([...node.params, ['TLS_DISABLED', 'True'] as const]);
  const { hands, network, report, events } = await setUp({ params });
  hands.log('deployment-started', { deployment: 'd1' });
  report.passed();
  report.close();
  expect(network.opened).toEqual([]);
  expect(events()).toEqual([]);
});

test('nothing is told after the end', async () => {
  const { hands, api, report } = await setUp();
  report.close();
  hands.log('deployment-started', { deployment: 'd1' });
  report.passed();
  expect(api.asked).toEqual([]);
});
