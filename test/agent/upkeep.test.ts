import { describe, expect, test } from 'vitest';
import type { Hands } from '../../agent/hands.ts';
import { readNode } from '../../agent/node.ts';
import { keepUp } from '../../agent/upkeep.ts';
import { readUpkeep, UPKEEP } from '../../agent/upkeep/record.ts';
import { shareOfNode } from '../../agent/upkeep/share.ts';
import { AgentError } from '../../src/base/errors.ts';
import { stageFile } from '../fakes/generation.ts';
import { CA_FILE, createSwarmNode, type SwarmNode } from '../fakes/swarm.ts';
import { logged } from '../scenarios/support/logged.ts';
import { NEVER } from '../src/support/clock.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';

const DAY = 86_400_000;
const REGULAR = { at: undefined, missesRotation: false };

const look = async ({ hands }: SwarmNode, over: Partial<Hands> = {}) =>
  await keepUp({ ...hands, ...over }, NEVER);

const hasLooked = async ({ hands }: SwarmNode): Promise<boolean> =>
  (await hands.disk.info(UPKEEP)) !== undefined;

describe('the routine login', () => {
  test("comes first after the node's share of a day, then a day later", async () => {
    const site = await createSwarmNode();
    const first = site.clock.now();
    const { at = NaN } = await look(site);
    expect(at).toBe(first + shareOfNode(await readNode(site.hands), site.hands) * DAY);
    expect(site.asked).toEqual([]);
    site.clock.advance(at - first - 1);
    expect(await look(site)).toEqual({ ...REGULAR, at });
    expect(site.asked).toEqual([]);
    site.clock.advance(1);
    expect(await look(site)).toEqual({ ...REGULAR, at: site.clock.now() + DAY });
    expect(site.asked).toEqual(['ca kubernetes']);
  });

  test('is not tried with a wrong clock', async () => {
    const site = await createSwarmNode();
    const skewMs = () => DAY;
    await look(site, { skewMs });
    site.clock.advance(2 * DAY);
    await look(site, { skewMs });
    expect(site.asked).toEqual([]);
    expect(logged(site.log, 'differs-critical')).toMatchObject([{ difference: 'clock-off' }]);
  });
});

describe('a node that differs', () => {
  test('is repaired if the operator wants that, and compared again', async () => {
    const site = await createSwarmNode({ isCurrent: true, config: ['reconcile: all'] });
    expect(await look(site)).toEqual(REGULAR);
    expect(site.units.restarts).toEqual(['docker']);
    expect(logged(site.log, 'renewal-started')).toMatchObject([{ because: 'drift' }]);
    const gone = logged(site.log, 'difference-gone').map(({ difference }) => difference);
    expect(gone).toContain('subject-differs');
    expect(await readUpkeep(site.hands)).toMatchObject({ renewal: { outcome: 'renewed' }, differences: [] });
  });

  test('is otherwise only reported', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    await look(site);
    expect(site.units.restarts).toEqual([]);
    expect(logged(site.log, 'differs').map(({ difference }) => difference)).toContain('subject-differs');
  });

  test('waits for a rotation that it has missed, which is logged once', async () => {
    const config = ['reconcile: all', 'rotation: { phase: auto }'];
    const site = await createSwarmNode({ config });
    const since = site.clock.now();
    expect(await look(site)).toEqual({ at: undefined, missesRotation: true });
    site.clock.advance(1000);
    expect(await look(site)).toMatchObject({ missesRotation: false });
    expect(logged(site.log, 'renewal-started')).toHaveLength(1);
    expect(logged(site.log, 'renewal-waits')).toHaveLength(1);
    expect((await readUpkeep(site.hands)).awaitsRotation).toBe(since);
  });

  test('stops waiting when nothing is to be renewed any more', async () => {
    const config = ['reconcile: all', 'rotation: { phase: auto }'];
    const site = await createSwarmNode({ config });
    await look(site);
    await site.write(CA_FILE, site.former.pem + site.served.pem);
    await look(site, { config: { ...site.hands.config, reconcile: 'renew' } });
    expect((await readUpkeep(site.hands)).awaitsRotation).toBeUndefined();
  });
});

describe('no look', () => {
  test('is taken while a generation is under way', async () => {
    const site = await createSwarmNode();
    await stageFile(site);
    expect(await look(site)).toEqual(REGULAR);
    expect(await hasLooked(site)).toBe(false);
  });

  test('is taken in a cluster without TLS', async () => {
    const site = await createSwarmNode({ params: { TLS_DISABLED: 'True' } });
    expect(await look(site)).toEqual(REGULAR);
    expect(await hasLooked(site)).toBe(false);
  });

  test('is possible on a node that is not set up', async () => {
    const site = await createSwarmNode();
    await site.hands.disk.remove(site.hands.config.heat_params);
    expect(await look(site)).toEqual(REGULAR);
    expect(logged(site.log, 'upkeep-skipped')).toHaveLength(1);
  });
});

test('logs a failed look', async () => {
  const site = await createSwarmNode();
  await site.hands.disk.makeDirectory(UPKEEP, { mode: 0o700 });
  expect(await look(site)).toEqual(REGULAR);
  expect(logged(site.log, 'upkeep-failed')).toHaveLength(1);
});

const stop = async (): Promise<never> => await Promise.reject(new AgentError('aborted', 'stopped'));
const bug = (): never => {
  throw new TypeError('a bug');
};

test('throws when the program stops, and a bug', async () => {
  const site = await createSwarmNode();
  expect(await agentErrorOf(look(site, { addressOf: stop }))).toMatchObject({ code: 'aborted' });
  await expect(look(site, { skewMs: bug })).rejects.toThrow(TypeError);
  expect(logged(site.log, 'upkeep-failed')).toEqual([]);
});
