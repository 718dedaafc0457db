import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { lastError } from '../../scenarios/support/last-error.ts';
import { badIn } from '../../scenarios/support/doctor.ts';
import { unreadableCopies } from '../../scenarios/support/unreadable-copies.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

test('does nothing without a rotation under way', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  const { code, stdout } = await cli(site, ['rollback', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ rolledBack: false, reason: 'nothing-to-roll-back' });
  expect(await site.files()).toEqual(before);
});

test('restores a stuck node, which reports its state and does not loop', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  const failed = await cli(site, ['run-once'], unreadableCopies);
  expect(failed.code).toBe(1);
  expect(await lastError(site)).toMatchObject({ node: 'stuck' });
  expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
  expect(String(at(site.signals()[0]?.body, 'deploy_stderr'))).toContain('agent rollback');
  expect(JSON.parse((await cli(site, ['status', '--json'])).stdout)).toMatchObject({
    interrupted: { recovery: 'wait-for-person' },
  });

  const restarts = site.restarts().length;
  for (const verb of ['plan', 'run-once']) {
    const { code, stdout } = await cli(site, [verb, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: { recovery: 'wait-for-person' } });
  }
  expect(site.restarts()).toHaveLength(restarts);
  const inVain = await cli(site, ['rollback', '--json'], unreadableCopies);
  expect(inVain.code).toBe(1);
  expect(JSON.parse(inVain.stdout)).toMatchObject({ rolledBack: false, reason: 'stuck' });

  site.node.units.mend('kubelet');
  expect(await cli(site, ['rollback'])).toMatchObject({ code: 0 });
  expect(await site.files()).toEqual(before);
  expect(site.restarts().slice(restarts)).toEqual(['kubelet']);
  // Magnum has no old CA to go back to.
  expect(await badIn(site)).toEqual([['authority', `openstack coe ca rotate ${site.cluster.uuid}`]]);
  expect(site.signals()).toHaveLength(1);
});
