import { describe, expect, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { certificateAt, isSignedBy, keyFits } from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { runLoop } from './support/daemon.ts';
import { createSite, type Site } from './support/site.ts';
import { nodeFiles } from './support/untouched.ts';
import { noticesIn } from './support/notices.ts';

const cloud = await cloudForFile();

const DAY = 86_400_000;
const YEAR = 365 * DAY;
const KUBELET = '/etc/kubernetes/certs/kubelet';

/** Sets the clock at the first request to this path, in the middle of a run. */
const jumpAt = (path: RegExp, jump: () => void): Instrument => {
  let jumped = false;
  return {
    http: (real) => async (request) => {
      const answer = await real(request);
      if (!jumped && path.test(request.url)) {
        jumped = true;
        jump();
      }
      return answer;
    },
  };
};

/** Sets the clock once the files are replaced, before any unit is restarted. */
const afterReplacing = (jump: () => void): Instrument => ({
  disk: (real) => ({
    ...real,
    rename: async (from, to) => {
      await real.rename(from, to);
      if (to === `${KUBELET}.crt` && from.endsWith('.coe-agent')) jump();
    },
  }),
});

const isRotated = async ({ cluster, ...site }: Site): Promise<boolean> => {
  const files = await site.files();
  return keyFits(files, KUBELET) && isSignedBy(certificateAt(files, `${KUBELET}.crt`), cluster.ca.kubernetes);
};

describe('between passes', () => {
  test('keeps token and polling intervals, however the clock is set', async () => {
    const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 8 } } });
    const jumps = [DAY, -2 * DAY, 10 * YEAR, -60 * YEAR, 50 * YEAR, -1, 3_600_000, YEAR];
    const from = cloud.requests.length;
    const { waits, told } = await runLoop(site, {
      times: 9,
      before: (wait) => site.clock.jump(jumps[wait - 1] ?? 0),
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000, 8000]);
    expect(told.every((text) => text.endsWith('(ready)'))).toBe(true);
    const asked = cloud.requests.slice(from);
    expect(asked.filter(({ service }) => service === 'keystone')).toHaveLength(1);
    expect(asked.filter(({ service }) => service === 'heat')).toHaveLength(9);
  });

  test.each([
    ['a day ahead', DAY],
    ['a month ahead', 30 * DAY],
    ['half a day behind', -DAY / 2],
  ])('%s, rotates: the certificates are valid on the node and in the cloud', async (_, ms) => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    site.clock.jump(ms);
    expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
    expect(await isRotated(site)).toBe(true);
    expect(noticesIn(site.progress)).toContain('preflight clock');
  });

  test.each([
    ['two days behind', -2 * DAY, /clock is 172\d{3} s behind the cloud's/],
    ['in 1970', -56 * YEAR, /clock is \d+ s behind the cloud's/],
    ['ten years ahead', 10 * YEAR, /expired on 20.* ago: this node's clock says 203/],
  ])('%s, replaces nothing, and reports the clock error to Heat', async (_, ms, words) => {
    const site = await createSite(cloud);
    const before = await nodeFiles(site);
    await cloud.rotateCa(site.cluster);
    site.clock.jump(ms);
    await site.pass();
    expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
    expect(site.signals()[0]?.body?.['deploy_stderr']).toMatch(words);
    expect(await nodeFiles(site)).toEqual(before);

    site.clock.jump(-ms);
    await cloud.settled(site.cluster);
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(await isRotated(site)).toBe(true);
  });

  test.each([
    ['forward', YEAR],
    ['back', -YEAR],
  ])('sends a waiting result once although the clock was set %s a year', async (_, ms) => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 503 } });
    await site.pass();
    cloud.clearFaults();
    site.clock.jump(ms);
    await site.pass();
    await site.pass();
    expect(site.signals()).toHaveLength(1);
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  });

  test("orders deployments by Heat's clock, not by the node's", async () => {
    const site = await createSite(cloud);
    const ask = (reason: string, created: number): void => {
      const inputs = [{ name: 'reason' }];
      const values = { reason };
      cloud.deploy(site.cluster, site.server, {
        resource: 'r',
        group: 'coe-rotate',
        inputs,
        values,
        created,
      });
    };
    const key = async (): Promise<string> => await site.node.read(`${KUBELET}.key`);
    const now = Date.now();
    site.clock.jump(20 * DAY);
    ask('first', now);
    await site.pass();
    site.clock.jump(-20 * DAY);
    ask('second', now + 10_000);
    await site.pass();
    const second = await key();
    // Repeated inputs are a rotation. Earlier inputs are a roll-back by Heat, which does not rotate.
    ask('second', now + 20_000);
    await site.pass();
    const third = await key();
    expect(third).not.toBe(second);
    ask('first', now + 30_000);
    await site.pass();
    expect(await key()).toBe(third);
    expect(site.signals().map(({ body }) => body?.['deploy_status_code'])).toEqual([0, 0, 0, 0]);
  });
});

const during = async (path: RegExp, ms: number): Promise<Site> => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await cli(
    site,
    ['run-once'],
    jumpAt(path, () => site.clock.jump(ms)),
  );
  return site;
};

describe('during a pass', () => {
  test.each([DAY, -DAY / 2, YEAR])(
    'tolerates a jump of %i ms while certificates are requested',
    async (ms) => {
      const site = await during(/auth\/tokens/, ms);
      expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 0 } }]);
      expect(await isRotated(site)).toBe(true);
    },
  );

  test.each([
    [-3 * DAY, /not valid before .*, 48\.\d h from now: this node's clock says/],
    [8 * YEAR, /expired on .* ago: this node's clock says/],
  ])('rejects the certificates after a jump of %i ms, with both dates', async (ms, words) => {
    const site = await during(/certificates/, ms);
    expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
    expect(site.signals()[0]?.body?.['deploy_stderr']).toMatch(words);
    expect(keyFits(await site.files(), KUBELET)).toBe(true);
    expect(await isRotated(site)).toBe(false);
  });

  test.each([10 * YEAR, -10 * YEAR])(
    'keeps all deadlines at a jump of %i ms while units are restarted',
    async (ms) => {
      const site = await createSite(cloud);
      await cloud.rotateCa(site.cluster);
      await cli(
        site,
        ['run-once'],
        afterReplacing(() => site.clock.jump(ms)),
      );
      expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 0 } }]);
      expect(await isRotated(site)).toBe(true);
    },
  );
});

test('refuses the way back while a wrong clock makes the old CA look expired', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  const { code, stdout } = await cli(
    site,
    ['run-once'],
    afterReplacing(() => site.clock.jump(10 * YEAR)),
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(/the old CA in \/etc\/kubernetes\/certs\/ca\.crt expired on/);
  site.clock.jump(-10 * YEAR);
  site.node.units.mend('kubelet');
  expect((await cli(site, ['rollback'])).code).toBe(0);
  expect(await site.files()).toEqual(before);
});
