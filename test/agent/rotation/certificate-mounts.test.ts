import { expect, test } from 'vitest';
import { replaceCertificateMounts } from '../../../agent/rotation/certificate-mounts.ts';
import type { WorkloadsPlan } from '../../../src/services/workloads.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { WORKLOADS_PLAN as PLAN } from '../../src/support/workloads-plan.ts';

const CERTS = '/etc/kubernetes/certs';
const MARK = 'coe-agent/node-certificates';

const mounts = (path: string) => ({ volumes: [{ hostPath: { path } }] });

/** Makes a master, in whose cluster some pods mount paths of the node. */
async function setUp() {
  const api = createKubernetes();
  api.add('daemonsets', 'kube-system', 'keystone-auth', {}, mounts(CERTS));
  api.add('deployments', 'default', 'one-file', {}, mounts(`${CERTS}/server.crt`));
  api.add('deployments', 'default', 'key', {}, mounts(`${CERTS}/server.key`));
  api.add('daemonsets', 'kube-system', 'flannel', {}, mounts('/etc/cni'));
  api.add('statefulsets', 'default', 'db');
  const params = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'master' });
  const { hands, write } = await createHands({
    config: ['layout: kubernetes-certs'],
    files: {
      '/etc/sysconfig/heat-params': params.map(([key, value]) => `${key}="${value}"\n`).join(''),
      [`${CERTS}/server.crt`]: 'first',
    },
  });
  const names = ['keystone-auth', 'one-file', 'key', 'flannel', 'db'];
  return {
    api,
    write,
    /** Returns the workloads whose pods were replaced. */
    replace: async (over: Partial<WorkloadsPlan> = {}) => {
      const ask = api.askAs('system:masters');
      const plan = { ...PLAN, ...over };
      const said = await replaceCertificateMounts(plan, ask, { notice: () => undefined }, hands, NEVER);
      return said.flatMap(({ code, of }) => (code === 'replaced' ? [of] : []));
    },
    marks: () =>
      names.filter(
        (name) =>
          api.annotations(name === 'keystone-auth' || name === 'flannel' ? 'kube-system' : 'default', name)[
            MARK
          ] !== undefined,
      ),
  };
}

test('replaces only pods that mount a certificate of the node', async () => {
  const { replace, marks } = await setUp();
  expect(await replace()).toEqual(['deployment default/one-file', 'daemonset kube-system/keystone-auth']);
  expect(marks()).toEqual(['keystone-auth', 'one-file']);
});

test('replaces them once for each set of certificates', async () => {
  const { replace, write } = await setUp();
  await replace();
  expect(await replace()).toEqual([]);
  await write(`${CERTS}/server.crt`, 'second');
  expect(await replace()).toHaveLength(2);
});

test('replaces them again on another master, which has other files of the same names', async () => {
  const { replace } = await setUp();
  await replace();
  expect(await replace({ holder: 'm1' })).toHaveLength(2);
});
