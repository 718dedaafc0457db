import { join } from 'node:path';
import { expect, test } from 'vitest';
import { at } from '../../cloud/exchange.ts';
import { createNodeReport } from '../../../agent/node-report.ts';
import { newKubeconfig } from '../../../src/files/new-kubeconfig.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { eventually } from '../../scenarios/support/eventually.ts';
import { createFleet, type Fleet, type Member } from '../../scenarios/support/whole-cluster.ts';
import { jsonObject } from '../../src/support/fixtures.ts';

const cloud = await cloudForFile();

const annotationOf = ({ kubernetes }: Fleet, { name }: Member): unknown =>
  at(at(at(kubernetes.core.find('nodes', '', name), 'metadata'), 'annotations'), 'coe-agent/report');

/** Runs one pass of each node's daemon. */
async function report(fleet: Fleet): Promise<void> {
  for (const member of fleet.members) {
    const node = createNodeReport(await member.site.start(), () => 0.5);
    const before = annotationOf(fleet, member);
    node.passed({ completeAt: new Date(member.site.clock.now()).toISOString() });
    await eventually('the report', () => annotationOf(fleet, member) !== before);
    node.close();
  }
}

function membersOf({ members }: Fleet): { master: Member; worker: Member } {
  const [master, worker] = members;
  if (!master || !worker) throw new Error('there are two members');
  return { master, worker };
}

test('shows every node on a master, and exits with 0 when all are equal and healthy', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  const { master } = membersOf(fleet);
  await report(fleet);
  const { code, stdout } = await cli(master.site, ['fleet', '--json']);
  expect(code).toBe(0);
  const answer = jsonObject(stdout);
  expect(answer['nodes']).toMatchObject([
    { node: 'master-0', role: 'master', phase: 'none', problems: [] },
    { node: 'worker-0', role: 'worker', phase: 'none', problems: [] },
  ]);
  expect(answer['unproven']).toEqual(expect.arrayContaining(['phase', 'cas', 'waits']));
});

test("exits with 1 during a rotation on one node, and marks the node's own report as unproven", async () => {
  const fleet = await createFleet(cloud, 1, 1);
  const { master, worker } = membersOf(fleet);
  await cloud.rotateCa(fleet.cluster);
  await fleet.look(worker);
  await report(fleet);
  const { code, stdout } = await cli(master.site, ['fleet']);
  expect(code).toBe(1);
  const lines = stdout.split('\n');
  expect(lines.find((line) => line.includes('worker-0'))).toMatch(/ trust .* \+ .*a rotation is under way/);
  expect(lines.at(-2)).toMatch(/^unproven/);
});

test('escapes control sequences in a forged report', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  const { master, worker } = membersOf(fleet);
  await report(fleet);
  const forged = { ...jsonObject(String(annotationOf(fleet, worker))), agent: '\u001B[2Jevil' };
  fleet.kubernetes.core.put('nodes', '', worker.name, {
    metadata: { annotations: { 'coe-agent/report': JSON.stringify(forged) } },
  });
  const { code, stdout } = await cli(master.site, ['fleet']);
  expect(code).toBe(1);
  expect(stdout).toContain('evil');
  expect(stdout).not.toContain('\u001B[2J');
});

test('works on any machine with a kubeconfig; a worker alone may not list Nodes', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  const { master, worker } = membersOf(fleet);
  await report(fleet);
  expect((await cli(worker.site, ['fleet'])).code).toBe(2);
  const { node } = master.site;
  const folder = '/etc/kubernetes/certs';
  const config = newKubeconfig(
    {
      ca: await node.read(`${folder}/ca.crt`),
      certificate: await node.read(`${folder}/admin.crt`),
      key: await node.read(`${folder}/admin.key`),
    },
    {
      cluster: 'k1',
      user: 'admin',
      server: `https://${master.address}:${node.units.port('kube-apiserver')}`,
    },
  );
  await worker.site.node.write('/root/config', config);
  const path = join(worker.site.node.root, '/root/config');
  expect((await cli(worker.site, ['fleet', '--kubeconfig', path])).code).toBe(0);

  const without = config.replace(/client-certificate-data: .*/, '');
  await worker.site.node.write('/root/config', without);
  const refused = await cli(worker.site, ['fleet', '--kubeconfig', path, '--json']);
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { reason: 'no-credential' } });
});

test('exits with 3 if the API server does not answer', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  const { master } = membersOf(fleet);
  master.site.node.units.mute(true);
  expect((await cli(master.site, ['fleet', '--json'])).code).toBe(3);
});
