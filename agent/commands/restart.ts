import { EXIT } from '../exit-code.ts';
import { watchSignals } from '../lifecycle.ts';
import { carryOut } from '../perform.ts';
import { recover } from '../recover.ts';
import { intendToRestart } from '../settle.ts';
import { createTerminal } from '../terminal.ts';
import { onLockedNode, type Verb, writeJson } from '../verb.ts';

/** What a deployment of the group `coe-restart` does, for a person on the node. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'restart', progress, async (hands) => {
    const { stopping } = watchSignals();
    // What an interrupted rotation has left is brought to its end first: it may restart the same units.
    await recover(hands, stopping);
    const named = Array.isArray(options['unit']) ? options['unit'].map(String) : undefined;
    const { node, steps } = await intendToRestart({ kind: 'restart', units: named }, hands, stopping);
    const outcome = await carryOut(steps, { owner: 'restart', node, hands, signal: stopping });
    if (context.json) writeJson(context, { restarted: outcome.stdout.trim().split('\n').slice(1) });
    return EXIT.done;
  });
};
