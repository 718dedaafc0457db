import { describe, expect, test } from 'vitest';
import { CONFIG_PATH } from '../../../agent/config.ts';
import type { Hands } from '../../../agent/hands.ts';
import { type MigrationStep, planMigration, planReturn, SUCCESSOR } from '../../../agent/migration/plan.ts';
import { digestOf, writeBefore } from '../../../agent/migration/record.ts';
import type { UnitManager, UnitStatus } from '../../../src/services/unit-manager.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment, HEAT_SIGNAL } from '../../src/support/deployments.ts';
import { DONE } from '../../fakes/generation.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const OLD = 'os-collect-config.service';
const CONTAINER = 'heat-container-agent.service';
const INI = '/etc/os-collect-config.conf';
const RUNS: UnitStatus = { enabled: true, active: true, masked: false, others: 0 };
const MASKED: UnitStatus = { enabled: false, active: false, masked: true, others: 0 };
const INSTALLED: UnitStatus = { enabled: false, active: false, masked: false, others: undefined };

const refuse = async (): Promise<never> => await Promise.reject(new Error('a plan changes no unit'));

/** Makes a manager with these units; a plan may only read them. */
const managerOf = (units: Readonly<Record<string, UnitStatus>>): UnitManager => ({
  status: async (unit) => await Promise.resolve(units[unit]),
  freeze: refuse,
  thaw: refuse,
  disableNow: refuse,
  enableAndStart: refuse,
});

/** Makes a node with these units, without a configuration of the agent. */
async function nodeWith(
  units: Readonly<Record<string, UnitStatus>>,
  over: Partial<Hands> = {},
): Promise<TestHands> {
  const node = await createHands({
    over: { unitManager: async () => await Promise.resolve(managerOf(units)), ...over },
  });
  await node.disk.remove(CONFIG_PATH);
  return node;
}

/** Returns the steps, each with its unit or path. */
const namesOf = (steps: readonly MigrationStep[]): string[] =>
  steps.map((step) =>
    [step.do, 'unit' in step ? step.unit : 'path' in step ? step.path : undefined].filter(Boolean).join(' '),
  );

const migrationOf = async ({ hands }: TestHands): Promise<string[]> =>
  namesOf(await planMigration(hands, NEVER));
const returnOf = async ({ hands }: TestHands): Promise<string[]> => namesOf(await planReturn(hands, NEVER));

const pollsWith = (isSettled: boolean): Partial<Hands> => ({
  pollingOverride: {
    describe: () => ({ state: 'adopted', text: 'polls with zaqar', isSettled }),
    observe: async () => await Promise.resolve(false),
    apply: async () => await Promise.resolve(false),
  },
});

