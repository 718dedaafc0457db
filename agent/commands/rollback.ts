import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { finish } from '../pass/finish.ts';
import { EXIT } from './exit-code.ts';
import { outcomeOf } from '../execution/ended.ts';
import { turnAsAsked } from './carry-out.ts';
import { resumeInTurn } from '../peers/in-turn.ts';
import { createTerminal } from './terminal.ts';
import { writeJson } from './json-answer.ts';
import { onLockedNode, type Verb } from './verb.ts';
import { rollBack } from '../execution/roll-back.ts';

/** Brings the previous generation back by hand, when a rotation was interrupted or is stuck. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'rollback', progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    // A staged generation has replaced nothing yet; a stuck one may lie below it.
    if ((await hands.generations.current())?.state === 'staging') await hands.generations.clear();
    const journal = await hands.generations.current();
    if (!journal || journal.state === 'ended') {
      if (context.json) writeJson(context, 'rollback', { rolledBack: false, reason: 'nothing-to-roll-back' });
      else terminal.line('there is nothing to roll back: no rotation is under way or stuck');
      return EXIT.done;
    }
    const { runId } = journal;
    const cause = new AgentError('unit', 'a person asks for the way back');
    const ended = await resumeInTurn(
      hands,
      stopping,
      async (beforeRestart) =>
        await rollBack(cause, { ...journal, state: 'committed' }, hands, beforeRestart),
    );
    await finish(runId, outcomeOf(ended), hands);
    const isStuck = ended.node === 'stuck';
    if (context.json)
      writeJson(context, 'rollback', {
        rolledBack: !isStuck,
        reason: isStuck ? 'stuck' : undefined,
        why: explain(ended.error),
        code: codeOf(ended.error),
      });
    else terminal.line(explain(ended.error));
    return isStuck ? EXIT.deploymentFailed : EXIT.done;
  });
};
