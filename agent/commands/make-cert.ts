import { ROTATE_ALL } from '../../src/operation/operation.ts';
import { withAddresses } from '../pass/addresses.ts';
import { EXIT } from './exit-code.ts';
import { takeInventory } from '../inspection/inventory.ts';
import type { Hands } from '../hands.ts';
import { checkNode, readNode } from '../node.ts';
import { carryOutVerb } from './carry-out.ts';
import { missingKeys } from '../rotation/missing-keys.ts';
import { planFirstCertificates, planFirstKeys } from '../rotation/plan.ts';
import { recover } from '../pass/recover.ts';
import { Made } from './schemas/writing.ts';
import { createTerminal } from './terminal.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { onLockedNode, type Verb } from './verb.ts';

/** The run id of this verb's generation in the journal. */
const RUN_ID = 'make-cert';

/**
 * Creates the node's first certificates and service-account keys before its services start, with the plan of a rotation
 * but without restarts. Keeps an existing good set.
 */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'make-cert', progress, async (hands, stopping) => {
    if (options['recovery'] === false && (await isRotationUnderWay(hands))) {
      const left = 'leaving an interrupted rotation to the daemon, which also restarts the units';
      if (context.json) writeJson(context, 'make-cert', { made: false, reason: 'rotation-under-way' });
      else terminal.line(left);
      return EXIT.done;
    }
    await recover(hands, stopping);
    const node = await readNode(hands);
    checkNode(node, hands.config.heat_params, false);
    const holdings = await takeInventory(hands.disk, node.layout, hands.clock.now());
    const isWhole = options['force'] !== true && holdings.every(({ faults }) => faults.length === 0);
    const missing = await missingKeys(node, hands);
    if (missing && 'error' in missing) throw missing.error;
    const serviceAccount = missing?.pair;
    if (isWhole && !serviceAccount) {
      if (context.json) writeJson(context, 'make-cert', { made: false, reason: 'good-set' });
      else
        terminal.line(
          'the node has a complete and valid set of certificates: nothing to do (--force replaces it)',
        );
      return EXIT.done;
    }
    const plan =
      isWhole && serviceAccount
        ? planFirstKeys(serviceAccount, node)
        : planFirstCertificates(
            { ...ROTATE_ALL, serviceAccount },
            await withAddresses(node, hands, stopping),
            hands.config,
          );
    const outcome = await carryOutVerb(plan, { runId: RUN_ID, hands, abort: stopping });
    if (context.json) writeJson(context, 'make-cert', { made: true, ...outputsAs(Made, outcome) });
    else terminal.line(outcome.stdout.trimEnd());
    return EXIT.done;
  });
};

/**
 * Ignores a journal of this verb, which restarts nothing. A damaged journal counts, because it may belong to a
 * rotation.
 */
const isRotationUnderWay = async ({ generations }: Hands): Promise<boolean> => {
  const journal = await generations.current().catch(() => ({ runId: undefined }));
  return journal !== undefined && journal.runId !== RUN_ID;
};
