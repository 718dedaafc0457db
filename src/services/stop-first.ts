import type { Clock } from '../base/clock.ts';
import { stopUnit } from './restart-job.ts';
import type { Systemctl } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

type Counts = {
  /** Counts the open connections of clients to a port of this node. */
  heldConnections(port: number): Promise<number>;
};

/**
 * Stops a unit that fails requests while another one restarts.
 *
 * @returns the open connections that this ended; undefined if they are not counted
 * @throws `unit` with the message of systemd
 */
export async function stopForAnother(
  plan: UnitPlan,
  hands: Counts & { systemctl: Pick<Systemctl, 'show' | 'stop'>; clock: Clock },
  abort: AbortSignal,
): Promise<number | undefined> {
  const ended = await countHeld(plan, hands);
  await stopUnit(plan, hands, abort);
  return ended;
}

/** Counts the connections that a stop of the unit ends, if the plan asks for their number. */
export const countHeld = async (
  { countsHeld, probe }: UnitPlan,
  { heldConnections }: Counts,
): Promise<number | undefined> => (countsHeld && probe ? await heldConnections(probe.port) : undefined);
