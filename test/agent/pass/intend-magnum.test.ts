import { describe, expect, test } from 'vitest';
import { intendForMagnum } from '../../../agent/pass/intend-magnum.ts';
import type { Intention } from '../../../agent/plan/intention.ts';
import type { Deployment, Outcome } from '../../../src/deployment/deployment.ts';
import { failed } from '../../../src/deployment/outcome.ts';
import type { MagnumUpdate } from '../../../src/operation/magnum-deployment.ts';
import { DONE } from '../../fakes/generation.ts';
import { createSwarmNode, type SwarmNode } from '../../fakes/swarm.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment, HEAT_SIGNAL } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const UPDATE: MagnumUpdate = {
  kind: 'magnum-update',
  serviceAccount: { publicKey: 'public', privateKey: 'private' },
  wants: { kubeTag: undefined, ostreeCommit: undefined, ostreeRemote: undefined },
  upgrade: undefined,
};
const FIRST = deployment(
  { ...HEAT_SIGNAL, keys: 'first' },
  { id: 'first', creation_time: '2026-11-20T00:00:00Z' },
);
const SECOND = deployment(
  { ...HEAT_SIGNAL, keys: 'second' },
  { id: 'second', creation_time: '2026-11-21T00:00:00Z' },
);
const BACK = deployment(
  { ...HEAT_SIGNAL, keys: 'first' },
  { id: 'back', creation_time: '2026-11-22T00:00:00Z' },
);

const intended = async ({ hands }: SwarmNode, asked: Deployment): Promise<Intention> =>
  await intendForMagnum(UPDATE, asked, hands, NEVER);

const FAILED = failed(new Error('no'));

async function hasDone({ hands: { ledger } }: SwarmNode, work: Deployment, outcome: Outcome): Promise<void> {
  await ledger.accept(work);
  await ledger.start(work.id);
  await ledger.finish(work.id, outcome);
}

describe("an update of a cluster with the node's own CA", () => {
  test('does nothing', async () => {
    const node = await createSwarmNode({ isCurrent: true });
    expect(await intended(node, FIRST)).toMatchObject({ kind: 'nothing', magnum: 'nothing' });
    expect(node.asked).toEqual(['ca kubernetes']);
  });
});

describe('an update of a cluster with another CA', () => {
  test('is a rotation if its keys are new', async () => {
    const node = await createSwarmNode();
    expect(await intended(node, FIRST)).toMatchObject({
      kind: 'change',
      magnum: 'rotation',
      plan: { kind: 'certificates', stage: { certificates: 'all' } },
    });
  });

  test('is its first phase where rotations are automatic', async () => {
    const node = await createSwarmNode({ config: ['rotation: { phase: auto }'] });
    expect(await intended(node, FIRST)).toMatchObject({ plan: { stage: { certificates: 'trust' } } });
  });

  test('is the same rotation again after a failure', async () => {
    const node = await createSwarmNode();
    await hasDone(node, FIRST, FAILED);
    expect(await intended(node, BACK)).toMatchObject({ kind: 'change', magnum: 'rotation' });
  });

  test("is a roll-back with an earlier deployment's keys, and requests no certificates", async () => {
    const node = await createSwarmNode();
    await hasDone(node, FIRST, DONE);
    await hasDone(node, SECOND, FAILED);
    expect(await intended(node, BACK)).toMatchObject({ kind: 'nothing', magnum: 'roll-back' });
  });
});

test('rejects an upgrade in a text that it cannot split, before it asks Magnum', async () => {
  const node = await createSwarmNode({ params: { KUBE_TAG: 'v1.22.0' } });
  const update = { ...UPDATE, wants: { ...UPDATE.wants, kubeTag: 'v1.23.3' } };
  expect(await faultIn(intendForMagnum(update, FIRST, node.hands, NEVER))).toEqual({
    code: 'precondition',
    reason: 'upgrade-inseparable',
  });
  expect(node.asked).toEqual([]);
});
