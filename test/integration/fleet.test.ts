import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT } from '../fakes/program.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { asOwner, openstack, physicalId, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/** A real Heat runs the template of the reports: the output of its group is a map from the servers to them. */

const TEMPLATE = join(import.meta.dirname, '../../scripts/heat/fleet.yaml');
const SERVERS = ['master-0', 'worker-0'] as const;

let cluster: RealCluster;
let fleet: string;
beforeAll(async () => {
  cluster = await startRealCluster('fleet', 'ec-p256', false);
  fleet = `${cluster.stack}-reports`;
});
afterAll(async () => {
  await openstack('stack', 'delete', '--yes', '--wait', fleet);
  await cluster.close();
});

/** Runs `agent fleet` as the owner of the cluster. */
async function show(): Promise<{ code: number; stdout: string }> {
  const words = ['fleet', '--stack', fleet, '--json'];
  return await asOwner(process.execPath, ...AGENT, ...words).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

test('shows every server of the stack, before and after its agent has answered', async () => {
  const ids = await Promise.all(SERVERS.map(async (name) => [name, await physicalId(cluster.stack, name)]));
  const servers = `servers=${JSON.stringify(Object.fromEntries(ids))}`;
  const parameters = ['--parameter', servers, '--parameter', 'asked=now'];
  await openstack('stack', 'create', '--template', TEMPLATE, ...parameters, fleet);
  for (const name of SERVERS) {
    // Heat has made the deployment when the pass has found it.
    await settledStatus(async () => {
      await cluster.node(name).agent('run-once');
      return (await cluster.deployments(name)).length > 0 ? 'ANSWERED' : 'NOT_YET_IN_PROGRESS';
    });
    const { stdout } = await show();
    expect(jsonObject(stdout)['nodes']).toContainEqual(
      expect.objectContaining({ node: name, phase: 'none', agent: expect.any(String) as unknown }),
    );
  }
  expect(await settledStatus(async () => await stackStatus(fleet))).toBe('CREATE_COMPLETE');
  const { code, stdout } = await show();
  expect(code, stdout).toBe(0);
  expect(jsonObject(stdout)['nodes']).toMatchObject([
    { node: 'master-0', role: 'master', problems: [] },
    { node: 'worker-0', role: 'worker', problems: [] },
  ]);
});
