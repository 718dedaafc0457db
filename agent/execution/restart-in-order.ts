import type { UnitSnapshot } from '../../src/services/restart.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { showStep } from '../plan/describe.ts';
import { type RestartStep, restartsOf } from '../plan/step.ts';
import { type ShownStep, timed } from '../progress.ts';
import type { Run } from './prepare.ts';
import { restart, stop, whySkipped } from './units.ts';

/** How the restarts of a run differ from those of its rollback. */
export type Manner = {
  /** The condition for the first restart; see `BeforeRestart`. */
  first: 'all are well' | 'at once';
  show(step: RestartStep): ShownStep;
  /** Takes the error of a step. Unless it throws, the next step follows. */
  failed(error: unknown): void;
};

const OF_A_RUN: Manner = {
  first: 'all are well',
  show: showStep,
  failed: (error) => {
    throw error;
  },
};

/** Restarts and proves units one after the other. @returns their state afterwards */
export async function restartInOrder(
  units: readonly UnitPlan[],
  hands: Hands,
  beforeRestart?: Run['beforeRestart'],
  manner = OF_A_RUN,
): Promise<UnitSnapshot[]> {
  const snapshots: UnitSnapshot[] = [];
  /** Stopped units, with the open connections that this ended. */
  const stopped = new Map<string, number | undefined>();
  /** The unit that restarts next. A stop has prepared for it already. */
  let next: string | undefined;
  const prepareFor = async (unit: string): Promise<void> => {
    if (next === unit) return;
    await beforeRestart?.(unit, stopped.size === 0 ? manner.first : 'at once');
    next = unit;
  };
  const carryOut = async (step: RestartStep): Promise<void> => {
    const { unitPlan: unit } = step;
    if (step.do === 'stop') {
      await prepareFor(step.before);
      stopped.set(unit.name, await timed(hands, manner.show(step), async () => await stop(unit, hands)));
      return;
    }
    await prepareFor(unit.name);
    const shown = manner.show(step);
    const restarted = await timed(hands, shown, async () => await restart(unit, hands), whySkipped);
    const ended = stopped.get(unit.name);
    snapshots.push(...restarted.map((one) => ({ ...one, ended: ended ?? one.ended })));
    stopped.delete(unit.name);
  };
  for (const step of restartsOf(units))
    try {
      await carryOut(step);
    } catch (error) {
      manner.failed(error);
    }
  return snapshots;
}
