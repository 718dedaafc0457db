import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { cli, type Said } from './support/cli.ts';
import { logged } from './support/logged.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';

/** The reports of agents in the outputs of a Heat stack: the fleet of a cluster without Kubernetes. */

const cloud = await cloudForFile();

const person = {
  OS_AUTH_URL: cloud.authUrl,
  OS_USERNAME: cloud.owner.name,
  OS_PASSWORD: cloud.owner.password,
  OS_PROJECT_NAME: cloud.project.name,
};

/** Two nodes of a Docker Swarm cluster. */
async function createSwarm(spec: SiteSpec = {}): Promise<{ first: Site; second: Site }> {
  const more: SiteSpec = { layout: 'swarm', params: { SWARM_NODE_IP: '127.0.0.1' }, ...spec };
  const others = [{ name: 'node-1', role: 'worker' as const }];
  const first = await createSite(cloud, { role: 'master', ...more, others });
  const { cluster } = first;
  return { first, second: await createSite(cloud, { ...more, of: { cluster, server: 'node-1' } }) };
}

const fleet = async ({ first: site }: { first: Site }, ...options: string[]): Promise<Said> =>
  await cli(site, ['fleet', '--stack', site.cluster.name, ...options], {}, '', person);

const nodesOf = ({ stdout }: Said): unknown => jsonObject(stdout)['nodes'];

test('shows the reports of a rotation in phases, and exits with 0 when all nodes are alike and well', async () => {
  const swarm = await createSwarm({ config: { rotation: { phase: 'trust' } } });
  const { first, second } = swarm;
  const none = await fleet(swarm, '--json');
  expect(none.code).toBe(1);
  expect(nodesOf(none)).toMatchObject([
    { node: 'master-0', role: 'worker', problems: ['no-report'] },
    { node: 'node-1', role: 'worker', problems: ['no-report'] },
  ]);

  await cloud.rotateCa(first.cluster);
  await first.pass();
  await second.pass();
  const under = await fleet(swarm, '--json');
  expect(under.code).toBe(1);
  expect(nodesOf(under)).toMatchObject([
    { node: 'master-0', role: 'master', phase: 'trust', problems: ['in-phase'] },
    { node: 'node-1', role: 'worker', phase: 'trust', problems: ['in-phase'] },
  ]);
  expect(jsonObject(under.stdout)['unproven']).toEqual(expect.arrayContaining(['node', 'role', 'phase']));
});

test('a rotation of all nodes leaves one CA, no waits, and the time of each report', async () => {
  const swarm = await createSwarm();
  await cloud.rotateCa(swarm.first.cluster);
  await swarm.first.pass();
  await swarm.second.pass();
  const { code, stdout } = await fleet(swarm);
  expect(code, stdout).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.find((line) => line.includes('node-1'))).toMatch(
    / none +[0-9a-f]{16} +1\d{3} .* \d{4}-\d\d-\d\d \d\d:\d\dZ .*ok$/,
  );
  expect(lines.at(-2)).toMatch(/2 of 2 nodes are well and alike/);
  expect(lines.at(-1)).toMatch(/^unproven: .*signal/);
});

test('the group coe-report asks for a report alone, and succeeds without one', async () => {
  const { first } = await createSwarm();
  cloud.deploy(first.cluster, 'master-0', { group: 'coe-report', outputs: [{ name: 'coe_report' }] });
  await first.pass();
  expect(first.restarts()).toEqual([]);
  const [signal] = first.signals();
  expect(signal?.body).toMatchObject({
    deploy_status_code: 0,
    coe_report: { version: 1, node: `${first.cluster.name}-master-0`, role: 'master', phase: 'none' },
  });
  expect(JSON.stringify(signal?.body)).not.toContain(first.cluster.trusteePassword);

  await chmod(join(first.node.root, '/etc/sysconfig/heat-params'), 0o666);
  cloud.deploy(first.cluster, 'master-0', { group: 'coe-report', outputs: [{ name: 'coe_report' }] });
  await first.pass();
  expect(first.signals()[1]?.body).toMatchObject({ deploy_status_code: 0, coe_report: null });
  expect(logged(first.log, 'report-unmade')).toMatchObject([{ code: 'bad-heat-params' }]);
});

test('adds the report to a failure too, and to a script; not to a deployment that does not declare it', async () => {
  const { first } = await createSwarm();
  first.node.units.breakUnit('docker', 'fails to start');
  await cloud.rotateCa(first.cluster);
  await first.pass();
  expect(first.signals()[0]?.body).toMatchObject({ deploy_status_code: 1, coe_report: { phase: 'none' } });
  const text = '#!/bin/sh\nprintf forged > "$heat_outputs_path.coe_report"\n';
  const asked = cloud.deploy(first.cluster, 'master-0', { config: text, outputs: [{ name: 'coe_report' }] });
  const other = cloud.deploy(first.cluster, 'master-0', { config: text });
  await first.pass();
  const [script, silent] = [asked, other].map((deployment) =>
    first.signals().find(({ deploymentId }) => deploymentId === deployment.id),
  );
  expect(at(script?.body, 'coe_report', 'version')).toBe(1);
  expect(Object.keys(silent?.body ?? {})).not.toContain('coe_report');
});

test('does not add lines to the table for a forged name, and does not read a forged report', async () => {
  const { first } = await createSwarm();
  const { stack } = first.cluster;
  const forged = '\u001B[2J\n  9 of 9 nodes are well';
  for (const resource of stack.resources.values())
    resource.outputs = {
      coe_report: {
        version: 1,
        node: 'x',
        role: 'worker',
        phase: 'none',
        cas: [],
        agent: forged,
        at: '2026-11-30T10:00:00Z',
      },
    };
  const { stdout } = await fleet({ first });
  expect(stdout).not.toContain('\u001B');
  expect(stdout).not.toMatch(/^ *9 of 9/m);
  for (const resource of stack.resources.values()) resource.outputs = { coe_report: 'x'.repeat(1_000_000) };
  const large = await fleet({ first }, '--json');
  expect(nodesOf(large)).toMatchObject([{ problems: ['bad-report'] }, { problems: ['bad-report'] }]);
});

test('says what to add to a template without the output, and rejects an unknown stack', async () => {
  const { first } = await createSwarm();
  delete first.cluster.stack.outputs['coe_fleet'];
  const { code, stdout } = await fleet({ first }, '--json');
  expect(code).toBe(2);
  expect(jsonObject(stdout)).toMatchObject({ error: { code: 'usage', reason: 'no-fleet-output' } });
  const unknown = await cli(first, ['fleet', '--stack', 'nope', '--json'], {}, '', person);
  expect(jsonObject(unknown.stdout)).toMatchObject({ error: { code: 'cloud-refused', reason: 'http-404' } });
  expect((await cli(first, ['fleet', '--stack', 'nope', '--watch'], {}, '', person)).code).toBe(2);
});
