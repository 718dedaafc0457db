import { readText } from '../../../src/base/disk.ts';
import { holderOf } from '../../../src/base/lock.ts';
import { BadKubeconfig } from '../../../src/files/kubeconfig-document.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import { servedBeside } from '../../../src/services/predecessors.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import type { Hands } from '../../hands.ts';
import type { About, Examination } from '../../inspection/examination.ts';
import { lookAtLines } from '../../inspection/heat-params.ts';
import { lookAtLastFailure } from '../../inspection/last-failure.ts';
import { type Holding, takeInventory } from '../../inspection/inventory.ts';
import { lookAtHoldings, viAt } from '../../inspection/layout-files.ts';
import { checkDisk, checkUnit } from '../../inspection/preflight.ts';
import { lookAtGeneration, lookAtLedger, lookAtRecords, lookAtRotation } from '../../inspection/records.ts';
import { type RotationState, rotationState } from '../../inspection/rotation-state.ts';
import { lookAtLists } from '../../inspection/revocation-lists.ts';
import { type Activity, rotationDeadlineMs } from '../../inspection/under-way.ts';
import { mayGoByItself } from '../../config.ts';
import { checkNode, type Node, readNode } from '../../node.ts';
import { oldCaDue } from '../../phases/old-ca.ts';
import { readOrders, readRotation } from '../../phases/record.ts';
import { unitsOf } from '../../plan/units.ts';
import { findCopiesOf, type FoundCopies } from '../../rotation/find-copies.ts';
import { planRotation } from '../../rotation/plan.ts';
import { type Context, lockPathOf } from '../verb.ts';

/** The observed state of the node. */
export type Seen = {
  node: Node | undefined;
  holdings: readonly Holding[];
  activity: Activity;
  /** The phase of a rotation that is under way. */
  phase: RotationState['phase'];
};

/** Checks the node itself and its services. Asks no cloud service. */
export async function lookAtNode(
  context: Context,
  hands: Hands,
  examination: Examination,
  abort: AbortSignal,
): Promise<Seen> {
  const { look } = examination;
  const { disk, clock } = hands;
  await look(
    { id: 'second-agent' },
    async () => await servedBeside(disk),
    (served) => served.map((what) => ({ id: 'second-agent', verdict: 'warning', reason: 'serves', what })),
  );
  const node = await lookAtHeatParams(hands, examination);
  const units = node ? await unitsOf(node, hands, abort).catch((): UnitPlan[] => []) : [];
  await look(
    { id: 'record' },
    async () => [...(await lookAtRecords(hands)), ...(await lookAtLedger(hands))],
    (found) => found,
  );
  const activity = await lookAtActivity(context, units, hands, examination);
  if (!node) return { node, holdings: [], activity, phase: null };
  const rotation = await look(
    { id: 'rotation' },
    async () => ({ ...(await rotationState(hands)), due: await dueOf(hands) }),
    (state) => lookAtRotation(state, state.due, clock.now()),
  );

  const holdings = await look(
    { id: 'certificate' },
    async () => await takeInventory(disk, node.layout, clock.now()),
    (seen) => lookAtHoldings(seen, clock.now()),
  );
  const copies = await look(
    { id: 'kubeconfig', detail: detailOfKubeconfig },
    async () => await findCopiesOf(node, hands),
    ({ left }) =>
      left.map(({ path, what }) => ({ id: 'copy', of: path, verdict: 'warning', reason: 'left', what })),
  );
  await lookAtPaths(node, copies, units, hands, examination);
  await Promise.all(
    units.map(async (unit) => {
      const about = { id: 'unit', of: unit.name } as const;
      await look(
        about,
        async () => await checkUnit(unit, hands, abort),
        (found) => found,
      );
    }),
  );
  await look(
    { id: 'revocation-list' },
    async () => await lookAtLists(node, hands, abort),
    (found) => found,
  );
  return { node, holdings: holdings ?? [], activity, phase: rotation?.phase ?? null };
}

const detailOfKubeconfig: NonNullable<About['detail']> = (error) =>
  error instanceof BadKubeconfig ? { of: error.path, next: viAt(error.path, error.line) } : {};

async function lookAtHeatParams(hands: Hands, { look, tell }: Examination): Promise<Node | undefined> {
  const { heat_params: path } = hands.config;
  const about = { id: 'heat-params', of: path } as const;
  const node = await look(
    about,
    async () => await readNode(hands),
    () => [],
  );
  if (!node) return undefined;
  const faults = lookAtLines(path, (await readText(hands.disk, path)) ?? '');
  tell(...faults);
  await look(
    about,
    async () => {
      checkNode(node, path, false);
      return await Promise.resolve();
    },
    () => (faults.length > 0 ? [] : [{ ...about, verdict: 'good', what: `${path} has all required values` }]),
  );
  return node;
}

/** Checks for interrupted runs and for a process that is working now. */
async function lookAtActivity(
  context: Context,
  units: readonly UnitPlan[],
  hands: Hands,
  { look, tell }: Examination,
): Promise<Activity> {
  const holder = await look(
    { id: 'daemon' },
    async () => await holderOf(lockPathOf(context)),
    (found) => [
      found
        ? { id: 'daemon', verdict: 'good', what: `${found.name} is running` }
        : { id: 'daemon', verdict: 'warning', reason: 'down', what: 'the daemon does not run' },
    ],
  );
  const activity = {
    holder,
    entries: hands.ledger.entries(),
    now: hands.clock.now(),
    deadlineMs: rotationDeadlineMs(hands.config, units.length),
  };
  await look(
    { id: 'generation' },
    async () => await lookAtGeneration(hands, activity),
    (found) => found,
  );
  tell(...lookAtLastFailure(hands.ledger.entries()));
  return activity;
}

/** Returns when the old CA is due to end, on a node that goes through the phases by itself. */
async function dueOf({ disk, config }: Hands): Promise<number | undefined> {
  if (!mayGoByItself(config)) return undefined;
  const { heldUntil } = await readOrders({ disk });
  return oldCaDue(await readRotation({ disk }), heldUntil, config.rotation.retire_within * 1000);
}

/** Checks whether a rotation can replace its files. */
async function lookAtPaths(
  node: Node,
  copies: FoundCopies | undefined,
  units: readonly UnitPlan[],
  hands: Hands,
  { look }: Examination,
): Promise<void> {
  const { check } = planRotation(ROTATE_ALL, node, units, hands.config, copies);
  await look(
    { id: 'disk' },
    async () => await checkDisk(check.paths, hands),
    (found) => found,
  );
}
