import { expect, test } from 'vitest';
import { readOrders, writeRotation } from '../../../agent/phases/record.ts';
import { STATE } from '../../../agent/paths.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at, parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const HOUR = 3_600_000;
const cloud = await cloudForFile();

/** Makes a node that follows a rotation to the CAs `new`. */
async function createFollower(): Promise<Site> {
  const site = await createSite(cloud, { bare: true });
  const { disk } = await site.start();
  await disk.makeDirectory(STATE, { mode: 0o700 });
  await writeRotation({ version: 1, peers: [], course: { cas: 'new', since: 0 } }, { disk });
  return site;
}
const ordersOf = async (site: Site) => await readOrders(await site.start());

test.each([
  [[], 8],
  [['--for', '1h'], 1],
  [['--for', '168h'], 168],
])('hold %j lasts %i hours, and every hold ends', async (options, hours) => {
  const site = await createFollower();
  const before = site.clock.now();
  const { code, stdout } = await cli(site, ['rotation', 'hold', ...options, '--json']);
  expect(code).toBe(0);
  const { heldUntil = 0 } = await ordersOf(site);
  expect(heldUntil - before - hours * HOUR).toBeGreaterThanOrEqual(0);
  expect(heldUntil - before - hours * HOUR).toBeLessThan(HOUR / 60);
  expect(at(parseObject(stdout), 'heldUntil')).toBe(new Date(heldUntil).toISOString());
});

test.each(['0h', '169h', '8', '8m', '-1h', '1.5h'])('hold --for %s is refused', async (text) => {
  const site = await createFollower();
  expect((await cli(site, ['rotation', 'hold', `--for=${text}`])).code).toBe(2);
  expect(await ordersOf(site)).toEqual({ version: 1 });
});

test('finish is an order about the CAs of the present rotation, and continue withdraws every order', async () => {
  const site = await createFollower();
  expect((await cli(site, ['rotation', 'finish', '--now', '--json'])).code).toBe(0);
  expect(await ordersOf(site)).toEqual({ version: 1, finish: 'new' });
  const { code, stdout } = await cli(site, ['rotation', 'continue', '--json']);
  expect(code).toBe(0);
  expect(parseObject(stdout)).toMatchObject({ finishes: false });
  expect(await ordersOf(site)).toEqual({ version: 1 });
});

test('finish needs --now, and a rotation', async () => {
  const site = await createFollower();
  expect((await cli(site, ['rotation', 'finish'])).code).toBe(2);
  const idle = await createSite(cloud, { bare: true });
  const { code, stdout } = await cli(idle, ['rotation', 'finish', '--now', '--json']);
  expect(code).not.toBe(0);
  expect(parseObject(stdout)).toMatchObject({ error: { code: 'precondition' } });
  expect(await ordersOf(idle)).toEqual({ version: 1 });
});

test('rejects a hold that could have no effect', async () => {
  const site = await createFollower();
  await site.node.configure({ rotation: { phase: 'trust' } });
  const named = await cli(site, ['rotation', 'hold', '--json']);
  expect(named.code).toBe(1);
  expect(parseObject(named.stdout)).toMatchObject({
    error: { code: 'precondition', reason: 'phase-named' },
  });
  expect(await ordersOf(site)).toEqual({ version: 1 });
  await site.node.configure({ rotation: {} });
  await site.node.write('/etc/sysconfig/heat-params', '');
  const elsewhere = await cli(site, ['rotation', 'hold', '--json']);
  expect(elsewhere.code).toBe(2);
  expect(parseObject(elsewhere.stdout)).toMatchObject({ error: { code: 'bad-heat-params' } });
});
