import * as v from 'valibot';
import { AgentError, explain } from '../../src/base/errors.ts';
import { conclude } from '../conclude.ts';
import { EXIT } from '../exit-code.ts';
import { failed } from '../outcome.ts';
import { RestSchema } from '../rest.ts';
import { createTerminal } from '../terminal.ts';
import { lockNode, openHands, type Verb, writeJson } from '../verb.ts';
import { wayBack } from '../way-back.ts';

/** Brings the previous generation back by hand, when a rotation was interrupted or is stuck. */
export const verb: Verb = async (context) => {
  const lock = await lockNode(context, 'rollback');
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const hands = await openHands(context, context.json ? () => undefined : terminal.progress);
  try {
    const journal = await hands.generations.current();
    if (!journal || journal.state === 'staging' || journal.state === 'ended') {
      if (context.json) writeJson(context, { rolledBack: false });
      else terminal.line('there is nothing to roll back: no rotation is under way or stuck');
      return EXIT.done;
    }
    const { owner } = journal;
    const { units } = v.parse(RestSchema, journal.rest);
    const result = await wayBack(
      new AgentError('unit', 'rolled back by hand'),
      { ...journal, state: 'committed' },
      units,
      hands,
    );
    await conclude(owner, failed(result), hands);
    const stuck = (await hands.generations.current()) !== undefined;
    if (context.json) writeJson(context, { rolledBack: !stuck, why: explain(result) });
    else terminal.line(explain(result));
    return stuck ? EXIT.deploymentFailed : EXIT.done;
  } finally {
    await hands.close();
    await lock.release();
  }
};
