import { AgentError, explain } from '../../src/base/errors.ts';
import { conclude } from '../pass/conclude.ts';
import { EXIT } from './exit-code.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { createTerminal } from './terminal.ts';
import { onLockedNode, type Verb, writeJson } from './verb.ts';
import { wayBack } from '../execution/roll-back.ts';

/** Brings the previous generation back by hand, when a rotation was interrupted or is stuck. */
export const verb: Verb = async (context) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'rollback', progress, async (hands) => {
    // Nothing has been replaced yet by what is only staged; it may have been staged over what is stuck.
    if ((await hands.generations.current())?.state === 'staging') await hands.generations.clear();
    const journal = await hands.generations.current();
    if (!journal || journal.state === 'ended') {
      if (context.json) writeJson(context, { rolledBack: false });
      else terminal.line('there is nothing to roll back: no rotation is under way or stuck');
      return EXIT.done;
    }
    const { owner } = journal;
    const result = await wayBack(
      new AgentError('unit', 'rolled back by hand'),
      { ...journal, state: 'committed' },
      hands,
    );
    await conclude(owner, failed(result), hands);
    const stuck = (await hands.generations.current()) !== undefined;
    if (context.json) writeJson(context, { rolledBack: !stuck, why: explain(result) });
    else terminal.line(explain(result));
    return stuck ? EXIT.deploymentFailed : EXIT.done;
  });
};
