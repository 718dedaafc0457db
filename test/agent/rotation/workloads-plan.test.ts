import { expect, test } from 'vitest';
import { throughOwnApi, workloadsFor } from '../../../agent/rotation/workloads-plan.ts';
import type { Config } from '../../../agent/config.ts';
import { unitPlan } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { nodeOf } from '../support/node.ts';

const UNITS = [unitPlan('kubelet')];
const [master, worker] = [nodeOf('master'), nodeOf('worker')];

async function configured(restart: boolean): Promise<Config> {
  const { hands } = await createHands({
    config: [`workloads: { restart: ${restart}, namespaces: [a, b], per_second: 4, deadline_seconds: 7 }`],
  });
  return hands.config;
}

const planned = async (node: typeof master, restart: boolean, restartWorkloads?: boolean, units = UNITS) => {
  const { workloads, notices } = workloadsFor({ restartWorkloads }, units, node, await configured(restart));
  return { isPlanned: workloads !== undefined, notices: notices.map(({ code, of }) => [code, of]) };
};
const NOTHING = { isPlanned: false, notices: [] };

test('restarts workloads if the deployment asks for it, otherwise as configured', async () => {
  expect(await planned(master, true)).toEqual({ isPlanned: true, notices: [] });
  expect(await planned(master, false)).toEqual(NOTHING);
  expect(await planned(master, false, true)).toEqual({ isPlanned: true, notices: [] });
  expect(await planned(master, true, false)).toEqual(NOTHING);
});

test('restarts none after a change that restarts no unit', async () => {
  expect(await planned(master, true, true, [])).toEqual(NOTHING);
});

test('a worker restarts none, and says so only if its deployment asks for it', async () => {
  expect(await planned(worker, true)).toEqual(NOTHING);
  const notices = [['workloads-elsewhere', 'kubernetes-certs']];
  expect(await planned(worker, false, true)).toEqual({ isPlanned: false, notices });
});

test("goes through this node's own API server, as fast as configured", async () => {
  const config = await configured(true);
  expect(throughOwnApi(UNITS, worker, config)).toBeUndefined();
  const limits = { perSecond: 4, deadlineMs: 7000 };
  expect(throughOwnApi(UNITS, master, config)).toMatchObject({ ...limits, host: '127.0.0.1', port: 6443 });
  const { workloads } = workloadsFor({ restartWorkloads: true }, UNITS, master, config);
  expect(workloads).toMatchObject({ ...limits, namespaces: ['a', 'b'], holder: 'k1-node-0' });
});
