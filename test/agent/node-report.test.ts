import { X509Certificate } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { replaceFile } from '../../src/base/replace-file.ts';
import { createNodeReport } from '../../agent/node-report.ts';
import { openReporting } from '../../agent/reporting.ts';
import { createHands } from '../fakes/hands.ts';
import { Report } from '../../agent/inspection/report.ts';
import { at } from '../cloud/exchange.ts';
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

/** Makes a worker whose kubelet may write its own Node, and a Kubernetes API. */
async function setUp({ params = node.params, isUp = true } = {}) {
  const api = createKubernetes();
  api.core.put('nodes', '', NAME, { metadata: {} });
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const servers = { [`${API}:6443`]: { presents, ask: api.askAs('system:nodes', `system:node:${NAME}`) } };
  const network = networkOf(servers);
  const now = { isUp };
  const tries: number[] = [];
  const { hands, log, clock, write } = await testHands({
    openKubernetes: (to) => {
      tries.push(clock.elapsed());
      return (now.isUp ? network : networkOf({})).openKubernetes(to);
    },
    presented: async (...asked) => await (now.isUp ? network : networkOf({})).presented(...asked),
  });
  const text = [...params].map(([key, value]) => `${key}="${value}"\n`).join('');
  await write(hands.config.heat_params, text);
  await writeCertificates(node, { write }, cas);
  const report = createNodeReport(hands, () => 0.5);
  const passed = (completeAt?: string): void => {
    report.passed({ completeAt });
  };
  /** Returns the patches of the own Node. */
  const patches = () =>
    api.asked.filter(({ method, path }) => method === 'PATCH' && path.includes('/nodes/'));
  const said = (): unknown => {
    const metadata = api.core.find('nodes', '', NAME)?.['metadata'];
    const text = at(at(metadata, 'annotations'), 'coe-agent/report');
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  };
  const events = () => api.core.all('events').map(({ object }) => object);
  return { api, hands, log, clock, write, report, passed, patches, said, events, tries, now };
}

const fail = { deployment: 'd1', outcome: 'failed', code: 1, node: 'taken-back', why: 'kubelet fails' };

