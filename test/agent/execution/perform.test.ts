import { describe, expect, test } from 'vitest';
import { perform } from '../../../agent/execution/perform.ts';
import { type Plan, planRestart } from '../../../agent/plan/plan.ts';
import { FILE, managedFile, RUN_ID, unitPlan } from '../../fakes/generation.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { RUNNING } from '../../src/support/unit-states.ts';

const KUBELET = unitPlan('kubelet');

const run = ({ hands }: TestHands, abort = NEVER) => ({ runId: RUN_ID, hands, abort });

/** Replaces the file, which the kubelet reads. */
const PLAN: Plan = {
  kind: 'lists',
  check: { do: 'check', paths: [FILE], units: [KUBELET] },
  stage: { do: 'stage-files', files: [managedFile('new')], units: [KUBELET], lists: [], said: ['replaced'] },
};

async function createNode(): Promise<TestHands> {
  const node = await createHands({ units: ['kubelet'] });
  await node.write(FILE, 'old');
  return node;
}

describe('a plan that replaces files', () => {
  test('is prepared and applied', async () => {
    const node = await createNode();
    expect(await perform(PLAN, run(node))).toMatchObject({
      is: 'done',
      outcome: { statusCode: 0, outputs: { files: [FILE] } },
    });
    expect(await node.read(FILE)).toBe('new');
    expect(node.units.restarts).toEqual(['kubelet']);
  });

  test('changes nothing if it does not fit the node', async () => {
    const node = await createNode();
    node.units.states.set('kubelet', { ...RUNNING, load: 'masked' });
    expect(await perform(PLAN, run(node))).toMatchObject({
      is: 'failed',
      node: 'as-before',
      error: { code: 'precondition' },
    });
    expect(await node.read(FILE)).toBe('old');
    expect(await node.hands.generations.underWay()).toBe(false);
  });

  test('throws when it is stopped during preparation, and can be performed again', async () => {
    const node = await createNode();
    const systemctl = async (): Promise<never> => {
      await Promise.resolve();
      throw stopped;
    };
    const stopped = await agentErrorOf(node.hands.clock.sleep(1, AbortSignal.abort()));
    const stopping = { ...node, hands: { ...node.hands, systemctl } };
    expect(await agentErrorOf(perform(PLAN, run(stopping)))).toMatchObject({ code: 'aborted' });
    expect(await node.hands.generations.underWay()).toBe(false);
    expect(await perform(PLAN, run(node))).toMatchObject({ is: 'done' });
  });

  test('draws no conclusion from a fault that it meets while it is stopped', async () => {
    const node = await createNode();
    node.units.states.set('kubelet', { ...RUNNING, load: 'masked' });
    expect(await agentErrorOf(perform(PLAN, run(node, AbortSignal.abort())))).toMatchObject({
      code: 'aborted',
    });
    expect(await node.hands.generations.underWay()).toBe(false);
  });
});

describe('a plan of restarts', () => {
  const plan = planRestart([KUBELET]);

  test('reports each unit, and has no generation', async () => {
    const node = await createNode();
    expect(await perform(plan, run(node))).toMatchObject({
      outcome: { statusCode: 0, outputs: { restarted: [{ unit: 'kubelet', presents: null, on: null }] } },
    });
    expect(node.units.restarts).toEqual(['kubelet']);
    expect(await node.hands.generations.underWay()).toBe(false);
  });

  test('has nothing to roll back when it fails', async () => {
    const node = await createNode();
    node.units.broken.add('kubelet');
    expect(await perform(plan, run(node))).toMatchObject({
      is: 'failed',
      node: 'as-before',
      error: { code: 'unit', reason: 'start-failed' },
    });
    expect(node.units.restarts).toEqual(['kubelet']);
  });

  test('leaves no unit stopped when the one that it needs fails', async () => {
    const node = await createNode();
    node.units.states.set('etcd', RUNNING);
    node.units.broken.add('etcd');
    const etcd = { ...KUBELET, name: 'etcd', stopFirst: ['kubelet'] };
    expect(await perform(planRestart([etcd, KUBELET]), run(node))).toMatchObject({ is: 'failed' });
    expect(node.units.stops).toEqual(['kubelet']);
    expect(node.units.states.get('kubelet')).toMatchObject({ active: 'active' });
  });

  test('is rejected before any restart if a unit is masked', async () => {
    const node = await createNode();
    node.units.states.set('kubelet', { ...RUNNING, load: 'masked' });
    expect(await perform(plan, run(node))).toMatchObject({ error: { code: 'precondition' } });
    expect(node.units.restarts).toEqual([]);
  });
});
