import { createRotationLoop } from '../../../agent/daemon/rotation.ts';
import { createSlowClock } from '../../../agent/daemon/slow-clock.ts';
import { newMemory, pass } from '../../../agent/pass.ts';
import { openReporting } from '../../../agent/reporting.ts';
import { keepUp } from '../../../agent/upkeep.ts';
import { NEVER } from '../../src/support/clock.ts';
import type { Member } from '../../scenarios/support/whole-cluster.ts';

const random = (): number => 0.5;

/** Starts the agent of a node. @returns a function that does what the daemon does between two of its waits */
export async function startPolling({ site }: Member): Promise<() => Promise<void>> {
  const hands = await site.start();
  const reporting = await openReporting(hands);
  const watched = reporting.watch(hands);
  const memory = newMemory();
  const slowClock = createSlowClock(hands.clock, hands.config.reconcile_interval_seconds * 1000, random);
  const rotation = createRotationLoop(watched, random);
  return async () => {
    const result = await pass(watched, memory, NEVER);
    await reporting.passed(result);
    const looks = slowClock.due() !== undefined;
    const kept = looks ? await keepUp(watched, NEVER) : undefined;
    if (kept) slowClock.wakeAt(kept.at);
    const hasStepped = await rotation.turn(result.settled.length > 0 || kept?.missesRotation === true, NEVER);
    if (looks || hasStepped) await reporting.looked();
    if (hasStepped || result.settled.length > 0) slowClock.wakeAt(hands.clock.now());
  };
}
