import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { type AskApi, createCall } from '../../../src/services/kubernetes-call.ts';
import { type LeaseCalls, leaseCalls } from '../../../src/services/lease.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const NAME = 'coe-agent-turn';
const SECONDS = 900;
const NOW = Date.parse('2026-11-29T02:00:00Z');
const FRESH = { version: undefined, annotations: {}, holder: 'm0', until: NOW };

function callsOf(ask: AskApi): LeaseCalls {
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  return leaseCalls(createCall(ask, retry, { baseMs: 1, capMs: 1, forMs: 1 }), NAME, SECONDS);
}

function setUp(): { api: Kubernetes; calls: LeaseCalls } {
  const api = createKubernetes();
  return { api, calls: callsOf(api.askAs('system:masters')) };
}

test('treats a missing lease as none', async () => {
  expect(await setUp().calls.read(NEVER)).toBeUndefined();
});

test('reads a lease as written', async () => {
  // Names of annotations that the API accepts.
  const names = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?$/u);
  const holders = fc.record({ holder: fc.string(), annotations: fc.dictionary(names, fc.string()) });
  const moments = fc.integer({ min: SECONDS * 1000, max: 4_102_444_800_000 });
  await fc.assert(
    fc.asyncProperty(holders, moments, async (who, until) => {
      const { calls } = setUp();
      expect(await calls.write({ version: undefined, ...who, until }, NEVER)).toBe(true);
      const lease = await calls.read(NEVER);
      expect(lease).toEqual({ ...who, until, version: lease?.version });
    }),
    { numRuns: 50 },
  );
});

test('replaces the lease only if its version is current', async () => {
  const { calls } = setUp();
  await calls.write(FRESH, NEVER);
  const [mine, others] = [await calls.read(NEVER), await calls.read(NEVER)];
  expect(await calls.write({ ...FRESH, version: mine?.version, holder: 'm1' }, NEVER)).toBe(true);
  expect(await calls.write({ ...FRESH, version: others?.version, holder: 'm2' }, NEVER)).toBe(false);
  expect((await calls.read(NEVER))?.holder).toBe('m1');
});

test('lets only one of several creators win', async () => {
  const { calls } = setUp();
  expect(await calls.write(FRESH, NEVER)).toBe(true);
  expect(await calls.write({ ...FRESH, holder: 'm1' }, NEVER)).toBe(false);
});

test("is a Lease of kube-system with the API's time format", async () => {
  const { api, calls } = setUp();
  await calls.write(FRESH, NEVER);
  const [{ method, path, body } = { method: '', path: '', body: '{}' }] = api.asked;
  expect([method, path]).toEqual(['POST', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases']);
  expect(JSON.parse(body)).toMatchObject({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: NAME, namespace: 'kube-system' },
    // MicroTime (meta/v1)
    spec: { leaseDurationSeconds: SECONDS, renewTime: '2026-11-29T01:45:00.000000Z' },
  });
});

const answering =
  (body: unknown): AskApi =>
  async () =>
    await Promise.resolve({ status: 200, headers: {}, text: JSON.stringify(body) });

test.each([
  ['without a spec', {}],
  ['with nulls', { spec: { holderIdentity: null, leaseDurationSeconds: null, renewTime: null } }],
  ['with an invalid time', { spec: { renewTime: 'soon' } }],
])('has no holder: %s', async (_, rest) => {
  const calls = callsOf(answering({ metadata: { resourceVersion: '7' }, ...rest }));
  expect(await calls.read(NEVER)).toEqual({ version: '7', annotations: {}, holder: '', until: 0 });
});

test('reports a malformed answer and a rejection', async () => {
  expect(await agentErrorOf(callsOf(answering([])).read(NEVER))).toMatchObject({ code: 'bad-answer' });
  const { calls } = { calls: callsOf(createKubernetes().askAs('system:nodes')) };
  expect(await agentErrorOf(calls.read(NEVER))).toMatchObject({ code: 'cloud-refused' });
});
