import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { cli } from './support/cli.ts';
import { examine } from './support/doctor.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import { noticesIn } from './support/notices.ts';

/** Units that are stopped, and units that do not stay up, before and during a rotation. */

const cloud = await cloudForFile();

type Told = { status: unknown; stdout: string; stderr: string };

/** The last answer to Heat. */
function told(site: Site): Told {
  const body = site.signals().at(-1)?.body;
  const text = (name: string): string => String(at(body, name));
  return {
    status: at(body, 'deploy_status_code'),
    stdout: text('deploy_stdout'),
    stderr: text('deploy_stderr'),
  };
}

test('leaves an optional unit alone that was stopped by hand, and reports it to Heat', async () => {
  const site = await createSite(cloud);
  site.node.units.stop('kube-proxy');
  const { findings } = await examine(site);
  expect(findings).toContainEqual(expect.objectContaining({ id: 'unit', of: 'kube-proxy', verdict: 'good' }));
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.restarts()).toEqual(['kubelet']);
  expect(noticesIn(site.progress)).toEqual(['unit-left-alone kube-proxy']);
  expect(told(site).status).toBe(0);
  expect(told(site).stdout).toContain('kube-proxy');
});

test.each([
  ['on the way', 1],
  ['on the way back', 3],
])('continues after a shutdown in the middle of a rotation, %s', async (where, atRestart) => {
  const site = await createSite(cloud);
  const { units } = site.node;
  const ca = async (): Promise<string> => await site.node.read('/etc/kubernetes/certs/ca.crt');
  const before = await ca();
  const isBack = where === 'on the way back';
  await cloud.rotateCa(site.cluster);
  if (isBack) units.breakUnit('kube-proxy', 'fails to start');
  units.goDown(atRestart);
  await expect(site.pass()).rejects.toMatchObject({ code: 'aborted' });
  expect(site.signals()).toEqual([]);
  units.mend('kube-proxy');
  units.comeUp();
  await site.pass();
  expect(told(site).status).toBe(isBack ? 1 : 0);
  expect((await ca()) === before).toBe(isBack);
});

test('leaves it alone on the way back, too', async () => {
  const site = await createSite(cloud);
  site.node.units.stop('kube-proxy');
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site).status).toBe(1);
  expect(site.restarts()).toEqual(['kubelet', 'kubelet']);
});

test('restarts a unit on the way back that presents the new certificate without a restart', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const { root, units } = site.node;
  units.breakUnit('etcd', 'fails to start once');
  await cloud.rotateCa(site.cluster);
  const rereading: Instrument = {
    systemctl: () => {
      const real = socketSystemctl(join(root, 'run/units.sock'));
      return {
        ...real,
        restart: async (unit, abort) => {
          if (site.restarts().length === 0) units.reread('kubelet');
          await real.restart(unit, abort);
        },
      };
    },
  };
  await cli(site, ['run-once'], rereading);
  expect(told(site).status).toBe(1);
  expect(site.restarts()).toEqual(['etcd', 'etcd', 'kube-apiserver', 'kubelet']);
});

test('starts a stopped required unit, and an optional one that has failed', async () => {
  const site = await createSite(cloud);
  site.node.units.stop('kubelet');
  site.node.units.breakUnit('kube-proxy', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site).status).toBe(1);
  expect(await cloud.settled(site.cluster)).toBe('ROLLBACK_COMPLETE');
  site.node.units.mend('kube-proxy');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site).status).toBe(0);
  expect(site.restarts().slice(-2)).toEqual(['kubelet', 'kube-proxy']);
});

test.each(['kube-proxy', 'kubelet'])(
  'does not accept the unit %s, which systemd restarts again and again',
  async (unit) => {
    const site = await createSite(cloud);
    const before = await site.files('/etc/kubernetes');
    site.node.units.breakUnit(unit, 'is started again and again');
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(told(site).status).toBe(1);
    expect(await lastError(site)).toMatchObject({ code: 'unit', reason: 'unit-restarted' });
    expect(await site.files('/etc/kubernetes')).toEqual(before);
  },
);

test('waits once for all units without a port to probe', async () => {
  const site = await createSite(cloud, { role: 'master' });
  await site.node.write('/etc/coe-agent/agent.d/settle.yaml', 'services: { settle_seconds: 70 }\n');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site).status).toBe(0);
  // Three units without a port; this clock advances only by sleeps.
  expect(site.clock.sleeps.filter((ms) => ms > 60_000)).toEqual([70_000]);
});
