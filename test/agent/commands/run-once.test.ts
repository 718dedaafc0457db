import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { rawDeployment } from '../../src/support/deployments.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const idOf = ({ cluster, server }: Site): string => cluster.stack.deploymentsOn(server)[0]?.id ?? '';

test('--json lists the settled deployments', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  const said = parseObject((await cli(site, ['run-once', '--json'])).stdout);
  expect(said).toMatchObject({
    settled: [{ id: idOf(site), outcome: { statusCode: 0 } }],
    problems: [],
    unacknowledged: [],
  });
});

test('--metadata reads only the file, and asks no collector', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  const file = join(site.node.root, 'by-hand.json');
  await site.node.write(
    '/by-hand.json',
    JSON.stringify({ deployments: [rawDeployment({}, { id: 'mine' })] }),
  );
  expect((await cli(site, ['run-once', '--metadata', file])).code).toBe(0);
  expect((await site.ledger()).map(({ id }) => id)).toEqual(['mine']);
  expect(site.signals()).toEqual([]);
});

test('--force repeats a finished deployment, and only that one', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once']);
  const digest = async (): Promise<string> =>
    createHash('sha256')
      .update(await site.node.read('/etc/kubernetes/certs/kubelet.key'))
      .digest('hex');
  const first = await digest();
  const unknown = await cli(site, ['run-once', '--force', 'another-id']);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toContain(idOf(site));
  expect(await digest()).toBe(first);
  expect((await cli(site, ['run-once', '--force', idOf(site).slice(0, 8)])).code).toBe(0);
  expect(await digest()).not.toBe(first);
});
