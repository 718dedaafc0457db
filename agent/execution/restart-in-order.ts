import type { UnitSnapshot } from '../../src/services/restart.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { showStep } from '../plan/describe.ts';
import { restartsOf } from '../plan/step.ts';
import { timed } from '../progress.ts';
import type { Run } from './prepare.ts';
import { restart, stop, whySkipped } from './units.ts';

/** Restarts and proves units one after the other. @returns their state afterwards */
export async function restartInOrder(
  units: readonly UnitPlan[],
  hands: Hands,
  beforeRestart?: Run['beforeRestart'],
): Promise<UnitSnapshot[]> {
  const snapshots: UnitSnapshot[] = [];
  /** Stopped units, with the open connections that this ended. */
  const stopped = new Map<string, number | undefined>();
  /** The unit that restarts next. A stop has prepared for it already. */
  let next: string | undefined;
  const prepareFor = async (unit: string): Promise<void> => {
    if (next === unit) return;
    next = unit;
    await beforeRestart?.(unit, stopped.size === 0 ? 'all are well' : 'at once');
  };
  for (const step of restartsOf(units)) {
    const { unitPlan: unit } = step;
    if (step.do === 'stop') {
      await prepareFor(step.before);
      stopped.set(unit.name, await timed(hands, showStep(step), async () => await stop(unit, hands)));
      continue;
    }
    await prepareFor(unit.name);
    const restarted = await timed(hands, showStep(step), async () => await restart(unit, hands), whySkipped);
    const ended = stopped.get(unit.name);
    snapshots.push(...restarted.map((one) => ({ ...one, ended: ended ?? one.ended })));
    stopped.delete(unit.name);
  }
  return snapshots;
}
