import { describe, expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { createKubernetes as openKubernetes } from '../../../src/services/kubernetes.ts';
import { FINGERPRINT, restartWorkloads, STATE, type WorkloadsPlan } from '../../../src/services/workloads.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { WORKLOADS_PLAN as PLAN } from '../support/workloads-plan.ts';

/** Makes a cluster with a workload of each kind; a CA's fingerprint is its text. */
function setUp(over: Partial<WorkloadsPlan> = {}) {
  const api = createKubernetes();
  api.add('deployments', 'kube-system', 'coredns');
  api.add('daemonsets', 'kube-system', 'flannel');
  api.add('statefulsets', 'default', 'db');
  api.podsCa = 'new';
  const clock = testClock();
  const retry = createRetry({ clock, random: () => 1, onRetry: () => undefined });
  const kubernetes = openKubernetes(api.askAs('system:masters'), retry, { baseMs: 1, capMs: 1, forMs: 1 });
  const notices: string[] = [];
  const hands = {
    clock,
    kubernetes,
    fingerprints: (pem: string) => pem.split(' '),
    notice: (text: string): void => {
      notices.push(text);
    },
  };
  const restart = async (pem = 'new', abort = NEVER, tend?: () => Promise<void>) =>
    await restartWorkloads({ ...PLAN, ...over }, pem, { ...hands, tend }, abort);
  const marks = (): (string | undefined)[] =>
    [
      ['kube-system', 'coredns'],
      ['kube-system', 'flannel'],
      ['default', 'db'],
    ].map(([namespace = '', name = '']) => api.annotations(namespace, name)[FINGERPRINT]);
  return { api, clock, notices, restart, marks };
}

/** The lease as another master has written it. */
const heldBy = (holder: string, state: string, renewTime: string, of = 'new') => ({
  holder,
  annotations: { [FINGERPRINT]: of, [STATE]: state },
  renewTime,
});
const NOW = '2026-11-21T00:00:00.000000Z';
const EARLIER = '2026-11-20T22:00:00.000000Z';

const codes = (rolled: readonly { code: string }[]): string[] => rolled.map(({ code }) => code);

test('marks the pods of every workload with the CA in turn, and records this in the lease', async () => {
  const { api, clock, restart, marks } = setUp();
  expect(codes(await restart())).toEqual(['replaced', 'complete']);
  expect(marks()).toEqual(['new', 'new', 'new']);
  expect(clock.sleeps).toEqual([500, 500, 500]);
  expect(api.lease).toMatchObject({ holder: 'm0', annotations: { [FINGERPRINT]: 'new', [STATE]: 'done' } });
});

test('resumes after an interruption, and replaces no pods twice', async () => {
  const { api, restart, marks } = setUp();
  await restart();
  api.lease = heldBy('m0', 'rolling', NOW);
  const before = api.generation('kube-system', 'coredns');
  expect(codes(await restart())).toEqual(['replaced', 'complete']);
  expect(api.generation('kube-system', 'coredns')).toBe(before);
  expect(marks()).toEqual(['new', 'new', 'new']);
});

describe('another master', () => {
  test.each([
    ['has done it', heldBy('m1', 'done', EARLIER), ['already']],
    ['does it now', heldBy('m1', 'rolling', NOW), ['elsewhere']],
    ['has let its lease end', heldBy('m1', 'rolling', EARLIER), ['replaced', 'complete']],
    ['has given up', heldBy('', 'open', NOW), ['replaced', 'complete']],
    ['has done it for another CA', heldBy('m1', 'done', NOW, 'old'), ['replaced', 'complete']],
  ])('%s', async (_, lease, expected) => {
    const { api, restart, marks } = setUp();
    api.lease = lease;
    expect(codes(await restart())).toEqual(expected);
    expect(marks()).toEqual(expected.includes('replaced') ? ['new', 'new', 'new'] : Array(3).fill(undefined));
  });
});

test('replaces no pod before the cluster gives pods the new CA, and leaves the rest to other masters', async () => {
  const { api, restart, marks } = setUp();
  api.podsCa = 'old';
  expect(await agentErrorOf(restart())).toMatchObject({ code: 'proof' });
  expect(marks()).toEqual([undefined, undefined, undefined]);
  expect(api.lease).toMatchObject({ holder: '', annotations: { [STATE]: 'open' } });
});

test('accepts a cluster that gives pods both CAs, or does not say', async () => {
  for (const podsCa of ['old new', undefined]) {
    const { api, restart } = setUp();
    api.podsCa = podsCa;
    expect(codes(await restart())).toEqual(['replaced', 'complete']);
  }
});

test('reports workloads whose pods wait for a person, and does not wait for them', async () => {
  const { api, notices, restart } = setUp();
  api.add('deployments', 'kube-system', 'paused', { paused: true });
  api.stick('paused');
  const rolled = await restart();
  expect(codes(rolled)).toEqual(['replaced', 'waits', 'complete']);
  expect(rolled[1]?.of).toBe('deployment kube-system/paused');
  expect(notices).toHaveLength(1);
});

test('reports pods that are not ready in time, and reverts nothing', async () => {
  const { api, restart, marks } = setUp();
  api.stick('coredns');
  const rolled = await restart();
  expect(rolled.at(-1)).toMatchObject({ code: 'late', of: 'deployment kube-system/coredns' });
  expect(marks()).toEqual(['new', 'new', 'new']);
  expect(api.lease).toMatchObject({ annotations: { [STATE]: 'done' } });
});

test('keeps the lease on abort', async () => {
  const { api, clock, restart } = setUp();
  const controller = new AbortController();
  api.podsCa = 'old';
  api.instead = ({ path }) => {
    if (path.includes('kube-root-ca.crt')) controller.abort();
    return undefined;
  };
  expect(await agentErrorOf(restart('new', controller.signal))).toMatchObject({ code: 'aborted' });
  expect(clock.sleeps).toEqual([]);
  expect(api.lease).toMatchObject({ holder: 'm0', annotations: { [STATE]: 'rolling' } });
});

test('tends this node before each look at the new pods', async () => {
  const { api, clock, restart } = setUp({ deadlineMs: 10_000 });
  api.stick('flannel');
  const tended: number[] = [];
  const tend = async (): Promise<void> => {
    tended.push(clock.elapsed());
    await Promise.resolve();
  };
  expect(codes(await restart('new', NEVER, tend))).toEqual(['replaced', 'late']);
  const [first = 0] = tended;
  expect(tended.map((at) => at - first)).toEqual([0, 2000, 4000, 6000, 8000, 10_000, 12_000]);
});
