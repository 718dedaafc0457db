import { NEVER } from '../../src/base/clock.ts';
import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import { fingerprint, oneCertificate } from '../../src/certificates/read.ts';
import { whyLeftAlone } from '../../src/services/restart.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import { type FoundUnit, hasReadNothing, processOf } from '../../src/services/unit-process.ts';
import type { Hands } from '../hands.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/** The units of a plan before the first file is replaced. The journal keeps them. */
export type Found = {
  /** The units to restart. */
  units: UnitPlan[];
  /** Why the other units are not restarted, by name. */
  left: Map<string, string>;
  all: FoundUnit[];
};

export async function findUnits(
  units: readonly UnitPlan[],
  hands: Pick<Hands, 'systemctl'>,
  abort: AbortSignal,
): Promise<Found> {
  const systemctl = await hands.systemctl();
  const seen = await Promise.all(
    units.map(async (plan) => ({ plan, state: await systemctl.show(plan.name, abort) })),
  );
  const left = new Map(
    seen.flatMap(({ plan, state }) => {
      const why = whyLeftAlone(plan, state);
      return why ? [[plan.name, why.text] as const] : [];
    }),
  );
  return {
    units: units.filter(({ name }) => !left.has(name)),
    left,
    all: seen.map(({ plan, state }) => ({ plan, process: processOf(state) })),
  };
}

/**
 * Returns the found units for a generation on top of a stuck one. Both generations' files are rolled back together, so
 * the relevant process of a unit is the one before either of them.
 *
 * @param over the kept data in the journal of the stuck generation
 */
export function foundBefore(found: readonly FoundUnit[], over: unknown): FoundUnit[] {
  const stuck = over === undefined ? [] : readersOf(v.parse(RunRecordSchema, over));
  const first = new Map(stuck.map((one) => [one.plan.name, one]));
  const added = stuck.filter(({ plan }) => !found.some((one) => one.plan.name === plan.name));
  return [...found.map((one) => ({ ...one, ...first.get(one.plan.name), plan: one.plan })), ...added];
}

type Kept = Pick<v.InferOutput<typeof RunRecordSchema>, 'units' | 'found'>;

/** Lists every unit that may have read the files of a generation. */
const readersOf = ({ units, found }: Kept): FoundUnit[] => [
  ...found,
  ...units.filter(({ name }) => !found.some(({ plan }) => plan.name === name)).map((plan) => ({ plan })),
];

/**
 * Lists the units to restart after a rollback of the files. A unit needs no restart if its process is older than the
 * replacement. If it has a port, the port must also present the previous certificate.
 */
export async function unitsToRestore(kept: Kept, hands: Hands): Promise<UnitPlan[]> {
  const readers = readersOf(kept);
  const areAsBefore = await Promise.all(readers.map(async (reader) => await isAsBefore(reader, hands)));
  return readers.flatMap(({ plan }, index) => (areAsBefore[index] === true ? [] : [plan]));
}

/** Treats an unknown state as changed: a needless restart does less harm than a missing one. */
async function isAsBefore(reader: FoundUnit, hands: Hands): Promise<boolean> {
  const { name: unit, probe } = reader.plan;
  try {
    const state = await (await hands.systemctl()).show(unit, NEVER);
    if (!hasReadNothing(reader, state)) return false;
    if (!probe || state.active !== 'active') return true;
    const expected = oneCertificate((await hands.disk.read(probe.file)).toString('utf8'), probe.file);
    return await presents(fingerprint(expected), probe, hands);
  } catch (error) {
    if (error instanceof AgentError) return false;
    throw error;
  }
}

/**
 * Whether a port presents the expected certificate: some units reload their certificate without a restart. A port that
 * does not answer was not opened with the new files.
 */
async function presents(
  expected: string,
  { host, port }: NonNullable<UnitPlan['probe']>,
  { presented }: Hands,
): Promise<boolean> {
  const seen = await presented(host, port, NEVER).catch((error: unknown) => {
    if (error instanceof AgentError) return undefined;
    throw error;
  });
  return seen === undefined || fingerprint(seen) === expected;
}
