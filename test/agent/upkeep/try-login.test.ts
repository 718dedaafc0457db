import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { readNode } from '../../../agent/node.ts';
import { readUpkeep } from '../../../agent/upkeep/record.ts';
import { tryLogin, withRefusal } from '../../../agent/upkeep/try-login.ts';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { fingerprint } from '../../../src/certificates/read.ts';
import { createSwarmNode } from '../../fakes/swarm.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const failing = (code: ErrorCode): Partial<Hands> => ({
  openCluster: async () => await Promise.reject(new AgentError(code, 'no cluster')),
});

const refused = { since: 5, refusals: 2, why: 'gone', roles: ['member'] };

async function attempt(over?: Partial<Hands>) {
  const site = await createSwarmNode(over ? { over } : {});
  const before = { ...(await readUpkeep(site.hands)), login: refused };
  const record = async () => await tryLogin(await readNode(site.hands), before, site.hands, NEVER);
  return { ...site, record };
}

describe('a routine login', () => {
  test('records the CAs that Magnum serves and the roles, and ends the count of refusals', async () => {
    const { record, served, clock, asked } = await attempt();
    const { login, served: cas, servedAt } = await record();
    expect(cas).toEqual({ kubernetes: fingerprint(new X509Certificate(served.pem)) });
    expect(servedAt).toBe(clock.now());
    expect(login).toEqual({ since: 5, triedAt: clock.now(), refusals: 0, why: undefined, roles: [] });
    expect(asked).toEqual(['ca kubernetes']);
  });

  test('is not patient: an unreachable cloud waits for another day', async () => {
    const patience: unknown[] = [];
    const { record, hands } = await attempt();
    const open: Hands['openCluster'] = async (params, token, abort, options) => {
      patience.push([token, options]);
      return await hands.openCluster(params, token, abort, options);
    };
    await tryLogin(await readNode(hands), await readUpkeep(hands), { ...hands, openCluster: open }, NEVER);
    expect(patience).toEqual([[undefined, { patient: false }]]);
    await record();
  });

  test.each<[ErrorCode, number]>([
    ['login-refused', 3],
    ['unauthorized', 3],
    ['cloud-unreachable', 2],
    ['cloud-refused', 2],
  ])('that fails with %s leaves %i refusals', async (code, refusals) => {
    const { record, log, clock } = await attempt(failing(code));
    const { login, servedAt } = await record();
    expect(login).toMatchObject({ since: 5, triedAt: clock.now(), refusals, roles: ['member'] });
    expect(servedAt).toBeUndefined();
    expect(logged(log, 'login-tried-in-vain')).toMatchObject([{ code }]);
  });

  test('is not recorded when the program stops', async () => {
    const { record, log } = await attempt(failing('aborted'));
    expect(await agentErrorOf(record())).toMatchObject({ code: 'aborted' });
    expect(logged(log, 'login-tried-in-vain')).toEqual([]);
  });
});

test('a refusal replaces the reason of the one before it', () => {
  expect(withRefusal(refused, { code: 'login-refused', message: 'no user' })).toEqual({
    ...refused,
    refusals: 3,
    why: 'no user',
  });
  expect(withRefusal(refused, { code: 'not-yet', message: 'away' })).toEqual(refused);
});
