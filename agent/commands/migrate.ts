import { EXIT } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import { watchSignals } from '../lifecycle.ts';
import { carryOutMigration } from '../migration/migrate.ts';
import {
  type MigrationStep,
  planMigration,
  planReturn,
  showMigration,
  SUCCESSOR,
} from '../migration/plan.ts';
import { createTerminal } from './terminal.ts';
import { writeJson } from './json-answer.ts';
import { onLockedNode, openHands, type Verb } from './verb.ts';

/** Replaces os-collect-config on this node, or restores it with `--back`. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  const { stopping } = watchSignals();
  const isBack = options['back'] === true;
  const plan = async (hands: Hands): Promise<MigrationStep[]> =>
    isBack ? await planReturn(hands, stopping) : await planMigration(hands, stopping);

  if (options['dryRun'] === true || isBack) {
    const hands = await openHands(context, progress);
    try {
      const steps = await plan(hands);
      if (options['dryRun'] === true) {
        if (context.json) writeJson(context, 'migrate', { steps: steps.map(showMigration) });
        else for (const step of steps) terminal.line(`  ${showMigration(step).text}`);
        return EXIT.done;
      }
      // The daemon holds the lock that the rest of the way back needs.
      const units = await hands.unitManager();
      if ((await units.status(SUCCESSOR, stopping))?.active === true)
        await units.disableNow(SUCCESSOR, stopping);
    } finally {
      hands.close();
    }
  }
  const steps = await onLockedNode(context, 'migrate', progress, async (hands) => {
    const all = await plan(hands);
    await carryOutMigration(
      all.filter((step) => !startsDaemon(step)),
      hands,
      stopping,
    );
    return all;
  });
  const starts = steps.filter(startsDaemon);
  if (starts.length > 0) {
    const hands = await openHands(context, progress);
    try {
      await carryOutMigration(starts, hands, stopping);
    } finally {
      hands.close();
    }
  }
  if (context.json) writeJson(context, 'migrate', { steps: steps.map(showMigration) });
  return EXIT.done;
};

/**
 * Whether a step starts the daemon. The migration holds the lock that the daemon needs, so this step comes after its
 * release.
 */
const startsDaemon = (step: MigrationStep): boolean =>
  step.do === 'enable-and-start' && step.unit === SUCCESSOR;
