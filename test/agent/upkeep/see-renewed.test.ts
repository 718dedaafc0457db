import { describe, expect, test } from 'vitest';
import { readNode } from '../../../agent/node.ts';
import { readUpkeep, type UpkeepRecord } from '../../../agent/upkeep/record.ts';
import { seeRenewed } from '../../../agent/upkeep/see-renewed.ts';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { createSwarmNode, type SwarmNode } from '../../fakes/swarm.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const DAY = 86_400_000;
const BY_ITSELF = ['rotation: { phase: auto }'];

const failing = (code: ErrorCode) => ({
  openCluster: async () => await Promise.reject(new AgentError(code, 'no cluster')),
});

const renewed = async (
  { hands }: SwarmNode,
  because: 'ends' | 'drift',
  over: Partial<UpkeepRecord> = {},
): Promise<UpkeepRecord> => {
  const record = { ...(await readUpkeep(hands)), ...over };
  return await seeRenewed(await readNode(hands), because, record, hands, NEVER);
};

describe('a renewal', () => {
  test('is recorded as such, and as an accepted login', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    const at = site.clock.now();
    const login = { since: 1, refusals: 2, why: 'gone', roles: ['member'] };
    const record = await renewed(site, 'drift', { login, awaitsRotation: 7 });
    expect(record.renewal).toMatchObject({ startedAt: at, starts: 0, outcome: 'renewed' });
    expect(record.renewal?.endedAt).toBeGreaterThanOrEqual(at);
    expect(record.login).toMatchObject({ since: 1, refusals: 0, why: undefined, roles: ['member'] });
    expect(record.awaitsRotation).toBeUndefined();
    expect(logged(site.log, 'renewal-started')).toMatchObject([{ because: 'drift' }]);
    expect(logged(site.log, 'renewal-succeeded')).toHaveLength(1);
    expect(site.units.restarts).toEqual(['docker']);
  });

  test('of expiring certificates counts as useless if the new ones do not last longer', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    expect((await renewed(site, 'ends')).renewal).toMatchObject({ starts: 0, outcome: 'nothing' });
    expect(logged(site.log, 'renewal-useless')).toHaveLength(1);
    expect(site.units.restarts).toEqual([]);
  });

  test.each<[ErrorCode, number]>([
    ['login-refused', 1],
    ['cloud-unreachable', 0],
  ])('that fails with %s counts %i refusals of the login', async (code, refusals) => {
    const site = await createSwarmNode({ isCurrent: true, over: failing(code) });
    const record = await renewed(site, 'ends');
    expect(record.renewal).toMatchObject({ starts: 0, outcome: 'failed' });
    expect(record.login).toMatchObject({ refusals, triedAt: site.clock.now() });
    expect(logged(site.log, 'renewal-failed')).toMatchObject([{ because: 'ends', code }]);
  });
});

describe('a renewal that the program does not survive', () => {
  test('is counted before it starts, up to a day', async () => {
    const site = await createSwarmNode({ over: failing('aborted') });
    const killed = async (): Promise<UpkeepRecord['renewal']> => {
      expect(await agentErrorOf(renewed(site, 'ends'))).toMatchObject({ code: 'aborted' });
      return (await readUpkeep(site.hands)).renewal;
    };
    expect(await killed()).toEqual({ startedAt: site.clock.now(), starts: 1 });
    site.clock.advance(DAY - 1);
    expect(await killed()).toEqual({ startedAt: site.clock.now(), starts: 2 });
    site.clock.advance(DAY);
    expect(await killed()).toEqual({ startedAt: site.clock.now(), starts: 1 });
    // The clock was set back by more than a day.
    site.clock.advance(-DAY);
    expect(await killed()).toEqual({ startedAt: site.clock.now(), starts: 1 });
  });

  test('is not counted on top of one that has ended', async () => {
    const site = await createSwarmNode({ over: failing('aborted') });
    const renewal = { startedAt: site.clock.now(), starts: 4, endedAt: site.clock.now() };
    expect(await agentErrorOf(renewed(site, 'ends', { renewal }))).toMatchObject({ code: 'aborted' });
    expect((await readUpkeep(site.hands)).renewal).toMatchObject({ starts: 1 });
  });
});

describe('a renewal after a rotation that this node has missed', () => {
  test('does not count, and waits, if the node follows rotations by itself', async () => {
    const site = await createSwarmNode({ config: BY_ITSELF });
    const renewal = { startedAt: 1, starts: 0, endedAt: 2 };
    const record = await renewed(site, 'ends', { renewal });
    expect(record).toMatchObject({ renewal, awaitsRotation: site.clock.now(), login: { refusals: 0 } });
    expect(logged(site.log, 'renewal-waits')).toMatchObject([{ because: 'ends' }]);
    expect(logged(site.log, 'renewal-failed')).toEqual([]);
  });

  test('fails if the node does not', async () => {
    const site = await createSwarmNode();
    const record = await renewed(site, 'ends');
    expect(record.renewal).toMatchObject({ outcome: 'failed' });
    expect(record.awaitsRotation).toBeUndefined();
    expect(logged(site.log, 'renewal-failed')).toMatchObject([{ reason: 'rotation-missed' }]);
  });
});
