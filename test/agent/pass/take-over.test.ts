import { describe, expect, test } from 'vitest';
import { servantOf } from '../../../agent/pass/take-over.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { CONTAINER } from '../../../src/services/heat-container.ts';
import type { UnitManager, UnitStatus } from '../../../src/services/unit-manager.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

/** As Magnum's templates name the deployment that sets a master up. */
const CREATION = deployment(
  { deploy_resource_name: 'master_config_deployment' },
  { group: 'script', config: 'echo "START: write-heat-params"' },
);
const RUNS: UnitStatus = { enabled: true, active: true, masked: false, others: 0 };

/** The files that heat-config writes for a started deployment and for its answer. */
const applied = (isAnswered: boolean): Record<string, string> => ({
  [`/var/lib/heat-config/deployed/${CREATION.id}.json`]: '{}',
  ...(isAnswered && { [`/var/lib/heat-config/deployed/${CREATION.id}.notify.json`]: '{}' }),
});

const refused = async (): Promise<void> => await Promise.reject(new AgentError('unit', 'refused'));

type Node = TestHands & { calls: string[] };

async function createNode(spec: HandsSpec = {}, status: UnitStatus | 'missing' = RUNS): Promise<Node> {
  const calls: string[] = [];
  const call =
    (verb: string) =>
    async (unit: string): Promise<void> => {
      await Promise.resolve(calls.push(`${verb} ${unit}`));
    };
  const manager: UnitManager = {
    status: async (unit) =>
      await Promise.resolve(unit === CONTAINER && status !== 'missing' ? status : undefined),
    freeze: call('freeze'),
    thaw: call('thaw'),
    disableNow: call('disable'),
    enableAndStart: call('enable'),
  };
  const over = { unitManager: async () => await Promise.resolve(manager), ...spec.over };
  return { ...(await createHands({ ...spec, over })), calls };
}

const servant = async ({ hands }: Node, deployments = [CREATION]): ReturnType<typeof servantOf> =>
  await servantOf({ deployments }, hands, NEVER);

describe('servantOf', () => {
  test('returns the agent on a node without a deployment of its creation', async () => {
    expect(await servant(await createNode(), [deployment()])).toBe('agent');
  });

  test('returns the agent if such deployments are configured as ordinary scripts', async () => {
    const node = await createNode({ config: ['magnum: { deployment: script }'] });
    expect(await servant(node)).toBe('agent');
  });

  test('returns the agent if heat-container-agent does not run', async () => {
    expect(await servant(await createNode({}, 'missing'))).toBe('agent');
    const masked = { ...RUNS, active: false, masked: true };
    expect(await servant(await createNode({}, masked))).toBe('agent');
  });

  test('returns heat-container-agent before the next boot if its unit is enabled', async () => {
    expect(await servant(await createNode({}, { ...RUNS, active: false }))).toBe('heat-container-agent');
  });

  test.each([
    ['is not applied', {}],
    ['is not answered', applied(false)],
  ])("returns heat-container-agent while the node's set-up %s", async (_, files) => {
    const node = await createNode({ files });
    expect(await servant(node)).toBe('heat-container-agent');
    expect(node.calls).toEqual([]);
  });

  test('waits for another deployment that heat-config has started', async () => {
    const files = { ...applied(true), '/var/lib/heat-config/deployed/other.json': '{}' };
    expect(await servant(await createNode({ files }))).toBe('heat-container-agent');
  });

  test('takes over once the set-up is answered: disables the unit and imports its work', async () => {
    const node = await createNode({ files: applied(true) });
    expect(await servant(node)).toBe('taken-over');
    expect(node.calls).toEqual([`disable ${CONTAINER}`]);
    expect((await node.reopen()).settledAt(CREATION.id)).toBe(0);
    expect(logged(node.log, 'taken-over')).toMatchObject([{ unit: CONTAINER }]);
  });

  test('does not take over if the unit cannot be disabled', async () => {
    const node = await createNode({ files: applied(true) });
    const manager = await node.hands.unitManager();
    const unitManager = async (): Promise<UnitManager> =>
      await Promise.resolve({ ...manager, disableNow: refused });
    const failing = { ...node, hands: { ...node.hands, unitManager } };
    expect(await agentErrorOf(servant(failing))).toMatchObject({ code: 'unit' });
    expect(logged(node.log, 'taken-over')).toEqual([]);
  });
});
