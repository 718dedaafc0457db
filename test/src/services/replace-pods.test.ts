import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { createKubernetes as open } from '../../../src/services/kubernetes.ts';
import { listWorkloads, replacePods } from '../../../src/services/replace-pods.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const MARK = 'coe-agent/mark';
const LIMITS = { perSecond: 4, deadlineMs: 60_000 };

/** Makes a cluster with a workload of each kind, and replaces the pods of those with these names. */
function setUp() {
  const api = createKubernetes();
  api.add('deployments', 'default', 'web');
  api.add('daemonsets', 'kube-system', 'flannel', { updateStrategy: { type: 'OnDelete' } });
  api.add('statefulsets', 'default', 'db');
  const clock = testClock();
  const retry = createRetry({ clock, random: () => 1, onRetry: () => undefined });
  const kubernetes = open(api.askAs('system:masters'), retry, { baseMs: 1, capMs: 1, forMs: 1 });
  const notices: string[] = [];
  const hands = { kubernetes, clock, notice: (text: string) => void notices.push(text) };
  return {
    api,
    clock,
    notices,
    kubernetes,
    replace: async (names: readonly string[], mark = 'new', abort = NEVER) => {
      const all = await listWorkloads(kubernetes, NEVER);
      const group = all
        .filter(({ metadata }) => names.includes(metadata.name))
        .map((workload) => ({ workload, mark }));
      const said = await replacePods(group, MARK, LIMITS, hands, abort);
      return said.map(({ code, of }) => `${code} ${of}`);
    },
    marks: () => {
      const places = [
        ['default', 'web'],
        ['kube-system', 'flannel'],
        ['default', 'db'],
      ] as const;
      return places.map(([namespace, name]) => api.annotations(namespace, name)[MARK]);
    },
  };
}

test('lists the workloads of every kind', async () => {
  const { kubernetes } = setUp();
  const all = await listWorkloads(kubernetes, NEVER);
  expect(all.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'deployments web',
    'daemonsets flannel',
    'statefulsets db',
  ]);
});

test('replaces the pods of a group in turn, and touches no other workload', async () => {
  const { clock, replace, marks } = setUp();
  expect(await replace(['web', 'db'])).toEqual([
    'replaced deployment default/web',
    'replaced statefulset default/db',
  ]);
  expect(marks()).toEqual(['new', undefined, 'new']);
  // Four in a second.
  expect(clock.sleeps.slice(0, 2)).toEqual([250, 250]);
});

test('only waits for pods that have the mark already', async () => {
  const { api, replace } = setUp();
  await replace(['web']);
  const before = api.generation('default', 'web');
  expect(await replace(['web', 'db'])).toEqual(['replaced statefulset default/db']);
  expect(api.generation('default', 'web')).toBe(before);
  expect(await replace(['web'], 'newer')).toEqual(['replaced deployment default/web']);
});

test('marks a workload that waits for a person, says so, and does not wait for it', async () => {
  const { api, replace, marks } = setUp();
  api.stick('flannel');
  expect(await replace(['flannel'])).toEqual([
    'waits daemonset kube-system/flannel',
    'replaced daemonset kube-system/flannel',
  ]);
  expect(marks()[1]).toBe('new');
});

test('names a workload whose new pods are late, and waits for none of another group', async () => {
  const { api, notices, replace } = setUp();
  api.stick('db');
  expect(await replace(['db'])).toEqual(['replaced statefulset default/db', 'late statefulset default/db']);
  expect(notices).toHaveLength(1);
  expect(await replace(['web'])).toEqual(['replaced deployment default/web']);
});

test('asks nothing for an empty group, and stops with the program', async () => {
  const { api, replace } = setUp();
  const asked = api.asked.length;
  expect(await replace([])).toEqual([]);
  expect(api.asked.length - asked).toBe(3);
  expect(await agentErrorOf(replace(['web'], 'new', AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