describe('planMigration', () => {
  test('lets the predecessor finish before it imports its deployments, and starts the agent last', async () => {
    const node = await nodeWith({ [OLD]: RUNS, [SUCCESSOR]: INSTALLED });
    await node.write(INI, '[DEFAULT]\ncollectors = local\n');
    expect(await migrationOf(node)).toEqual([
      `let-finish ${OLD}`,
      'take-over-ids',
      `write-config ${CONFIG_PATH}`,
      `disable-now ${OLD}`,
      `enable-and-start ${SUCCESSOR}`,
    ]);
  });

  test('plans the same for the container of a stock node, and nothing for a masked and stopped unit', async () => {
    const units = { [OLD]: MASKED, [CONTAINER]: RUNS, [SUCCESSOR]: INSTALLED };
    expect(await migrationOf(await nodeWith(units))).toEqual([
      `let-finish ${CONTAINER}`,
      'take-over-ids',
      `disable-now ${CONTAINER}`,
      `enable-and-start ${SUCCESSOR}`,
    ]);
  });

  test('stops a masked predecessor that still runs', async () => {
    const node = await nodeWith({ [OLD]: { ...MASKED, active: true } });
    expect(await migrationOf(node)).toEqual([`let-finish ${OLD}`, 'take-over-ids', `disable-now ${OLD}`]);
  });

  test('does not wait for a stopped predecessor, and starts no missing unit', async () => {
    const node = await nodeWith({ [OLD]: { ...RUNS, active: false } });
    expect(await migrationOf(node)).toEqual(['take-over-ids', `disable-now ${OLD}`]);
  });

  test('keeps an existing configuration of the agent', async () => {
    const node = await nodeWith({ [OLD]: RUNS });
    await node.write(INI, '[DEFAULT]\ncollectors = local\n');
    await node.write(CONFIG_PATH, 'collectors: [local]\n');
    expect(await migrationOf(node)).not.toContain(`write-config ${CONFIG_PATH}`);
  });

  test("imports the last message of a queue from the predecessor's cache", async () => {
    const node = await nodeWith({ [OLD]: RUNS });
    await node.write(INI, '[DEFAULT]\ncachedir = /srv/cache\ncollectors = local\n');
    await node.write('/srv/cache/zaqar.json', '{"deployments": []}');
    const zaqar = { auth_url: 'http://k', user_id: 'u', password: 'p', project_id: 'p', queue_id: 'q' };
    const config = {
      ...node.hands.config,
      collectors: ['zaqar' as const],
      zaqar: { ...zaqar, region_name: undefined, use_websockets: false },
    };
    const steps = await planMigration({ ...node.hands, config }, NEVER);
    expect(steps).toContainEqual({ do: 'take-over-queue', queueId: 'q', text: '{"deployments": []}' });
    // Without the collector the message is not needed.
    expect(await migrationOf(node)).not.toContain('take-over-queue');
  });

  test('names scripts that no longer run', async () => {
    const node = await nodeWith({ [OLD]: RUNS });
    const script = '/usr/libexec/os-refresh-config/configure.d/99-own';
    await node.write(script, '#!/bin/sh\n', 0o755);
    expect(await migrationOf(node)).toContain(`leave ${script}`);
  });

  test('rejects a masked unit of the agent', async () => {
    const { hands } = await nodeWith({ [OLD]: RUNS, [SUCCESSOR]: MASKED });
    expect(await faultIn(planMigration(hands, NEVER))).toEqual({ code: 'unit', reason: 'unit-masked' });
  });
});

describe('planReturn', () => {
  test('stops the agent first, and enables the units that were enabled before', async () => {
    const node = await nodeWith({ [OLD]: INSTALLED, [CONTAINER]: INSTALLED, [SUCCESSOR]: RUNS });
    await writeBefore(node.disk, { enabled: [CONTAINER], config: null });
    expect(await returnOf(node)).toEqual([
      `disable-now ${SUCCESSOR}`,
      'hand-back-ids',
      `enable-and-start ${CONTAINER}`,
    ]);
  });

  test('enables each unmasked predecessor without a record', async () => {
    const node = await nodeWith({ [OLD]: INSTALLED, [CONTAINER]: MASKED });
    expect(await returnOf(node)).toEqual(['hand-back-ids', `enable-and-start ${OLD}`]);
  });

  test.each([
    ['removes the configuration that the migration wrote', 'a: 1\n', 'a: 1\n', true],
    ['keeps a configuration that was changed since', 'a: 1\n', 'a: 2\n', false],
  ])('%s', async (_, written, found, isRemoved) => {
    const node = await nodeWith({ [OLD]: INSTALLED });
    await writeBefore(node.disk, { enabled: [OLD], config: digestOf(written) });
    await node.write(CONFIG_PATH, found);
    expect((await returnOf(node)).includes(`remove-config ${CONFIG_PATH}`)).toBe(isRemoved);
  });

  test('names a way to poll that the predecessor does not support', async () => {
    expect(await returnOf(await nodeWith({}, pollsWith(true)))).toContain('mind');
    expect(await returnOf(await nodeWith({}, pollsWith(false)))).not.toContain('mind');
  });

  test('hands every deployment back, and refuses while one is unacknowledged', async () => {
    const node = await nodeWith({ [OLD]: INSTALLED });
    const { ledger } = node.hands;
    const work = deployment(HEAT_SIGNAL, { id: 'd1' });
    await ledger.accept(work);
    expect(await faultIn(planReturn(node.hands, NEVER))).toEqual({
      code: 'not-yet',
      reason: 'unacknowledged',
    });
    await ledger.start('d1');
    await ledger.finish('d1', DONE);
    await ledger.signalled('d1');
    expect(await planReturn(node.hands, NEVER)).toContainEqual({ do: 'hand-back-ids', ids: ['d1'] });
  });
});
