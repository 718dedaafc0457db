import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import { carryOutOwn } from './own-work.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { followUpSoon } from '../rotation/follow-ups.ts';
import { perform } from '../execution/perform.ts';
import { inTurn } from '../peers/in-turn.ts';
import { unitsOf } from '../plan/units.ts';
import { podsOnOldKeys } from '../rotation/pods-on-old-keys.ts';
import { planEndOfGrace } from '../rotation/plan.ts';
import { keptText, readKept, SERVICE_ACCOUNT } from '../rotation/service-account.ts';

/** The run id of these generations in the journal. */
const RUN_ID = 'end-of-grace';

/** Wait before a retry. Each attempt restarts the API server twice, so not every poll retries. */
const PUT_OFF_MS = 3_600_000;

/**
 * Removes public keys of service accounts whose grace is over, and restarts the units that verify with the others, as
 * an ordinary generation. If that fails, the old keys are restored and the removal is postponed. It is also postponed
 * while a pod needs these keys.
 *
 * @throws `aborted` when the program must stop before a file was replaced
 */
export async function endGrace(hands: Hands, abort: AbortSignal): Promise<void> {
  const { log } = hands;
  const node = await readNode(hands);
  const plan = planEndOfGrace(node, await unitsOf(node, hands, abort));
  const heldBy = await podsOnOldKeys(node, hands, abort).catch(async (error: unknown) => {
    throw codeOf(error) === 'aborted' ? error : await keysKept(error, hands);
  });
  if (heldBy !== undefined) {
    log('grace-extended', { until: await putOff(hands, heldBy), pods: heldBy });
    // Some pods started after the last look. New pods must get other tokens, so that task is due.
    await followUpSoon('tokens', hands);
    return;
  }
  const ended = await carryOutOwn(
    RUN_ID,
    hands,
    async () =>
      await inTurn(
        node,
        hands,
        abort,
        async (beforeRestart) => await perform(plan, { runId: RUN_ID, hands, abort, beforeRestart }),
      ),
  );
  if (ended.is === 'failed') throw await keysKept(ended.error, hands);
  log('grace-ended', { paths: plan.stage.paths, said: ended.outcome.stdout.trim() });
}

/** Postpones the removal after a failure. */
const keysKept = async (cause: unknown, hands: Hands): Promise<AgentError> =>
  new AgentError(
    'unit',
    `old service-account keys could not be removed, and are accepted until ${await putOff(hands)}: ${explain(cause)}`,
    { cause, reason: 'keys-kept' },
  );

/** Postpones the removal. @returns until when the keys stay */
async function putOff({ disk, clock }: Hands, heldBy?: string): Promise<string> {
  const until = clock.now() + PUT_OFF_MS;
  const kept = await readKept({ disk });
  const leaving = kept?.leaving.map((one) => ({ ...one, until: Math.max(one.until, until) })) ?? [];
  await replaceFile(disk, SERVICE_ACCOUNT, keptText({ leaving, next: kept?.next, heldBy }), { mode: 0o600 });
  return new Date(until).toISOString();
}
