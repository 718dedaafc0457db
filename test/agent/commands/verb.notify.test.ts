import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { eventually } from '../../scenarios/support/eventually.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const COMMAND = '/etc/coe-agent/notify';

async function notifiedSite(): Promise<Site> {
  const site = await createSite(cloud, { config: { notify: { command: COMMAND } } });
  await site.node.write(COMMAND, `#!/bin/sh\ncat >> ${join(site.node.root, 'told')}\n`, 0o755);
  return site;
}

const toldOf = async (site: Site): Promise<Record<string, unknown>[]> =>
  (await site.node.read('/told').catch(() => ''))
    .split('\n')
    .filter(Boolean)
    .map((line) => parseObject(line) ?? {});

test("notify.command receives a deployment's start and end, by event name and with fields", async () => {
  const site = await notifiedSite();
  await cloud.rotateCa(site.cluster);
  expect((await cli(site, ['run-once'])).code).toBe(0);
  await cloud.rotateCa(site.cluster);
  site.node.units.breakUnit('kubelet', 'fails to start');
  expect((await cli(site, ['run-once'])).code).toBe(1);
  const ended = async (): Promise<Record<string, unknown>[]> =>
    (await toldOf(site)).filter(({ event }) => /^deployment-(succeeded|failed)$/.test(String(event)));
  await eventually('both ends', async () => (await ended()).length === 2);
  const ids = (await site.ledger()).map(({ id }) => id);
  expect(await ended()).toMatchObject([
    { level: 'info', event: 'deployment-succeeded', fields: { deployment: ids[0], outcome: 'succeeded' } },
    {
      level: 'error',
      event: 'deployment-failed',
      fields: { deployment: ids[1], outcome: 'failed', code: 1 },
    },
  ]);
});

test('does not run a command that others can write, and read-only verbs send nothing', async () => {
  const site = await notifiedSite();
  await cloud.rotateCa(site.cluster);
  await site.setParams({ VERIFY_CA: 'False' });
  await cli(site, ['doctor']);
  expect(await toldOf(site)).toEqual([]);
  await chmod(join(site.node.root, COMMAND), 0o777);
  const { stderr } = await cli(site, ['run-once']);
  expect(logged(stderr, 'notify-failed').length).toBeGreaterThan(0);
  expect(await toldOf(site)).toEqual([]);
});