test('creates an event on the own Node with the text of the journal', async () => {
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

test('counts equal events as one, and creates an expired one again', async () => {
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

test('masks a secret in a field', async () => {
  const { hands, events } = await setUp();
  hands.secrets.add('s3cret-password');
  hands.log('deployment-started', { deployment: 'd1', what: 'log in with s3cret-password' });
  await eventually('the event', () => events().length === 1);
  expect(JSON.stringify(events())).not.toContain('s3cret-password');
});

test('queues the newest events while no API server answers, for at most an hour', async () => {
  const { hands, passed, events, clock, tries, now } = await setUp({ isUp: false });
  hands.log('deployment-started', { deployment: 'old' });
  for (let index = 0; index < 40; index += 1) hands.log('deployment-started', { deployment: `d${index}` });
  await eventually('the first try', () => tries.length === 1);
  clock.advance(3_500_000);
  for (let index = 40; index < 50; index += 1) hands.log('deployment-started', { deployment: `d${index}` });
  clock.advance(200_000);
  now.isUp = true;
  await eventually('those that are left are made', () => {
    clock.advance(1000);
    passed();
    return events().length >= 10;
  });
  expect(events()).toHaveLength(10);
  expect(events()[0]?.['message']).toContain('deployment=d40');
});

test('logs once that a node may not create events, and waits half an hour', async () => {
  const { api, hands, log, passed, clock } = await setUp();
  api.instead = ({ method }) => (method === 'POST' ? { status: 403 } : undefined);
  hands.log('deployment-started', { deployment: 'd1' });
  await eventually('the refusal', () => logged(log, 'node-untold').length === 1);
  const asked = api.asked.length;
  hands.log('deployment-succeeded', { deployment: 'd1' });
  passed();
  expect(api.asked).toHaveLength(asked);
  api.instead = () => undefined;
  clock.advance(1_800_001);
  passed();
  await eventually('the later event', () => api.core.all('events').length === 1);
  expect(logged(log, 'node-untold')).toMatchObject([{ code: 'cloud-refused' }]);
});

test('sends nothing in a cluster without TLS', async () => {
  const params = new Map([...node.params, ['TLS_DISABLED', 'True'] as const]);
  const { hands, tries, report, passed, events } = await setUp({ params });
  hands.log('deployment-started', { deployment: 'd1' });
  passed();
  report.close();
  expect(tries).toEqual([]);
  expect(events()).toEqual([]);
});

test('sends nothing after the end', async () => {
  const { hands, api, report, passed } = await setUp();
  report.close();
  hands.log('deployment-started', { deployment: 'd1' });
  passed();
  expect(api.asked).toEqual([]);
});

const PASS = '2026-11-29T10:00:00.000Z';

test('writes phase, CA, first expiry, version and last pass to the Node', async () => {
  const { passed, said, clock } = await setUp();
  passed(PASS);
  await eventually('the report', () => said() !== undefined);
  const leaf = new X509Certificate(caOf(cas, 'kubernetes').pem);
  const { notAfter, ...rest } = v.parse(Report, said());
  expect(Date.parse(notAfter ?? '')).toBeGreaterThan(clock.now());
  expect(rest).toEqual({
    version: 1,
    agent: packageJson.version,
    phase: 'none',
    cas: [leaf.fingerprint256.replaceAll(':', '').toLowerCase()],
    at: new Date(clock.now()).toISOString(),
    passAt: PASS,
  });
});

test('writes the Node on changes, and about once an hour', async () => {
  const { hands, passed, patches, said, clock, log } = await setUp();
  const pass = async (): Promise<void> => {
    const before = patches().length;
    await eventually('the pass is told', () => {
      passed(PASS);
      return patches().length > before;
    });
  };
  await pass();
  for (let minutes = 0; minutes < 55; minutes += 1) {
    clock.advance(60_000);
    passed(PASS);
    await setImmediate();
  }
  expect(patches()).toHaveLength(1);
  clock.advance(300_001);
  await pass();
  expect(patches()).toHaveLength(2);

  await hands.disk.makeDirectory('/var/lib/coe-agent', { mode: 0o700 });
  const next = newGeneration();
  const pem = [cas, next].map((generation) => caOf(generation, 'kubernetes').pem).join('');
  for (const { file } of node.layout.authorities)
    await replaceFile(hands.disk, file.path, pem, { mode: 0o644 });
  hands.log('phase-done', { phase: 'trust' });
  await pass();
  const report = v.parse(Report, said());
  expect(report.phase).toBe('trust');
  expect(report.cas).toHaveLength(2);
  expect(logged(log, 'phase-reached')).toMatchObject([{ phase: 'trust', before: 'none' }]);
});

test('retries a missing Node at the next look', async () => {
  const { api, passed, patches, said, clock } = await setUp();
  api.core.remove('nodes', '', NAME);
  passed(PASS);
  await eventually('the first try', () => patches().length === 1);
  api.core.put('nodes', '', NAME, { metadata: {} });
  await eventually('the report', () => {
    clock.advance(301_000);
    passed(PASS);
    return said() !== undefined;
  });
});

test('retries a silent API after one, two and four minutes', async () => {
  const { passed, clock, tries } = await setUp({ isUp: false });
  await eventually('the fourth try', () => {
    passed(PASS);
    clock.advance(5000);
    return tries.length === 4;
  });
  const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  for (const [index, least] of [60_000, 120_000, 240_000].entries())
    expect(waits[index]).toBeGreaterThanOrEqual(least);
});

test.each([
  ['', 1],
  ['node_report: false', 0],
])('writes to the Node unless that is turned off (%j)', async (line, count) => {
  const { hands } = await createHands({ config: [line] });
  const listeners: string[] = [];
  const log = Object.assign(hands.log.bind(undefined), hands.log, {
    setListener: (name: string) => void listeners.push(name),
  });
  (await openReporting({ ...hands, log }, { random: () => 0.5 })).close();
  expect(listeners.slice(0, 1)).toHaveLength(count);
});
