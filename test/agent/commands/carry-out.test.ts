import { expect, test } from 'vitest';
import { carryOutVerb, turnAsAsked } from '../../../agent/commands/carry-out.ts';
import { readNode } from '../../../agent/node.ts';
import { unitsOf } from '../../../agent/plan/units.ts';
import { planRotation } from '../../../agent/rotation/plan.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import { RUN_ID } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { CA_FILE, createSwarmNode, type SwarmNode } from '../../fakes/swarm.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';

async function rotate({ hands }: SwarmNode) {
  const node = await readNode(hands);
  const plan = planRotation(
    { ...ROTATE_ALL, phase: 'all' },
    node,
    await unitsOf(node, hands, NEVER),
    hands.config,
  );
  return await carryOutVerb(plan, { runId: RUN_ID, hands, abort: NEVER });
}

test('returns the outcome of the plan, and deletes its generation', async () => {
  const site = await createSwarmNode();
  expect((await rotate(site)).is).toBe('succeeded');
  expect(await site.read(CA_FILE)).toBe(site.served.pem);
  expect(await site.hands.generations.current()).toBeUndefined();
});

test('throws the error of a failed step after the files are restored, and deletes the generation', async () => {
  const site = await createSwarmNode();
  site.units.broken.add('docker');
  expect((await faultIn(rotate(site))).code).toBe('unit');
  expect(await site.read(CA_FILE)).toBe(site.former.pem);
  expect(await site.hands.generations.current()).toBeUndefined();
});

test('throws an error that comes before any file is staged', async () => {
  const error = new AgentError('login-refused', 'the trust is gone');
  const site = await createSwarmNode({ over: { openCluster: async () => await Promise.reject(error) } });
  expect((await agentErrorOf(rotate(site))).code).toBe('login-refused');
  expect(await site.read(CA_FILE)).toBe(site.former.pem);
  expect(await site.hands.generations.underWay()).toBe(false);
});

test('waits for its turn unless --without-turn is given', async () => {
  const { hands } = await createHands();
  expect(turnAsAsked(hands, {}).withoutTurn).toBeUndefined();
  expect(turnAsAsked(hands, { withoutTurn: false }).withoutTurn).toBeUndefined();
  expect(turnAsAsked(hands, { withoutTurn: true }).withoutTurn).toBe(true);
});
