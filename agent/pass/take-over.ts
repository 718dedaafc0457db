import { appliedByHeatConfig } from '../../src/deployment/applied.ts';
import { isCreation } from '../../src/operation/magnum-deployment.ts';
import { CONTAINER } from '../../src/services/heat-container.ts';
import type { Hands } from '../hands.ts';
import { carryOutMigration } from '../migration/migrate.ts';
import { type MigrationStep, planMigration, SUCCESSOR } from '../migration/plan.ts';
import type { Wanted } from './collect.ts';
import { runsContainer } from './in-container.ts';

/** Which program serves the node; `taken-over`: the agent has just replaced heat-container-agent. */
export type Servant = 'agent' | 'heat-container-agent' | 'taken-over';

/** Steps of `agent migrate` that a running agent does not need: it is installed and configured. */
const IN_SHELL_ONLY: ReadonlySet<MigrationStep['do']> = new Set(['let-finish', 'write-config']);

const startsAgent = (step: MigrationStep): boolean =>
  step.do === 'enable-and-start' && step.unit === SUCCESSOR;

/**
 * Decides which program serves the node. On a new node, Magnum's user data starts heat-container-agent for the setup
 * scripts. It serves all deployments until the setup has been answered; then the agent replaces it. So no deployment is
 * served twice.
 */
export async function servantOf(
  { deployments }: Pick<Wanted, 'deployments'>,
  hands: Hands,
  abort: AbortSignal,
): Promise<Servant> {
  const creations = deployments.filter(isCreation);
  if (hands.config.magnum.deployment !== 'native' || creations.length === 0) return 'agent';
  if (!(await runsContainer(hands, abort))) return 'agent';
  const applied = await appliedByHeatConfig(hands.disk);
  const isSetUp = creations.every(({ id }) => applied.some((one) => one.id === id));
  // heat-config writes the answer of a deployment last. This unit cannot see the processes of a privileged container.
  if (!isSetUp || applied.some(({ answered }) => !answered)) return 'heat-container-agent';
  const steps = await planMigration(hands, abort);
  const due = steps.filter((step) => !IN_SHELL_ONLY.has(step.do) && !startsAgent(step));
  await carryOutMigration(due, hands, abort);
  hands.log('taken-over', { unit: CONTAINER });
  return 'taken-over';
}
