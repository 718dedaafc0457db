import { expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../cloud/cloud.ts';
import { createKubernetes } from '../fakes/kubernetes.ts';
import { NEVER } from '../src/support/clock.ts';
import { runLoop } from './support/daemon.ts';
import { logged } from './support/logged.ts';
import { createSite } from './support/site.ts';
import { createFleet, type Fleet, type Member } from './support/whole-cluster.ts';

/** Pods that are older than a restart of the kubelet stay in deletion; the daemon restarts the kubelet once more. */

/** Makes a cluster whose worker has a certificate with another name. @param reconcile `all`: the worker renews it */
async function createNodes(reconcile: 'all' | 'renew'): Promise<{ fleet: Fleet; worker: Member }> {
  const cloud = await startCloud();
  onTestFinished(cloud.close);
  const fleet = await createFleet(cloud, 1, 1);
  const worker = fleet.members[1];
  if (!worker) throw new Error('there are two members');
  await worker.site.node.configure({ reconcile });
  return { fleet, worker };
}

const kubeletRestarts = ({ site }: Member): number =>
  site.restarts().filter((unit) => unit === 'kubelet').length;

const deletePod = ({ kubernetes }: Pick<Fleet, 'kubernetes'>, name: string, nodeName: string): void =>
  kubernetes.core.put('pods', 'shop', name, {
    metadata: { uid: name, deletionTimestamp: '2026-11-30T12:00:00Z', deletionGracePeriodSeconds: 30 },
    spec: { nodeName },
  });

/** How often an agent has listed pods. */
const lists = ({ kubernetes }: Fleet): number =>
  kubernetes.asked.filter(({ path }) => path.startsWith('/api/v1/pods')).length;

test('frees the pods of its own node after it has restarted the kubelet', async () => {
  const { fleet, worker } = await createNodes('all');
  const { site } = worker;
  await runLoop(site, {
    times: 20,
    before: async () => {
      await site.clock.sleep(15_000, NEVER);
      const restarts = kubeletRestarts(worker);
      if (restarts === 1) {
        deletePod(fleet, 'old', 'worker-0');
        deletePod(fleet, 'elsewhere', 'master-0');
      }
      if (restarts === 2) fleet.kubernetes.core.remove('pods', 'shop', 'old');
    },
  });
  expect(logged(site.log, 'renewal-succeeded')).toHaveLength(1);
  expect(logged(site.log, 'pods-hang')).toMatchObject([{ pods: ['shop/old'] }]);
  expect(logged(site.log, 'pods-freed')).toHaveLength(1);
  expect(kubeletRestarts(worker)).toBe(2);
});

test('looks at pods for an hour after a restart of the kubelet', async () => {
  const { fleet, worker } = await createNodes('all');
  const { site } = worker;
  const counts: number[] = [];
  await runLoop(site, {
    times: 30,
    before: async () => {
      await site.clock.sleep(240_000, NEVER);
      counts.push(lists(fleet));
    },
  });
  expect(kubeletRestarts(worker)).toBe(1);
  // A pass takes 4 minutes here.
  expect(counts.at(-1)).toBeGreaterThanOrEqual(14);
  expect(counts.at(-1)).toBeLessThanOrEqual(16);
  expect(counts.at(-10)).toBe(counts.at(-1));
});

test('never lists pods without a restart of the kubelet', async () => {
  const { fleet, worker } = await createNodes('renew');
  deletePod(fleet, 'old', 'worker-0');
  await runLoop(worker.site, {
    times: 20,
    before: async () => {
      await worker.site.clock.sleep(60_000, NEVER);
    },
  });
  expect([kubeletRestarts(worker), lists(fleet)]).toEqual([0, 0]);
});

test('frees the pods of its own node while it replaces the pods of the cluster', async () => {
  const cloud = await startCloud();
  onTestFinished(cloud.close);
  const site = await createSite(cloud, { role: 'master', config: { workloads: { restart: true } } });
  const kubernetes = createKubernetes();
  site.node.units.serve('kube-apiserver', kubernetes.listener);
  kubernetes.add('daemonsets', 'kube-system', 'proxy', { updateStrategy: { type: 'RollingUpdate' } });
  kubernetes.stick('proxy');
  const own = site.cluster.heatParams('master')['INSTANCE_NAME'] ?? '';
  deletePod({ kubernetes }, 'old', own);
  const kubelets = (): number => site.restarts().filter((unit) => unit === 'kubelet').length;
  kubernetes.instead = () => {
    if (kubelets() === 2) kubernetes.core.remove('pods', 'shop', 'old');
    return undefined;
  };
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
  expect(logged(site.log, 'pods-hang')).toMatchObject([{ pods: ['shop/old'] }]);
  expect(logged(site.log, 'pods-freed')).toHaveLength(1);
  expect(kubelets()).toBe(2);
});
